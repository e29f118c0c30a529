/* test_sb16.c - the Sound Blaster 16: DSP commands, transfers and interrupts under a fake clock, mixer, MPU-401. */
#include <stdlib.h>

#include "port_script.h"
#include "sb16.h"
#include "sound_rig.h"

enum { BASE = 0x220, IRQ9 = 0, IRQ5 = 1, IRQ7 = 2, IRQ10 = 3 };

/* A controller that gives bytes of `memory` to whoever asks at an open channel, round and round, or takes them. */
struct fake_dma {
    struct dma_device device[SB16_CHANNELS];
    bool dreq[SB16_CHANNELS], open[SB16_CHANNELS];
    enum dma_direction direction;
    uint8_t memory[64000];
    size_t bytes, at; /* of the ring */
    uint64_t moved;
};

struct fixture {
    struct port_rig ports;
    struct sound_rig sound;
    struct fake_dma dma;
    struct sb16 *chip;
};

static void serve(struct fake_dma *dma, unsigned number)
{
    while (dma->dreq[number] && dma->open[number]) {
        size_t room = dma->bytes - dma->at, offered = room < 64 ? room : 64;
        size_t went =
            dma->device[number].dack(dma->device[number].opaque, dma->direction, dma->memory + dma->at, offered);
        dma->at = (dma->at + went) % dma->bytes;
        dma->moved += went;
        if (went < offered)
            return;
    }
}

static void fake_attach(void *opaque, unsigned number, const struct dma_device *device)
{
    ((struct fake_dma *)opaque)->device[number] = device != NULL ? *device : (struct dma_device){ 0 };
}

static void fake_dreq(void *opaque, unsigned number, bool level)
{
    struct fake_dma *dma = opaque;
    dma->dreq[number] = level;
    serve(dma, number);
}

static void out(struct fixture *f, unsigned port, unsigned value)
{
    vx_bus_write(f->ports.bus, VX_SPACE_IO, port, 1, value);
}
static unsigned in(struct fixture *f, unsigned port)
{
    return (unsigned)vx_bus_read(f->ports.bus, VX_SPACE_IO, port, 1);
}
static void dsp(struct fixture *f, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(in(f, BASE + 0xC) & 0x80, 0);
        out(f, BASE + 0xC, bytes[i]);
    }
}
#define DSP(f, ...) dsp(f, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void mixer(struct fixture *f, unsigned index, unsigned value)
{
    out(f, BASE + 4, index);
    out(f, BASE + 5, value);
}
static unsigned mixer_read(struct fixture *f, unsigned index)
{
    out(f, BASE + 4, index);
    return in(f, BASE + 5);
}

static void reset_dsp(struct fixture *f)
{
    out(f, BASE + 6, 1);
    out(f, BASE + 6, 0);
    cr_assert(in(f, BASE + 0xE) == 0xFF && in(f, BASE + 0xA) == 0xAA && in(f, BASE + 0xE) == 0x7F);
}

static struct fixture *create(bool with_audio)
{
    struct fixture *f = calloc(1, sizeof *f);
    port_rig_init(&f->ports);
    sound_rig_init(&f->sound);
    f->dma.bytes = sizeof f->dma.memory;
    f->dma.direction = DMA_FROM_MEMORY;
    struct sb16_config config = {
        .log = f->ports.log, .bus = f->ports.bus, .clock = f->ports.clock, .audio = with_audio ? &f->sound.audio : NULL
    };
    for (unsigned i = 0; i < SB16_IRQS; i++)
        config.irq[i] = port_rig_irq(&f->ports, i);
    for (unsigned i = 0; i < SB16_CHANNELS; i++)
        if (i != 2 && i != 4) {
            config.dma[i] =
                (struct dma_channel){ .attach = fake_attach, .dreq = fake_dreq, .opaque = &f->dma, .number = i };
            f->dma.open[i] = true;
        }
    cr_assert_eq(sb16_create(&config, &f->chip), VX_ERR_OK);
    sb16_type.reset(f->chip, VX_RESET_HOLD);
    sb16_type.reset(f->chip, VX_RESET_RELEASE);
    return f;
}

static void destroy(struct fixture *f)
{
    sb16_type.destroy(f->chip);
    cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
    for (unsigned i = 0; i < SB16_CHANNELS; i++)
        cr_assert_eq(f->dma.device[i].dack, NULL);
    port_rig_fini(&f->ports);
    free(f);
}

/* A ring of whole periods of a tone; `bytes` of it. */
static void fill(struct fixture *f, size_t bytes, unsigned rate, double hz, bool wide, bool is_signed,
                 unsigned channels)
{
    size_t frame = channels * (wide ? 2u : 1u);
    f->dma.bytes = bytes;
    f->dma.at = 0;
    for (size_t i = 0; i < bytes / frame; i++)
        for (unsigned c = 0; c < channels; c++) {
            int16_t sample = (int16_t)(12000 * sin(2 * 3.14159265358979 * hz * (c + 1) * (double)i / rate));
            uint8_t *at = f->dma.memory + i * frame + c * (wide ? 2 : 1);
            if (wide)
                vx_put_le16(at, (uint16_t)(sample ^ (is_signed ? 0 : 0x8000)));
            else
                *at = (uint8_t)((sample / 256) ^ (is_signed ? 0 : 0x80));
        }
}

static void pass(struct fixture *f, unsigned ms)
{
    vx_clock_advance(f->ports.clock, ms * 1000000ull);
}

/* ---- the DSP ----------------------------------------------------------------------------------------------------- */

Test(sb16, answers)
{
    static const char text[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";
    struct fixture *f = create(true);
    reset_dsp(f);
    DSP(f, 0xE1);
    cr_assert(in(f, BASE + 0xA) == 4 && in(f, BASE + 0xA) == 5 && in(f, BASE + 0xA) == 5);
    DSP(f, 0xE0, 0x5A);
    cr_assert_eq(in(f, BASE + 0xA), 0xA5);
    DSP(f, 0xE4, 0x77, 0xE8);
    cr_assert_eq(in(f, BASE + 0xA), 0x77);
    DSP(f, 0xD8, 0xD1, 0xD8, 0xD3, 0xD8);
    cr_assert(in(f, BASE + 0xA) == 0 && in(f, BASE + 0xA) == 0xFF && in(f, BASE + 0xA) == 0);
    DSP(f, 0xE3);
    for (size_t i = 0; i < sizeof text; i++)
        cr_assert_eq(in(f, BASE + 0xA), (uint8_t)text[i]);
    DSP(f, 0x0E, 0x83, 0x00, 0x74, 1, 2, 0xE0, 0x01); /* not modelled: their bytes are theirs */
    cr_assert_eq(in(f, BASE + 0xA), 0xFE);
    for (unsigned i = 0; i < 1000; i++)
        DSP(f, 0xE1); /* nobody reads */
    reset_dsp(f);
    cr_assert(in(f, BASE) == 0xFF && in(f, BASE + 8) == 0xFF && in(f, 0x388) == 0xFF); /* no OPL3 */
    destroy(f);
}

/* F2h and F3h: each has its bit and its acknowledge; the mixer says on which line. */
Test(sb16, interrupts)
{
    static const struct {
        uint8_t value, line;
    } lines[] = { { 1, IRQ9 }, { 2, IRQ5 }, { 4, IRQ7 }, { 8, IRQ10 } };
    struct fixture *f = create(true);
    for (size_t i = 0; i < VX_ARRAY_LEN(lines); i++) {
        mixer(f, 0x80, lines[i].value);
        DSP(f, 0xF2);
        cr_assert(f->ports.level[lines[i].line] && mixer_read(f, 0x82) == 1);
        in(f, BASE + 0xF);
        cr_assert(f->ports.level[lines[i].line]);
        in(f, BASE + 0xE);
        cr_assert(!f->ports.level[lines[i].line] && mixer_read(f, 0x82) == 0);
        DSP(f, 0xF3);
        cr_assert(f->ports.level[lines[i].line] && mixer_read(f, 0x82) == 2);
        mixer(f, 0x80, 0);
        cr_assert(!f->ports.level[lines[i].line]);
        in(f, BASE + 0xF);
    }
    destroy(f);
}

/* ---- transfers --------------------------------------------------------------------------------------------------- */

/* Every form: the tone is there in each channel, as long as the block, whose interrupt comes at its end and not before;
 * then all is quiet. */
Test(sb16, single_blocks, .timeout = 60)
{
    static const struct {
        uint8_t command, form, irq_bit;
        unsigned channels;
    } rows[] = {
        { 0xC0, 0x00, 1, 1 }, { 0xC0, 0x10, 1, 1 }, { 0xC0, 0x20, 1, 2 }, { 0xC0, 0x30, 1, 2 },
        { 0xB0, 0x00, 2, 1 }, { 0xB0, 0x10, 2, 1 }, { 0xB0, 0x20, 2, 2 }, { 0xB0, 0x30, 2, 2 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct fixture *f = create(true);
        struct record *record = &f->sound.stream[0];
        bool wide = rows[i].irq_bit == 2;
        unsigned samples = 22050 / 2 * rows[i].channels; /* half a second */
        reset_dsp(f);
        fill(f, (wide ? 2u : 1u) * 2205 * rows[i].channels, 22050, 440, wide, rows[i].form & 0x10, rows[i].channels);
        DSP(f, 0x41, 22050 >> 8, 22050 & 0xFF, rows[i].command, rows[i].form, (samples - 1) & 0xFF, (samples - 1) >> 8);
        cr_assert(record->running == false || record->count == 0);
        pass(f, 499);
        cr_assert(!f->ports.level[IRQ5], "row %zu", i);
        cr_assert_eq(f->dma.dreq[wide ? 5 : 1], false);
        pass(f, 2);
        cr_assert(f->ports.level[IRQ5] && mixer_read(f, 0x82) == rows[i].irq_bit, "row %zu", i);
        cr_assert(!record->running && record->stops == 1 && record->gaps == 0);
        cr_assert_eq(record->count, 22050 / 2);
        cr_assert_eq(f->dma.moved, (wide ? 2u : 1u) * samples);
        for (unsigned c = 0; c < rows[i].channels; c++)
            expect_tone(record, c, 440 * (c + 1));
        cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
        destroy(f);
    }
}

/* The first commands: by time constant, single, auto-initialised and high-speed. */
Test(sb16, old_commands)
{
    static const uint8_t rows[][4] = { { 3, 0x14, 0x3F, 0x1F }, { 1, 0x1C }, { 1, 0x90 }, { 1, 0x91 } };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct fixture *f = create(true);
        fill(f, 1000, 10000, 500, false, false, 1);
        DSP(f, 0x40, 156, 0x48, 0x3F, 0x1F); /* 10 kHz, blocks of 8000 */
        dsp(f, rows[i] + 1, rows[i][0]);
        pass(f, 799);
        cr_assert(!f->ports.level[IRQ5], "row %zu", i);
        pass(f, 2);
        cr_assert(f->ports.level[IRQ5], "row %zu", i);
        expect_tone(&f->sound.stream[0], 0, 500);
        cr_assert_eq(f->sound.stream[0].running, i == 1 || i == 2);
        destroy(f);
    }
}

/* Auto-initialised blocks go on for ten minutes, each with its interrupt at its time. */
Test(sb16, auto_init_for_ten_minutes, .timeout = 120)
{
    struct fixture *f = create(true);
    fill(f, 44000, 44100, 441, true, true, 1);
    DSP(f, 0x41, 44100 >> 8, 44100 & 0xFF, 0xB6, 0x10, (22050 - 1) & 0xFF, (22050 - 1) >> 8);
    for (unsigned block = 1; block <= 1200; block++) {
        pass(f, 500);
        vx_clock_advance(f->ports.clock, block == 1 ? 1 : 0); /* the nanosecond to which a rate divides */
        cr_assert(f->ports.level[IRQ5], "block %u", block);
        in(f, BASE + 0xF);
        cr_assert(!f->ports.level[IRQ5]);
    }
    cr_assert_eq(f->sound.stream[0].gaps, 0);
    cr_assert_eq(f->dma.moved / 2 / 44100, 600);
    expect_tone(&f->sound.stream[0], 0, 441);
    DSP(f, 0xD9); /* this block is the last one */
    pass(f, 499);
    cr_assert(f->sound.stream[0].running);
    pass(f, 2);
    cr_assert(!f->sound.stream[0].running && f->ports.level[IRQ5]);
    destroy(f);
}

/* A channel that the guest opens late: nothing is lost, and no timer runs meanwhile. Pause keeps the place. */
Test(sb16, waits_for_dma_and_pauses)
{
    struct fixture *f = create(true);
    fill(f, 800, 8000, 500, false, false, 1);
    f->dma.open[1] = false;
    DSP(f, 0x41, 8000 >> 8, 8000 & 0xFF, 0xC0, 0x00, 0x3F, 0x1F); /* 8000 samples */
    pass(f, 100);
    cr_assert(f->dma.dreq[1] && f->dma.moved == 0);
    cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
    f->dma.open[1] = true;
    serve(&f->dma, 1);
    pass(f, 500);
    cr_assert(f->dma.moved >= 3990 && f->dma.moved <= 4030, "%llu", (unsigned long long)f->dma.moved);
    DSP(f, 0xD0);
    uint64_t moved = f->dma.moved;
    pass(f, 1000);
    cr_assert(f->dma.moved == moved && !f->ports.level[IRQ5]);
    cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
    DSP(f, 0xD4);
    pass(f, 490);
    cr_assert(!f->ports.level[IRQ5]);
    pass(f, 20);
    cr_assert(f->ports.level[IRQ5] && f->dma.moved == 8000);
    destroy(f);
}

/* Another channel by the mixer; without a wide one 16 bits go over the other. */
Test(sb16, channels)
{
    static const struct {
        uint8_t select, command, channel;
    } rows[] = { { 0x01, 0xC0, 0 }, { 0x08, 0xC0, 3 }, { 0x48, 0xB0, 6 }, { 0x88, 0xB0, 7 }, { 0x02, 0xB0, 1 } };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct fixture *f = create(true);
        mixer(f, 0x81, rows[i].select);
        cr_assert_eq(mixer_read(f, 0x81), rows[i].select);
        for (unsigned c = 0; c < SB16_CHANNELS; c++)
            f->dma.open[c] = c == rows[i].channel;
        fill(f, 1600, 8000, 500, rows[i].command == 0xB0, false, 1);
        DSP(f, 0x41, 8000 >> 8, 8000 & 0xFF, rows[i].command, 0x00, 0x9F, 0x0F);
        pass(f, 501);
        cr_assert(f->ports.level[IRQ5], "row %zu", i);
        expect_tone(&f->sound.stream[0], 0, 500);
        destroy(f);
    }
}

/* What the host records arrives in the guest's memory; without a host that records it is silence. */
Test(sb16, recording)
{
    for (unsigned with = 0; with < 2; with++) {
        struct fixture *f = create(with);
        f->dma.direction = DMA_TO_MEMORY;
        f->dma.bytes = 1000;
        DSP(f, 0x42, 8000 >> 8, 8000 & 0xFF, 0xC8, 0x00, 0xE7, 0x03);
        pass(f, 130);
        cr_assert(f->ports.level[IRQ5] && f->dma.moved == 1000);
        for (unsigned i = 0; i < 1000; i++)
            cr_assert_eq(f->dma.memory[i], with ? (uint8_t)i : 0x80, "%u: %x", i, f->dma.memory[i]);
        destroy(f);
    }
}

static void record_nothing(void *opaque, unsigned stream, void *frames, size_t count, uint64_t guest_ns)
{
    (void)opaque, (void)stream, (void)frames, (void)count, (void)guest_ns;
}

/* What a host's side leaves out is silence, and nothing of this process. */
Test(sb16, a_host_that_forgets_to_record)
{
    struct fixture *f = create(true);
    struct vx_audio_ops ops = *f->sound.audio.ops;
    ops.record = record_nothing;
    f->sound.audio.ops = &ops;
    f->dma.direction = DMA_TO_MEMORY;
    f->dma.bytes = 1000;
    DSP(f, 0x42, 8000 >> 8, 8000 & 0xFF, 0xC8, 0x00, 0xE7, 0x03);
    pass(f, 130);
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(f->dma.memory[i], 0x80, "%u: %x", i, f->dma.memory[i]);
    destroy(f);
}

/* Silence has a length and an interrupt; a reset ends everything; nobody who listens changes nothing for the guest. */
Test(sb16, silence_reset_and_nobody)
{
    struct fixture *f = create(false);
    DSP(f, 0x41, 8000 >> 8, 8000 & 0xFF, 0x80, 0x9F, 0x0F); /* 4000 samples */
    pass(f, 499);
    cr_assert(!f->ports.level[IRQ5]);
    pass(f, 2);
    cr_assert(f->ports.level[IRQ5]);
    fill(f, 800, 8000, 500, false, false, 1);
    DSP(f, 0xC6, 0x00, 0xFF, 0x00);
    pass(f, 100);
    cr_assert_gt(f->dma.moved, 700);
    reset_dsp(f);
    uint64_t moved = f->dma.moved;
    pass(f, 1000);
    cr_assert(f->dma.moved == moved && !f->ports.level[IRQ5]);
    destroy(f);
}

/* The program itself at 8 kHz, by command 10h. */
Test(sb16, direct_mode)
{
    struct fixture *f = create(true);
    for (unsigned i = 0; i < 8000; i++) {
        DSP(f, 0x10, (uint8_t)(128 + 50 * sin(2 * 3.14159265358979 * 700 * i / 8000)));
        vx_clock_advance(f->ports.clock, 125000);
    }
    struct record *record = &f->sound.stream[0];
    cr_assert(record->count > 47900 && record->count <= 48000 && record->gaps == 0, "%zu", record->count);
    expect_tone(record, 0, 700);
    destroy(f);
}

/* ---- mixer and MPU-401 ------------------------------------------------------------------------------------------- */

Test(sb16, mixer_registers)
{
    struct fixture *f = create(true);
    cr_assert(mixer_read(f, 0x30) == 0xC0 && mixer_read(f, 0x80) == 2 && mixer_read(f, 0x81) == 0x22);
    for (unsigned index = 0x30; index <= 0x33; index++)
        mixer(f, index, 0xF8);
    DSP(f, 0xC6, 0x00, 0xFF, 0x00);
    cr_assert(f->sound.stream[0].volume[0] == 65535 && f->sound.stream[0].volume[1] == 65535);
    mixer(f, 0x30, 0xF8 - 3 * 8); /* 6 dB down */
    cr_assert(f->sound.stream[0].volume[0] == 32767 && f->sound.stream[0].volume[1] == 65535);
    mixer(f, 0x31, 0);
    cr_assert_lt(f->sound.stream[0].volume[1], 100);
    mixer(f, 0x22, 0xA5); /* the CT1345's name for both */
    cr_assert(mixer_read(f, 0x30) == 0xA0 && mixer_read(f, 0x31) == 0x50 && mixer_read(f, 0x22) == 0xA5);
    mixer(f, 0x80, 8);
    mixer(f, 0, 0);
    cr_assert(mixer_read(f, 0x30) == 0xC0 && mixer_read(f, 0x80) == 8);
    destroy(f);
}

Test(sb16, mpu401)
{
    struct fixture *f = create(true);
    cr_assert_eq(in(f, 0x331), 0xBF);
    out(f, 0x331, 0xFF);
    cr_assert(in(f, 0x331) == 0x3F && in(f, 0x330) == 0xFE && in(f, 0x331) == 0xBF);
    out(f, 0x331, 0x3F);
    cr_assert_eq(in(f, 0x330), 0xFE);
    out(f, 0x330, 0x90);
    cr_assert_eq(in(f, 0x331), 0xBF);
    out(f, 0x331, 0xFF);
    cr_assert_eq(in(f, 0x331), 0xBF); /* out of UART mode without a word */
    destroy(f);
}

/* Saved in the middle of a block and loaded elsewhere: what is left is played, and its interrupt comes in time. */
Test(sb16, goes_on_when_loaded)
{
    struct fixture *f = create(true), *g = create(true);
    struct state_buffer saved = { 0 };
    struct state_error error;
    fill(f, 2000, 20000, 800, false, false, 1);
    fill(g, 2000, 20000, 800, false, false, 1);
    DSP(f, 0x41, 20000 >> 8, 20000 & 0xFF, 0xC6, 0x00, 0x1F, 0x4E); /* 20000 samples */
    pass(f, 300);
    pass(g, 300);
    cr_assert_eq(state_save(&sb16_type, f->chip, &saved), VX_ERR_OK);
    cr_assert_eq(state_load(&sb16_type, g->chip, saved.bytes, saved.count, false, &error), VX_ERR_OK, "%s", error.text);
    sb16_type.restored(g->chip);
    pass(g, 699);
    cr_assert(!g->ports.level[IRQ5]);
    pass(g, 2);
    cr_assert(g->ports.level[IRQ5]);
    expect_tone(&g->sound.stream[0], 0, 800);
    free(saved.bytes);
    destroy(f);
    destroy(g);
}
