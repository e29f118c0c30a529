/* mc146818.h - real-time clock with battery-backed memory (CMOS).
 *
 * Source: Motorola MC146818A data sheet. Ports: 70h index (bit 7, the NMI mask of the board, is kept out), 71h data.
 * IRQ 8. Clock: the machine's clock object, 32.768 kHz divider chain; set from the wall clock at creation.
 * Modelled: time and calendar in BCD or binary, 12 or 24 hours, century at 32h, update cycle with UIP (244 us), divider
 * reset, periodic, alarm and update-ended interrupts with their flags also when masked, 128 bytes of memory; the
 * counters, the day of the week among them, count on from what was written. Not modelled: daylight saving (DSE), square
 * wave. Reset keeps time and memory and clears the interrupt enables, as the RESET# pin does. State to save: registers,
 * memory, divider chain, timer. */
#ifndef VX86_DEVICES_MC146818_H
#define VX86_DEVICES_MC146818_H

#include "device.h"

#define RTC_CMOS_BYTES 128

enum {
    RTC_SECONDS = 0x00,
    RTC_SECONDS_ALARM,
    RTC_MINUTES,
    RTC_MINUTES_ALARM,
    RTC_HOURS,
    RTC_HOURS_ALARM,
    RTC_DAY_OF_WEEK,
    RTC_DAY,
    RTC_MONTH,
    RTC_YEAR,
    RTC_REG_A,
    RTC_REG_B,
    RTC_REG_C,
    RTC_REG_D,
    RTC_CENTURY = 0x32,
};
enum { RTC_A_UIP = 0x80, RTC_A_DV = 0x70, RTC_A_RS = 0x0F };
enum {
    RTC_B_SET = 0x80,
    RTC_B_PIE = 0x40,
    RTC_B_AIE = 0x20,
    RTC_B_UIE = 0x10,
    RTC_B_SQWE = 0x08,
    RTC_B_DM = 0x04,
    RTC_B_24H = 0x02,
    RTC_B_DSE = 0x01,
};
enum { RTC_C_IRQF = 0x80, RTC_C_PF = 0x40, RTC_C_AF = 0x20, RTC_C_UF = 0x10 };
enum { RTC_D_VRT = 0x80 };

struct rtc;

struct rtc_config {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq;
};

VX_MUST_USE vx_err rtc_create(const struct rtc_config *config, struct rtc **out);
extern const struct device_type rtc_type;

/* The memory bytes above register D, for the machine (sizes, boot order) and the reset logic (shutdown status 0Fh). */
void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value);
uint8_t rtc_get_cmos(const struct rtc *rtc, unsigned index);

#endif
