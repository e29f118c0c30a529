/* scenes_pci.c - configuration space, and the bridges. See scenes.h. */
#include "scenes.h"

static const uint8_t functions[] = { FN_HOST, FN_ISA, FN_IDE, FN_PM, FN_VGA, FN_CARD, 0x1A, 0xFF };

/* BARs over each other, over RAM, over other chips; sizes; gone and back again. */
void scene_pci(struct scene *s)
{
    static const uint32_t places[] = { 0x00000000, 0x00100000, 0x00200000, 0x000A0000, 0x000C0000, 0x00400000,
                                       0xE0000000, 0xE0800000, 0xE1000000, 0xFD000000, 0xFEBF0000, 0xFEC00000,
                                       0xFEE00000, 0xFF000000, 0xFFFFFFFF, 0xC001,     0x1F1,      0x61,
                                       0xFE01,     0xFFFFFFF1, 0x3C1 };
    unsigned function = PICK(s, functions), bar = below(s, 7);
    switch (below(s, 7)) {
    case 0:
    case 1:
        config_write(s, function, bar == 6 ? 0x30 : 0x10 + 4 * bar, 4, PICK(s, places) | (bar == 6 ? 1 : 0));
        config_read(s, function, 0x10 + 4 * bar, 4);
        break;
    case 2: config_write(s, function, 4, 2, chance(s, 3) ? any(s) : below(s, 8)); break;
    case 3: config_write(s, function, below(s, 256), 1u << below(s, 3), likely(s)); break;
    case 4: config_read(s, function, below(s, 256), 1u << below(s, 3)); break;
    case 5: /* the address register by halves, and nobody's bus */
        out_sized(s, 0xCF8 + below(s, 4), 1u << below(s, 3), chance(s, 2) ? any(s) : 0x80000000 | (any(s) & 0xFFFFFF));
        in_sized(s, 0xCFC + below(s, 4), 1u << below(s, 3));
        in_sized(s, 0xCF8, 1u << below(s, 3));
        break;
    default: /* where things belong */
        config_write(s, FN_VGA, 0x10, 4, 0xE0000000);
        config_write(s, FN_VGA, 0x18, 4, 0xE1000000);
        config_write(s, FN_VGA, 0x30, 4, chance(s, 2) ? 0xE2000001 : 0);
        config_write(s, FN_VGA, 4, 2, 3);
        ide_set_up(s);
        break;
    }
    if (chance(s, 2))
        load(s, PICK(s, places) & ~3u, 4);
    if (chance(s, 4))
        store(s, (PICK(s, places) & ~3u) + below(s, 0x1000), 4, any(s));
}

/* PAM and SMRAM: what answers between A0000h and FFFFFh. */
void scene_i440fx(struct scene *s)
{
    static const uint8_t pams[] = { 0x00, 0x11, 0x22, 0x33, 0x30, 0x03, 0x31 };
    if (chance(s, 3))
        config_write(s, FN_HOST, 0x72, 1, chance(s, 8) ? any(s) : 0x0A | (chance(s, 2) ? 0x40 : 0));
    else
        config_write(s, FN_HOST, 0x59 + below(s, 7), 1, chance(s, 4) ? any(s) : PICK(s, pams));
    if (chance(s, 10))
        config_write(s, FN_HOST, 0x58, 4, chance(s, 2) ? 0x33333333 : any(s));
    cpu(s, CPU_SMIACT, below(s, 2));
    for (unsigned i = 0; i < 4; i++) {
        uint32_t at = 0xA0000 + below(s, 0x60000);
        chance(s, 2) ? store(s, at, 4, any(s)) : load(s, at, 4);
    }
    if (chance(s, 4))
        config_read(s, FN_HOST, below(s, 256), 1u << below(s, 3));
}

void scene_piix3(struct scene *s)
{
    switch (below(s, 5)) {
    case 0: config_write(s, FN_ISA, 0x60 + below(s, 4), 1, chance(s, 3) ? any(s) : below(s, 16)); break;
    case 1: config_write(s, FN_ISA, 0x4C, 1, any(s)); break;
    case 2: config_write(s, FN_ISA, below(s, 256), 1u << below(s, 3), likely(s)); break;
    case 3: /* reset control: what kind, and when */
        out(s, 0xCF9, chance(s, 2) ? 2 : 0);
        if (chance(s, 4))
            out(s, 0xCF9, 4 | below(s, 3));
        in(s, 0xCF9);
        break;
    default: config_read(s, FN_ISA, below(s, 256), 1u << below(s, 3)); break;
    }
    if (chance(s, 2)) { /* a card's line on its way to an ISA interrupt */
        unsigned card = FN_CARD + (chance(s, 2) ? 4 << 3 : 0), ports = card == FN_CARD ? 0xC100 : 0xC110;
        config_write(s, card, 0x10, 4, ports);
        config_write(s, card, 4, 2, chance(s, 6) ? 0x403 : 3);
        for (unsigned i = below(s, 4); i > 0; i--) {
            out(s, ports, below(s, 2));
            interrupt(s);
        }
        config_read(s, card, 6, 2);
    }
    if (chance(s, 4))
        out(s, 0x90 + below(s, 16), any(s));
}
