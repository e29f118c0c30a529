/* rtc_calendar.h - the time-of-day counters of the MC146818: how they count, their register formats, and their values
 * for a moment of the wall clock. Gregorian calendar, years 0 to 9999; no time zone: the clock shows what the host
 * calls UTC. */
#ifndef VX86_DEVICES_RTC_CALENDAR_H
#define VX86_DEVICES_RTC_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct rtc_date {
    unsigned second, minute, hour;
    unsigned weekday;    /* 1 to 7; whether 1 is a Sunday is up to who sets it */
    unsigned day, month; /* 1 to 31, 1 to 12 */
    unsigned year, century;
};

/* Seconds since 1970-01-01 00:00:00; Sunday is 1. */
void rtc_date_from_seconds(int64_t seconds, struct rtc_date *date);

/* One second, or one day, on. Each counter by itself: at its last value, or beyond it, it goes to its first one and
 * moves the next; what is out of range and not moved stays. */
void rtc_date_tick(struct rtc_date *date);
void rtc_date_next_day(struct rtc_date *date);

/* One field in binary or BCD. */
uint8_t rtc_encode(unsigned value, bool binary);
unsigned rtc_decode(uint8_t raw, bool binary);
/* Hours with the 12-hour form: 12 AM, 1 AM ... 11 PM, bit 7 for PM. */
uint8_t rtc_encode_hour(unsigned hour, bool binary, bool is_24h);
unsigned rtc_decode_hour(uint8_t raw, bool binary, bool is_24h);

#endif
