/* board_sound.h - what a guest does with the sound of a board, and somebody who listens to it. */
#ifndef VX86_TESTS_BOARD_SOUND_H
#define VX86_TESTS_BOARD_SOUND_H

#include <string.h>

#include "vx86/machine.h"

static inline void board_sound_start(void *opaque, unsigned stream, const struct vx_audio_format *format)
{
    (void)opaque, (void)stream, (void)format;
}
static inline void board_sound_stop(void *opaque, unsigned stream)
{
    (void)opaque, (void)stream;
}
static inline void board_sound_play(void *opaque, unsigned stream, const void *frames, size_t count, uint64_t guest_ns)
{
    (void)opaque, (void)stream, (void)frames, (void)count, (void)guest_ns;
}
static inline void board_sound_record(void *opaque, unsigned stream, void *frames, size_t count, uint64_t guest_ns)
{
    (void)opaque, (void)stream, (void)guest_ns;
    memset(frames, 0x33, count);
}
static inline void board_sound_volume(void *opaque, unsigned stream, uint16_t left, uint16_t right)
{
    (void)opaque, (void)stream, (void)left, (void)right;
}

static inline struct vx_audio board_listener(void)
{
    static const struct vx_audio_ops ops = { .start = board_sound_start,
                                             .stop = board_sound_stop,
                                             .play = board_sound_play,
                                             .record = board_sound_record,
                                             .volume = board_sound_volume };
    return (struct vx_audio){ .ops = &ops, .streams = VX_SOUND_STREAMS };
}

/* Tones, and the data bit by hand. */
static inline uint64_t board_speaker(struct vx_bus *bus, uint64_t r)
{
    if (r & 1) {
        vx_bus_write(bus, VX_SPACE_IO, 0x43, 1, r & 6 ? 0xB6 : r >> 8 & 0xFF);
        vx_bus_write(bus, VX_SPACE_IO, 0x42, 1, r >> 16 & 0xFF);
        vx_bus_write(bus, VX_SPACE_IO, 0x42, 1, r >> 24 & 0x0F);
    }
    vx_bus_write(bus, VX_SPACE_IO, 0x61, 1, r >> 32 & 3);
    return vx_bus_read(bus, VX_SPACE_IO, 0x61, 1);
}

/* A command of the DSP with its bytes, the 8237's channel for it, or a register of the mixer. */
static inline uint64_t board_sb16(struct vx_bus *bus, uint64_t r)
{
    static const uint8_t commands[][5] = { { 0x41, 0x56, 0x22 },
                                           { 0xC6, 0x00, 0xFF, 0x00 },
                                           { 0xC0, 0x20, 0x40, 0x00 },
                                           { 0xB6, 0x30, 0x80, 0x00 },
                                           { 0xC8, 0x00, 0x30, 0x00 },
                                           { 0xD0 },
                                           { 0xD4 },
                                           { 0xE1 },
                                           { 0x80, 0x10, 0x00 },
                                           { 0x10, 0x33 } };
    static const uint8_t bytes[] = { 3, 4, 4, 4, 4, 1, 1, 1, 3, 2 };
    static const uint8_t dma[][2] = { { 0x0C, 0 }, { 0x02, 0 },    { 0x02, 0x10 }, { 0x03, 0xFF }, { 0x03, 1 },
                                      { 0x83, 0 }, { 0x0B, 0x59 }, { 0x0A, 1 },    { 0xD6, 0xC0 }, { 0xD4, 0 } };
    uint64_t value = 0;
    unsigned n = (r >> 8) % VX_ARRAY_LEN(bytes);
    for (size_t i = 0; i < VX_ARRAY_LEN(dma) && (r & 3) == 0; i++)
        vx_bus_write(bus, VX_SPACE_IO, dma[i][0], 1, dma[i][1]);
    for (unsigned i = 0; i < bytes[n]; i++)
        vx_bus_write(bus, VX_SPACE_IO, 0x22C, 1, commands[n][i]);
    vx_bus_write(bus, VX_SPACE_IO, 0x224, 1, r >> 16 & 0xFF);
    if (r & 4)
        vx_bus_write(bus, VX_SPACE_IO, 0x225, 1, r >> 24 & 0xFF);
    for (unsigned i = 4; i < 16; i++)
        value = value * 3 + vx_bus_read(bus, VX_SPACE_IO, 0x220 + i, 1);
    return value + vx_bus_read(bus, VX_SPACE_IO, 0x03, 1);
}

static inline void board_sound_config(struct vx_bus *bus, unsigned slot, unsigned reg, uint32_t value)
{
    vx_bus_write(bus, VX_SPACE_IO, 0xCF8, 4, 0x80000000u | slot << 11 | reg);
    vx_bus_write(bus, VX_SPACE_IO, 0xCFC, 4, value);
}

/* Its ports put where they are looked for, a list of descriptors in RAM, and registers of the three engines. */
static inline uint64_t board_ac97(struct vx_bus *bus, uint64_t r)
{
    static const uint8_t bytes[][2] = { { 0x1B, 0x1D }, { 0x1B, 0 }, { 0x1B, 2 }, { 0x15, 31 }, { 0x15, 3 },
                                        { 0x16, 0x1C }, { 0x0B, 1 }, { 0x05, 9 }, { 0x2B, 5 },  { 0x2C, 2 } };
    uint64_t value = 0;
    board_sound_config(bus, 6, 0x10, 0xD000);
    board_sound_config(bus, 6, 0x14, 0xD400);
    board_sound_config(bus, 6, 0x04, 5);
    if (r & 1)
        vx_bus_write(bus, VX_SPACE_IO, 0xD000 + (r >> 8 & 0x7E), 2, r >> 16 & 0xFFFF);
    for (unsigned i = 0; i < (r >> 32 & 7); i++) {
        const uint8_t *write = bytes[(r >> (36 + i)) % VX_ARRAY_LEN(bytes)];
        vx_bus_write(bus, VX_SPACE_IO, 0xD400 + write[0], 1, write[1]);
    }
    for (unsigned i = 0; i < 0x38; i++)
        value = value * 3 + vx_bus_read(bus, VX_SPACE_IO, 0xD400 + i, 1);
    return value + vx_bus_read(bus, VX_SPACE_IO, 0xD000 + (r >> 24 & 0x7E), 2);
}

/* The same of the AudioPCI's. */
static inline uint64_t board_es1370(struct vx_bus *bus, uint64_t r)
{
    static const uint32_t writes[][2] = {
        { 0x00, 0x001E2070 }, { 0x00, 0x001E1060 }, { 0x00, 0 },    { 0x20, 0x70F }, { 0x20, 0x300 }, { 0x20, 0x6705 },
        { 0x0C, 12 },         { 0x0C, 13 },         { 0x24, 40 },   { 0x28, 100 },   { 0x2C, 30 },    { 0x30, 0x20000 },
        { 0x34, 60 },         { 0x38, 0x30000 },    { 0x3C, 0x50 }, { 0x10, 0x0203 }
    };
    uint64_t value = 0;
    board_sound_config(bus, 7, 0x10, 0xD800);
    board_sound_config(bus, 7, 0x04, 5);
    for (unsigned i = 0; i < (r >> 32 & 7); i++) {
        const uint32_t *write = writes[(r >> (36 + i)) % VX_ARRAY_LEN(writes)];
        vx_bus_write(bus, VX_SPACE_IO, 0xD800 + write[0], 4, write[1]);
    }
    if (r & 1)
        vx_bus_write(bus, VX_SPACE_IO, 0xD800 + (r >> 8 & 0x3C), 4, r >> 16);
    for (unsigned i = 0; i < 0x40; i += 4)
        value = value * 3 + vx_bus_read(bus, VX_SPACE_IO, 0xD800 + i, 4);
    return value;
}

/* `r` is random. */
static inline uint64_t board_sound_access(struct vx_bus *bus, uint64_t r)
{
    switch (r >> 60 & 3) {
    case 0: return board_speaker(bus, r);
    case 1: return board_sb16(bus, r);
    case 2: return board_ac97(bus, r);
    default: return board_es1370(bus, r);
    }
}

#endif
