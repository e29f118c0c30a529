/* ioapic.c - I/O APIC. See ioapic.h.
 *
 * Redirection entry:
 *   63..56 destination | 16 mask | 15 level | 14 remote IRR | 13 low active | 12 delivery status | 11 logical |
 *   10..8 mode | 7..0 vector
 *
 *   I1  A level-triggered pin that is unmasked, asserted and without remote IRR does not exist between calls:
 *       service() has sent its message and set remote IRR. */
#include <stdlib.h>
#include <string.h>

#include "ioapic.h"

#define VERSION      (0x11u | (IOAPIC_PINS - 1) << 16)
#define WINDOW_BYTES 0x20

enum { IOREGSEL = 0x00, IOWIN = 0x10 };
enum { REG_ID = 0x00, REG_VERSION = 0x01, REG_ARBITRATION = 0x02, REG_TABLE = 0x10 };
#define RTE_MASKED       (1ull << 16)
#define RTE_LEVEL        (1ull << 15)
#define RTE_REMOTE_IRR   (1ull << 14)
#define RTE_LOGICAL      (1ull << 11)
#define RTE_MODE(entry)  ((entry) >> 8 & 7)
#define MODE_FIXED       0
#define MODE_LOWEST      1
#define MODE_NMI         4
#define RTE_WRITABLE_LOW 0x1AFFFu /* all but delivery status and remote IRR */

struct ioapic {
    struct vx_log *log;
    struct vx_bus *bus;
    void (*send)(void *opaque, const struct apic_message *message);
    void *opaque;
    uint8_t select, id;
    uint32_t lines; /* input levels */
    uint64_t entry[IOAPIC_PINS];
    struct vx_region region;
};

/* NMI, SMI, INIT and ExtINT come by edge whatever the trigger mode says (82093AA "I/O Redirection Table Registers",
 * delivery mode): nobody would send an EOI for them. */
static bool is_level(uint64_t entry)
{
    return (entry & RTE_LEVEL) && (RTE_MODE(entry) == MODE_FIXED || RTE_MODE(entry) == MODE_LOWEST);
}

static void send_entry(struct ioapic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->entry[pin];
    struct apic_message message = {
        .destination = (uint8_t)(entry >> 56),
        .vector = (uint8_t)entry,
        .mode = RTE_MODE(entry),
        .logical = entry & RTE_LOGICAL,
        .level_triggered = is_level(entry),
    };
    ioapic->send(ioapic->opaque, &message);
}

/* Sends for a level-triggered pin if it asks and may (I1). */
static void service(struct ioapic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->entry[pin];
    if (is_level(entry) && !(entry & (RTE_MASKED | RTE_REMOTE_IRR)) && (ioapic->lines >> pin & 1)) {
        ioapic->entry[pin] |= RTE_REMOTE_IRR;
        send_entry(ioapic, pin);
    }
}

static void pin_set(void *opaque, unsigned pin, bool level)
{
    struct ioapic *ioapic = opaque;
    bool was = ioapic->lines >> pin & 1;
    if (was == level)
        return;
    vx_trace(ioapic->log, irq_ioapic, pin, level);
    ioapic->lines ^= 1u << pin;
    uint64_t entry = ioapic->entry[pin];
    if (is_level(entry))
        service(ioapic, pin);
    else if (level && !(entry & RTE_MASKED))
        send_entry(ioapic, pin);
}

struct vx_irq ioapic_input(struct ioapic *ioapic, unsigned pin)
{
    VX_ASSERT(pin < IOAPIC_PINS);
    return (struct vx_irq){ .set = pin_set, .opaque = ioapic, .line = pin };
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &ioapic->entry[pin];
        if (is_level(*entry) && (*entry & RTE_REMOTE_IRR) && (uint8_t)*entry == vector) {
            *entry &= ~RTE_REMOTE_IRR;
            service(ioapic, pin);
        }
    }
}

bool ioapic_can_nmi(const struct ioapic *ioapic)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        if (!(ioapic->entry[pin] & RTE_MASKED) && RTE_MODE(ioapic->entry[pin]) == MODE_NMI)
            return true;
    return false;
}

static uint32_t read_window(const struct ioapic *ioapic)
{
    unsigned index = ioapic->select;
    if (index >= REG_TABLE && index < REG_TABLE + 2 * IOAPIC_PINS)
        return (uint32_t)(ioapic->entry[(index - REG_TABLE) / 2] >> (index % 2 ? 32 : 0));
    switch (index) {
    case REG_ID:
    case REG_ARBITRATION: return (uint32_t)ioapic->id << 24;
    case REG_VERSION: return VERSION;
    default: return 0;
    }
}

static void write_entry(struct ioapic *ioapic, unsigned pin, bool high, uint32_t value)
{
    uint64_t entry = ioapic->entry[pin];
    if (high) {
        entry = (entry & UINT32_MAX) | (uint64_t)(value & 0xFF000000u) << 32;
    } else {
        entry = (entry & ~(uint64_t)RTE_WRITABLE_LOW) | (value & RTE_WRITABLE_LOW);
        if (!is_level(entry)) /* switching to edge is how drivers drop a stuck remote IRR */
            entry &= ~RTE_REMOTE_IRR;
    }
    ioapic->entry[pin] = entry;
    service(ioapic, pin);
}

static uint64_t ioapic_peek(const void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    const struct ioapic *ioapic = opaque;
    if (off == IOREGSEL)
        return ioapic->select;
    return off == IOWIN ? read_window(ioapic) : 0;
}

static uint64_t ioapic_read(void *opaque, uint64_t off, unsigned size)
{
    return ioapic_peek(opaque, off, size);
}

static void ioapic_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct ioapic *ioapic = opaque;
    if (off == IOREGSEL) {
        ioapic->select = (uint8_t)value;
    } else if (off == IOWIN) {
        unsigned index = ioapic->select;
        if (index == REG_ID)
            ioapic->id = value >> 24 & 0xF;
        else if (index >= REG_TABLE && index < REG_TABLE + 2 * IOAPIC_PINS)
            write_entry(ioapic, (index - REG_TABLE) / 2, index % 2, (uint32_t)value);
    }
}

static void reset_registers(struct ioapic *ioapic)
{
    ioapic->select = ioapic->id = 0;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        ioapic->entry[pin] = RTE_MASKED;
}

static void ioapic_reset(void *instance, enum reset phase)
{
    if (phase == VX_RESET_HOLD)
        reset_registers(instance);
}

static void ioapic_destroy(void *instance)
{
    struct ioapic *ioapic = instance;
    if (ioapic == NULL)
        return;
    vx_bus_remove(ioapic->bus, &ioapic->region);
    free(ioapic);
}

vx_err ioapic_create(const struct ioapic_config *config, struct ioapic **out)
{
    struct ioapic *ioapic = calloc(1, sizeof *ioapic);
    if (ioapic == NULL)
        return VX_ERR_NO_MEMORY;
    ioapic->log = config->log;
    ioapic->bus = config->bus;
    ioapic->send = config->send;
    ioapic->opaque = config->opaque;
    reset_registers(ioapic);
    /* IOREGSEL may be written as a byte. */
    ioapic->region = (struct vx_region){ .name = "ioapic",
                                         .space = VX_SPACE_MEMORY,
                                         .base = IOAPIC_BASE,
                                         .size = WINDOW_BYTES,
                                         .max_size = 4,
                                         .read = ioapic_read,
                                         .write = ioapic_write,
                                         .peek = ioapic_peek,
                                         .opaque = ioapic };
    vx_err err = vx_bus_add(ioapic->bus, &ioapic->region);
    if (err != VX_ERR_OK) {
        free(ioapic);
        return err;
    }
    *out = ioapic;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct ioapic, select),
    REGISTER(struct ioapic, id),
    REGISTER(struct ioapic, lines),
    REGISTER(struct ioapic, entry),
    WIRES(struct ioapic, log, bus, send, opaque, region),
};
static const struct state_table state = STATE_TABLE(struct ioapic, fields, NULL);

const struct device_type ioapic_type = {
    .name = "ioapic",
    .version = 1,
    .state = &state,
    .reset = ioapic_reset,
    .destroy = ioapic_destroy,
};
