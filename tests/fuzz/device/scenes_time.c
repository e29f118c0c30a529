/* scenes_time.c - interrupt controllers and timers. See scenes.h. */
#include "scenes.h"

/* ---- 8259, I/O APIC, local APIC */

static void pic_init(struct scene *s, unsigned base)
{
    unsigned icw1 = 0x10 | below(s, 16);
    out(s, base, icw1);
    out(s, base + 1, chance(s, 4) ? any(s) : base == 0x20 ? 0x20 : 0x28);
    if (!(icw1 & 2))
        out(s, base + 1, chance(s, 4) ? any(s) : base == 0x20 ? 4 : 2);
    if (icw1 & 1)
        out(s, base + 1, below(s, 32)); /* automatic EOI, special fully nested */
    out(s, base + 1, chance(s, 2) ? 0 : any(s));
}

void scene_pic(struct scene *s)
{
    static const uint8_t eois[] = { 0x20, 0x60, 0x61, 0x67, 0xA0, 0xE0, 0xE3, 0x80, 0x00, 0xC0, 0xC5, 0x40 };
    static const uint8_t words[] = { 0x0A, 0x0B, 0x0C, 0x0E, 0x68, 0x48, 0x08, 0x6B };
    unsigned base = chance(s, 2) ? 0x20 : 0xA0;
    switch (below(s, 6)) {
    case 0:
        pic_init(s, 0x20);
        pic_init(s, 0xA0);
        break;
    case 1: out(s, base, PICK(s, eois)); break;
    case 2:
        out(s, base, PICK(s, words));
        in(s, base);
        break;
    case 3: out(s, base + 1, chance(s, 2) ? 0 : any(s)); break;
    case 4: out(s, 0x4D0 + below(s, 2), any(s)); break;
    default: in_sized(s, base + below(s, 2), 1u << below(s, 2)); break;
    }
    for (unsigned i = below(s, 4); i > 0; i--) {
        out(s, 0x2000 + below(s, 16), below(s, 2)); /* a line, by the test device */
        if (chance(s, 2))
            interrupt(s);
    }
}

static const uint8_t vectors[] = { 0x00, 0x0F, 0x10, 0x1F, 0x20, 0x30, 0x31, 0x50, 0x80, 0xE1, 0xFE, 0xFF };

void scene_lapic(struct scene *s)
{
    static const uint16_t regs[] = { 0x020, 0x030, 0x080, 0x090, 0x0A0, 0x0B0, 0x0D0, 0x0E0, 0x0F0, 0x280,
                                     0x310, 0x320, 0x330, 0x340, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3E0 };
    uint32_t base = 0xFEE00000;
    if (chance(s, 12)) {
        base = chance(s, 2) ? 0xFEE10000 : 0x300000;
        cpu(s, CPU_APIC_BASE, base | 0x900);
    }
    switch (below(s, 8)) {
    case 0: store(s, base + 0xF0, 4, 0x100 | PICK(s, vectors)); break;
    case 1: /* a timer */
        store(s, base + 0x3E0, 4, below(s, 16));
        store(s, base + 0x320, 4, PICK(s, vectors) | below(s, 4) << 17 | (chance(s, 4) ? 0x10000 : 0));
        store(s, base + 0x380, 4, chance(s, 4) ? any(s) : below(s, 100000));
        pass(s, below(s, 200000));
        load(s, base + 0x390, 4);
        interrupt(s);
        break;
    case 2: /* an interrupt to itself, or a message to somebody */
        store(s, base + 0x310, 4, chance(s, 2) ? 0 : any(s));
        store(s, base + 0x300, 4,
              PICK(s, vectors) | below(s, 8) << 8 | below(s, 2) << 11 | below(s, 4) << 14 | below(s, 4) << 18);
        interrupt(s);
        break;
    case 3: /* LINT0, LINT1, error */
        store(s,
              base + (chance(s, 3)   ? 0x370
                      : chance(s, 2) ? 0x350
                                     : 0x360),
              4, PICK(s, vectors) | below(s, 8) << 8 | below(s, 16) << 13);
        out(s, 0x2000 + below(s, 16), below(s, 2));
        break;
    case 4: store(s, base + 0x80, 4, chance(s, 2) ? 0 : any(s) & 0xFF); break;
    case 5:
        for (unsigned i = 0; i < 24; i++)
            load(s, base + 0x100 + 16 * i, 4);
        break;
    case 6:
        store(s, base + 0xD0, 4, any(s) & 0xFF000000);
        store(s, base + 0xE0, 4, chance(s, 2) ? 0xFFFFFFFF : 0x0FFFFFFF);
        break;
    default:
        store(s, base + PICK(s, regs), 4, likely(s));
        load(s, base + PICK(s, regs) + (chance(s, 8) ? 4 : 0), 1u << below(s, 3));
        break;
    }
    if (chance(s, 3))
        store(s, base + 0xB0, 4, 0);
    if (base != 0xFEE00000 || chance(s, 30))
        cpu(s, CPU_APIC_BASE, 0xFEE00000 | (chance(s, 4) ? 0 : 0x900));
}

void scene_ioapic(struct scene *s)
{
    unsigned pin = below(s, 26);
    if (chance(s, 6)) {
        store(s, 0xFEC00000, 4, below(s, 4));
        store(s, 0xFEC00010, 4, likely(s));
    }
    store(s, 0xFEC00000, 4, 0x11 + 2 * pin);
    store(s, 0xFEC00010, 4, chance(s, 3) ? 0 : any(s) & 0x0F000000);
    store(s, 0xFEC00000, 4, 0x10 + 2 * pin);
    store(s, 0xFEC00010, 4, PICK(s, vectors) | below(s, 8) << 8 | below(s, 16) << 11 | below(s, 4) << 15);
    load(s, 0xFEC00010, 4);
    for (unsigned i = below(s, 4); i > 0; i--) {
        out(s, 0x2000 + (chance(s, 3) ? below(s, 24) : pin), below(s, 2));
        interrupt(s);
    }
    if (chance(s, 4))
        load(s, 0xFEC00000 + below(s, 0x20), 1u << below(s, 3));
    if (chance(s, 8))
        store(s, 0xFEC00040, 4, PICK(s, vectors));
}

/* ---- 8254, port 61h */

void scene_pit(struct scene *s)
{
    unsigned counter = below(s, 3), mode = below(s, 8), access = 1 + below(s, 3);
    if (chance(s, 3))
        out(s, 0x61, below(s, 16));
    out(s, 0x43, counter << 6 | access << 4 | mode << 1 | chance(s, 4));
    for (unsigned i = 0; i < 1 + (access == 3); i++)
        out(s, 0x40 + counter, chance(s, 3) ? below(s, 3) : any(s));
    pass(s, chance(s, 4) ? below(s, 60000000) : below(s, 20000));
    switch (below(s, 6)) {
    case 0: out(s, 0x43, counter << 6); break;        /* counter latch */
    case 1: out(s, 0x43, 0xC0 | below(s, 64)); break; /* read-back */
    case 2: out(s, 0x61, below(s, 2)); break;         /* gate 2 */
    case 3: out(s, 0x40 + counter, any(s)); break;    /* a new count, half of it perhaps */
    case 4: out(s, 0x43, counter << 6 | below(s, 4) << 4 | below(s, 16)); break;
    default: break;
    }
    for (unsigned i = below(s, 5); i > 0; i--)
        in(s, 0x40 + below(s, 4));
    in(s, 0x61);
    if (chance(s, 2))
        interrupt(s);
}

/* ---- clock and CMOS */

static void cmos(struct scene *s, unsigned index, unsigned value)
{
    out(s, 0x70, index);
    out(s, 0x71, value);
}

static void set_time(struct scene *s)
{
    static const uint8_t nines[][8] = { { 0x59, 0x59, 0x23, 0x07, 0x31, 0x12, 0x99, 0x19 },
                                        { 0x59, 0x59, 0x23, 0x02, 0x28, 0x02, 0x00, 0x20 },
                                        { 59, 59, 23, 7, 28, 2, 23, 20 },
                                        { 0x59, 0x59, 0x91, 0x01, 0x30, 0x04, 0x01, 0x20 },
                                        { 0x59, 0x59, 0x12, 0x01, 0x30, 0x06, 0x01, 0x20 },
                                        { 59, 59, 0x8B, 7, 31, 1, 24, 20 } };
    static const uint8_t index[8] = { 0, 2, 4, 6, 7, 8, 9, 0x32 };
    const uint8_t *time = nines[below(s, VX_ARRAY_LEN(nines))];
    cmos(s, 0x0B, 0x80 | below(s, 128));
    for (unsigned i = 0; i < 8; i++)
        cmos(s, index[i], chance(s, 10) ? any(s) : time[i]);
    for (unsigned i = 1; i < 6; i += 2)
        cmos(s, i, chance(s, 2) ? 0xC0 | below(s, 64) : any(s));
    cmos(s, 0x0B, below(s, 128));
}

/* A beep, pulses by hand, and what a guest gets wrong about it. */
void scene_speaker(struct scene *s)
{
    if (chance(s, 2)) {
        out(s, 0x43, chance(s, 3) ? 0x80 | below(s, 64) : 0xB6);
        out(s, 0x42, chance(s, 3) ? below(s, 8) : any(s));
        out(s, 0x42, chance(s, 2) ? 0 : below(s, 32));
    }
    out(s, 0x61, chance(s, 4) ? any(s) : 3);
    pass(s, chance(s, 4) ? below(s, 2000000000) : below(s, 30000000));
    for (unsigned i = below(s, chance(s, 4) ? 60 : 4); i > 0; i--) {
        out(s, 0x61, below(s, 4));
        pass(s, below(s, 200000));
    }
    if (chance(s, 3))
        out(s, 0x61, 0);
}

void scene_rtc(struct scene *s)
{
    switch (below(s, 6)) {
    case 0: set_time(s); break;
    case 1: cmos(s, 0x0A, chance(s, 3) ? any(s) : 0x20 | below(s, 16)); break;
    case 2: cmos(s, 0x0B, any(s)); break;
    case 3: cmos(s, below(s, 0x90), any(s)); break;
    default: break;
    }
    if (chance(s, 3))
        pass(s, chance(s, 2) ? 1100000000 : below(s, 3000000));
    for (unsigned i = 0; i < 6; i++) {
        out(s, 0x70, chance(s, 4) ? any(s) : below(s, 14));
        in(s, 0x71);
    }
    in(s, 0x70);
    if (chance(s, 2))
        interrupt(s);
}

/* ---- HPET */

void scene_hpet(struct scene *s)
{
    uint32_t base = 0xFED00000, timer = base + 0x100 + 0x20 * below(s, 4);
    unsigned size = chance(s, 3) ? 8 : 4;
    if (chance(s, 3))
        store(s, base + 0x10, size, below(s, 4));
    if (chance(s, 6))
        store(s, base + 0xF0 + (chance(s, 3) ? 4 : 0), size, chance(s, 2) ? 0xFFFFFF00 : any(s));
    store(s, timer, size, below(s, 0x200) | (chance(s, 2) ? (20 + below(s, 4)) << 9 : below(s, 32) << 9) | 4);
    store(s, timer + 8, size, chance(s, 4) ? likely(s) : below(s, 20000));
    if (chance(s, 3))
        store(s, timer + 8, size, chance(s, 3) ? likely(s) : 100 + below(s, 20000));
    if (chance(s, 6))
        store(s, timer + 12, 4, chance(s, 2) ? 0 : any(s));
    store(s, base + 0x10, size, 1 | below(s, 4));
    pass(s, chance(s, 4) ? below(s, 10000000) : below(s, 300000));
    load(s, base + 0xF0, size);
    load(s, base + 0x20, 4);
    load(s, timer + below(s, 0x20) / 4 * 4, size);
    if (chance(s, 2))
        store(s, base + 0x20, 4, chance(s, 2) ? 7 : any(s));
    if (chance(s, 2))
        interrupt(s);
    if (chance(s, 10))
        load(s, base + below(s, 0x400), 1u << below(s, 4));
}
