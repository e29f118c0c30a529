/* test_pc_speaker.c - counter 2 and port 61h as sound: tones by the 8254, by hand, and silence. */
#include <stdlib.h>

#include "pc_speaker.h"
#include "port61.h"
#include "port_script.h"
#include "sound_rig.h"

struct fixture {
    struct port_rig ports;
    struct sound_rig sound;
    struct pit *pit;
    struct pc_speaker *speaker;
    struct port61 *port61;
};

static struct fixture *create(bool with_audio)
{
    struct fixture *f = calloc(1, sizeof *f);
    port_rig_init(&f->ports);
    sound_rig_init(&f->sound);
    cr_assert_eq(pit_create(&(struct pit_config){ .bus = f->ports.bus, .clock = f->ports.clock }, &f->pit), VX_ERR_OK);
    struct pc_speaker_config config = {
        .clock = f->ports.clock, .pit = f->pit, .audio = with_audio ? &f->sound.audio : NULL, .stream = 1
    };
    cr_assert_eq(pc_speaker_create(&config, &f->speaker), VX_ERR_OK);
    struct port61_config port61 = {
        .bus = f->ports.bus, .clock = f->ports.clock, .pit = f->pit, .speaker = pc_speaker_data(f->speaker)
    };
    cr_assert_eq(port61_create(&port61, &f->port61), VX_ERR_OK);
    return f;
}

static void destroy(struct fixture *f)
{
    port61_type.destroy(f->port61);
    pc_speaker_type.destroy(f->speaker);
    pit_type.destroy(f->pit);
    cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
    cr_assert(!f->sound.stream[1].running);
    port_rig_fini(&f->ports);
    free(f);
}

static void out(struct fixture *f, unsigned port, unsigned value)
{
    vx_bus_write(f->ports.bus, VX_SPACE_IO, port, 1, value);
}

static void tone(struct fixture *f, unsigned hz)
{
    unsigned count = PIT_HZ / hz;
    out(f, 0x43, 0xB6);
    out(f, 0x42, count & 0xFF);
    out(f, 0x42, count >> 8);
    out(f, 0x61, 3);
}

/* As a BIOS beeps: each tone is there, as long as it was on, and then nothing is played or scheduled. */
Test(pc_speaker, tones)
{
    static const unsigned hz[] = { 100, 440, 1000, 5000 };
    for (size_t i = 0; i < VX_ARRAY_LEN(hz); i++) {
        struct fixture *f = create(true);
        struct record *record = &f->sound.stream[1];
        vx_clock_advance(f->ports.clock, 12345678);
        tone(f, hz[i]);
        vx_clock_advance(f->ports.clock, 500000000);
        cr_assert(record->running && record->gaps == 0);
        cr_assert(record->count > 48000 / 2 - 600 && record->count <= 48000 / 2, "%zu", record->count);
        cr_assert(record->first_ns >= 12000000 && record->first_ns <= 12400000, "%llu",
                  (unsigned long long)record->first_ns);
        expect_tone(record, 0, (double)PIT_HZ / (PIT_HZ / hz[i]));
        out(f, 0x61, 0);
        vx_clock_advance(f->ports.clock, 1000000000);
        cr_assert(!record->running && record->stops == 1);
        destroy(f);
    }
}

/* Loudness does not depend on when the host looks, and reading the counter changes nothing. */
Test(pc_speaker, reads_change_nothing)
{
    struct fixture *f = create(true), *g = create(true);
    tone(f, 700);
    tone(g, 700);
    for (unsigned i = 0; i < 1000; i++) {
        vx_clock_advance(f->ports.clock, 100000);
        vx_clock_advance(g->ports.clock, 100000);
        out(g, 0x43, 0xE8);
        vx_bus_read(g->ports.bus, VX_SPACE_IO, 0x42, 1);
        vx_bus_read(g->ports.bus, VX_SPACE_IO, 0x61, 1);
    }
    vx_clock_advance(f->ports.clock, 20000000);
    vx_clock_advance(g->ports.clock, 20000000);
    struct record *a = &f->sound.stream[1], *b = &g->sound.stream[1];
    cr_assert(a->count >= 4800 && a->count == b->count &&
              memcmp(a->frame, b->frame, a->count * sizeof a->frame[0]) == 0);
    destroy(f);
    destroy(g);
}

/* The data bit alone, with counter 2 high: 2 kHz by hand. */
Test(pc_speaker, by_hand)
{
    struct fixture *f = create(true);
    out(f, 0x43, 0xB0); /* mode 0 with a count that is over: OUT2 is high */
    out(f, 0x42, 1);
    out(f, 0x42, 0);
    out(f, 0x61, 1);
    vx_clock_advance(f->ports.clock, 1000000);
    for (unsigned i = 0; i < 2000; i++) {
        out(f, 0x61, i & 1 ? 1 : 3);
        vx_clock_advance(f->ports.clock, 250000);
    }
    expect_tone(&f->sound.stream[1], 0, 2000);
    cr_assert_eq(f->sound.stream[1].gaps, 0);
    destroy(f);
}

/* A level that stays is silence, without a timer; tones above all hearing are quiet; no gate, no tone. */
Test(pc_speaker, silence)
{
    struct fixture *f = create(true);
    struct record *record = &f->sound.stream[1];
    out(f, 0x61, 2);
    vx_clock_advance(f->ports.clock, 1000000000);
    cr_assert(!record->running);
    cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
    out(f, 0x61, 0);
    tone(f, PIT_HZ / 12);
    vx_clock_advance(f->ports.clock, 100000000);
    for (double hz = 100; hz < 20000; hz += 100)
        cr_assert_lt(tone_amplitude(&record->frame[1000][0], record->count - 1000, 2, 48000, hz), 300);
    out(f, 0x61, 2); /* the gate closes: OUT2 stays high */
    vx_clock_advance(f->ports.clock, 1000000000);
    cr_assert(!record->running);
    destroy(f);
}

/* The lowest counts and the shortest times: bounded work. Nobody who listens: no timer. */
Test(pc_speaker, nobody_listens)
{
    struct fixture *f = create(false);
    tone(f, 440);
    cr_assert_eq(vx_clock_next_ns(f->ports.clock), VX_NEVER);
    destroy(f);
}

/* Saved in the middle of a tone and loaded elsewhere: it goes on. */
Test(pc_speaker, goes_on_when_loaded)
{
    struct fixture *f = create(true), *g = create(true);
    struct state_buffer saved = { 0 };
    struct state_error error;
    tone(f, 880);
    vx_clock_advance(f->ports.clock, 123456789);
    vx_clock_advance(g->ports.clock, 123456789);
    cr_assert_eq(state_save(&pc_speaker_type, f->speaker, &saved), VX_ERR_OK);
    cr_assert_eq(state_load(&pc_speaker_type, g->speaker, saved.bytes, saved.count, false, &error), VX_ERR_OK, "%s",
                 error.text);
    pc_speaker_type.restored(g->speaker);
    vx_clock_advance(g->ports.clock, 300000000);
    cr_assert(g->sound.stream[1].running && g->sound.stream[1].gaps == 0);
    expect_tone(&g->sound.stream[1], 0, 880);
    free(saved.bytes);
    destroy(f);
    destroy(g);
}
