/* scenes_ide.c - disks, the CD-ROM drive and their bus master. See scenes.h. */
#include "scenes.h"

enum { BM = 0xC000 };

struct channel {
    uint32_t base, control, bm;
};

static struct channel channel_of(bool secondary)
{
    return (struct channel){ secondary ? 0x170u : 0x1F0u, secondary ? 0x376u : 0x3F6u, BM + (secondary ? 8u : 0u) };
}

void ide_set_up(struct scene *s)
{
    config_write(s, FN_IDE, 0x20, 4, BM | 1);
    config_write(s, FN_IDE, 0x40, 4, 0x80008000);
    config_write(s, FN_IDE, 0x04, 2, chance(s, 10) ? below(s, 8) : 5);
}

/* A table of some PRDs of small size, the last one marked; some of it may make no sense. */
static void prd_table(struct scene *s, const struct channel *c, bool to_memory)
{
    uint32_t at = buffer(s), entries = 1 + below(s, 6);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t bytes = chance(s, 8) ? any(s) & 0xFFFF : 512 * (1 + below(s, 8));
        uint32_t end = i + 1 == entries && !chance(s, 10) ? 0x80000000 : 0;
        store(s, at + 8 * i, 4, chance(s, 4) ? memory(s) : buffer(s));
        store(s, at + 8 * i + 4, 4, bytes | end);
    }
    if (chance(s, 16))
        at = memory(s);
    out_sized(s, c->bm + 4, 4, at);
    out(s, c->bm + 2, 0x66);
    out(s, c->bm, to_memory ? 8 : 0);
}

static void dma_start_stop(struct scene *s, const struct channel *c, bool to_memory)
{
    out(s, c->bm, (to_memory ? 8 : 0) | 1);
    if (chance(s, 3))
        poll_port(s, c->bm + 2, 4, 4);
    else
        pass(s, below(s, 200000));
    in(s, c->bm + 2);
    in(s, c->base + 7);
    if (!chance(s, 6))
        out(s, c->bm, 0);
    out(s, c->bm + 2, 6);
}

static void pio(struct scene *s, const struct channel *c, bool in_data, unsigned sectors)
{
    for (unsigned i = 0; i < sectors; i++) {
        poll_port(s, c->base + 7, 0x88, 8);
        uint32_t bytes = chance(s, 10) ? below(s, 600) : 512;
        unsigned size = chance(s, 3) ? 4 : 2;
        if (chance(s, 8))
            in_data ? in_sized(s, c->base, 1u << below(s, 3)) : out_sized(s, c->base, 1u << below(s, 3), any(s));
        if (in_data)
            ins(s, c->base, size, bytes / size, memory(s));
        else
            outs(s, c->base, size, bytes / size, memory(s));
    }
    in(s, c->base + 7);
}

/* LBA, the bad sectors among them, or CHS; old and new bytes of the 48-bit form. */
static void task_file(struct scene *s, const struct channel *c, bool slave, unsigned sectors)
{
    uint32_t lba = chance(s, 10) ? any(s) : chance(s, 6) ? 1020 + below(s, 8) : below(s, 2048);
    unsigned form = chance(s, 3) ? 0xA0 : 0xE0;
    out(s, c->base + 6, form | (slave ? 0x10 : 0) | (chance(s, 20) ? below(s, 16) : 0));
    if (chance(s, 2)) { /* the older bytes */
        out(s, c->base + 2, chance(s, 8) ? any(s) : 0);
        out(s, c->base + 3, chance(s, 8) ? any(s) : 0);
        out(s, c->base + 4, chance(s, 8) ? any(s) : 0);
        out(s, c->base + 5, chance(s, 8) ? any(s) : 0);
    }
    out(s, c->base + 1, chance(s, 8) ? any(s) : 0);
    out(s, c->base + 2, sectors);
    out(s, c->base + 3, form == 0xA0 ? 1 + below(s, 63) : lba);
    out(s, c->base + 4, lba >> 8);
    out(s, c->base + 5, form == 0xA0 ? 0 : lba >> 16);
}

void scene_ata(struct scene *s)
{
    static const uint8_t reads[] = { 0x20, 0x21, 0x24, 0x29, 0xC4 }, writes[] = { 0x30, 0x31, 0x34, 0x39, 0xC5, 0xCE };
    static const uint8_t dmas[] = { 0xC8, 0xC9, 0x25, 0xCA, 0xCB, 0x35, 0x3D };
    static const uint8_t others[] = { 0x10, 0x27, 0x40, 0x41, 0x42, 0x70, 0x91, 0x94, 0x95, 0x96,
                                      0x97, 0x98, 0x99, 0xE0, 0xE1, 0xE2, 0xE3, 0xE5, 0xE6, 0xE7,
                                      0xEA, 0xEC, 0xEC, 0xF8, 0x08, 0x90, 0xB0, 0xA1, 0xF5, 0x00 };
    bool slave = chance(s, 4);
    struct channel c = channel_of(chance(s, 20));
    unsigned sectors = chance(s, 8) ? any(s) : 1 + below(s, 6);
    if (chance(s, 2))
        ide_set_up(s);
    switch (below(s, 6)) {
    case 0:
        task_file(s, &c, slave, sectors);
        out(s, c.base + 7, PICK(s, reads));
        pio(s, &c, true, sectors < 8 ? sectors : 8);
        break;
    case 1:
        task_file(s, &c, slave, sectors);
        out(s, c.base + 7, PICK(s, writes));
        pio(s, &c, false, sectors < 8 ? sectors : 8);
        break;
    case 2:
    case 3: {
        unsigned which = below(s, VX_ARRAY_LEN(dmas));
        bool to_memory = chance(s, 8) ? chance(s, 2) : which < 3;
        prd_table(s, &c, to_memory);
        task_file(s, &c, slave, sectors);
        out(s, c.base + 7, dmas[which]);
        dma_start_stop(s, &c, to_memory);
        break;
    }
    case 4: { /* SET FEATURES, SET MULTIPLE, INITIALIZE PARAMETERS with values that they know */
        static const uint8_t features[] = { 0x02, 0x03, 0x55, 0x66, 0x82, 0xAA, 0xCC, 0x01, 0x05 };
        static const uint8_t modes[] = { 0x00, 0x01, 0x08, 0x0C, 0x20, 0x22, 0x40, 0x45, 0x46, 0x13, 0xFF };
        static const uint8_t commands[] = { 0xEF, 0xEF, 0xC6, 0x91 };
        out(s, c.base + 6, 0xA0 | (slave ? 0x10 : 0) | (chance(s, 2) ? 15 : below(s, 16)));
        out(s, c.base + 1, PICK(s, features));
        out(s, c.base + 2, chance(s, 2) ? PICK(s, modes) : 1u << below(s, 8));
        out(s, c.base + 7, PICK(s, commands));
        break;
    }
    default: {
        uint8_t command = chance(s, 10) ? (uint8_t)any(s) : PICK(s, others);
        task_file(s, &c, slave, sectors);
        out(s, c.base + 7, command);
        if (command == 0xEC)
            pio(s, &c, true, 1);
        else
            pass(s, below(s, 300000));
        break;
    }
    }
    if (chance(s, 3))
        interrupt(s);
    in(s, c.base + below(s, 8));
}

static void packet(struct scene *s, uint32_t at)
{
    static const uint8_t commands[] = { 0x00, 0x03, 0x12, 0x1A, 0x1B, 0x1E, 0x25, 0x28, 0x28, 0x2B, 0x42, 0x43,
                                        0x46, 0x4A, 0x4E, 0x51, 0x5A, 0xA8, 0xB9, 0xBB, 0xBD, 0xBE, 0xAD, 0xFF };
    static const uint8_t pages[] = { 0x01, 0x0E, 0x1A, 0x2A, 0x3F, 0x00, 0x7F, 0xBF, 0xFF };
    uint8_t bytes[12] = { 0 };
    bytes[0] = PICK(s, commands);
    for (unsigned i = 1; i < 12; i++)
        if (chance(s, 4))
            bytes[i] = chance(s, 2) ? (uint8_t)any(s) : (uint8_t)below(s, 4);
    switch (bytes[0]) {
    case 0x28:
    case 0xA8:
    case 0xBE:
        bytes[2] = bytes[3] = 0;
        bytes[4] = chance(s, 4) ? 1 : 0;
        bytes[5] = (uint8_t)any(s);
        bytes[8] = bytes[0] == 0xA8 ? 0 : (uint8_t)below(s, 4);
        bytes[9] = (uint8_t)below(s, 4);
        if (bytes[0] == 0xBE && chance(s, 2))
            bytes[9] = 0x10;
        break;
    case 0x1B: bytes[4] = (uint8_t)below(s, 4); break;
    case 0x1E: bytes[4] = (uint8_t)below(s, 2); break;
    case 0x1A:
    case 0x5A: bytes[2] = PICK(s, pages); /* fall through */
    case 0x03:
    case 0x12: bytes[4] = bytes[8] = (uint8_t)any(s); break;
    case 0x43:
        bytes[2] = (uint8_t)below(s, 6);
        bytes[6] = (uint8_t)below(s, 3);
        bytes[8] = (uint8_t)any(s);
        bytes[9] = (uint8_t)(below(s, 3) << 6);
        break;
    case 0xB9: /* from and to as minute, second, frame */
        for (unsigned i = 3; i < 9; i++)
            bytes[i] = (uint8_t)(i % 3 == 1 ? 2 : below(s, 3));
        bytes[9] = 0x10;
        break;
    case 0x42:
    case 0x46:
    case 0x4A:
    case 0x51:
    case 0xBD:
        bytes[1] |= (uint8_t)chance(s, 2);
        bytes[2] |= (uint8_t)(chance(s, 2) ? 0x40 : 0);
        bytes[4] |= (uint8_t)(chance(s, 2) ? 0x10 : 0);
        bytes[8] = (uint8_t)any(s);
        break;
    default: break;
    }
    for (unsigned i = 0; i < 12; i += 4)
        store(s, at + i, 4,
              (uint32_t)(bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16) | (uint32_t)bytes[i + 3] << 24);
}

/* One PACKET command, its packet and what comes of it. */
static void packet_command(struct scene *s, const struct channel *c)
{
    uint32_t at = buffer(s), limit = chance(s, 3) ? any(s) : 2048;
    bool dma = chance(s, 3);
    if (dma)
        prd_table(s, c, true);
    packet(s, at);
    out(s, c->base + 1, dma | (chance(s, 10) ? 2 : 0));
    out(s, c->base + 4, limit);
    out(s, c->base + 5, limit >> 8);
    out(s, c->base + 7, 0xA0);
    poll_port(s, c->base + 7, 0x88, 8);
    outs(s, c->base, chance(s, 10) ? 4 : 2, chance(s, 10) ? below(s, 8) : 6, at);
    if (dma)
        dma_start_stop(s, c, true);
    else
        for (unsigned i = 1 + below(s, 4); i > 0; i--) {
            poll_port(s, c->base + 7, 0x88, 8);
            in(s, c->base + 4);
            ins(s, c->base, 2, chance(s, 3) ? 1024 : below(s, 1100), memory(s));
        }
    in(s, c->base + 2);
    in(s, c->base + 1);
    in(s, c->base + 7);
}

void scene_atapi(struct scene *s)
{
    static const uint8_t commands[] = { 0x08, 0xA1, 0x20, 0xE0, 0xE1, 0xE2, 0xE3, 0xE5, 0xE6, 0xEC, 0xEF, 0x00, 0x90 };
    struct channel c = channel_of(!chance(s, 30));
    if (chance(s, 2))
        ide_set_up(s);
    out(s, c.base + 6, chance(s, 12) ? 0xB0 : 0xA0);
    if (chance(s, 5)) {
        out(s, c.base + 1, 3);
        out(s, c.base + 2, 0x40 | below(s, 8));
        out(s, c.base + 7, PICK(s, commands));
        pio(s, &c, true, below(s, 2));
        return;
    }
    for (unsigned i = 1 + below(s, 4); i > 0; i--) /* the first finds UNIT ATTENTION */
        packet_command(s, &c);
}

/* The channel, not the drives: selection, resets, registers of the bus master, a command in the middle of another. */
void scene_ide(struct scene *s)
{
    struct channel c = channel_of(chance(s, 3));
    switch (below(s, 8)) {
    case 0: ide_set_up(s); break;
    case 1:
        out(s, c.control, 4 | below(s, 16));
        pass(s, below(s, 20000));
        out(s, c.control, chance(s, 4) ? 2 : 0);
        break;
    case 2: out_sized(s, c.bm + below(s, 8), 1u << below(s, 3), likely(s)); break;
    case 3: in_sized(s, c.bm + below(s, 8), 1u << below(s, 3)); break;
    case 4: config_write(s, FN_IDE, 0x40 + 4 * below(s, 3), 4, chance(s, 2) ? 0x80008000 : any(s)); break;
    case 5:
        task_file(s, &c, chance(s, 2), 1 + below(s, 3));
        out(s, c.base + 7, 0x20);
        out(s, c.base + 7, chance(s, 2) ? 0x08 : 0xEC); /* nobody waits */
        break;
    case 6: in_sized(s, c.control, 1u << below(s, 3)); break;
    default: out_sized(s, c.base + below(s, 8), 1u << below(s, 3), any(s)); break;
    }
    in_sized(s, c.base + below(s, 8), 1u << below(s, 3));
    out(s, c.base + 6, 0xA0 | below(s, 2) << 4);
    in(s, c.control);
    if (chance(s, 4))
        interrupt(s);
}
