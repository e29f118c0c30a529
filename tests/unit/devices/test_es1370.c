/* test_es1370.c - the AudioPCI: circular buffers and sample counts under a fake clock, interrupts, positions, codec. */
#include "es1370.h"
#include "sound_pci_rig.h"

enum { CONTROL = CARD_PORTS, STATUS = CARD_PORTS + 4, PAGE = CARD_PORTS + 0xC, CODEC = CARD_PORTS + 0x10 };
enum { SERIAL = CARD_PORTS + 0x20, COUNT = CARD_PORTS + 0x24, MEMORY = CARD_PORTS + 0x30 };
enum { DAC1, DAC2, ADC };
enum { DATA = 0x100000 };
#define INTR 0x80000000u

struct fixture {
    struct card_rig *rig;
    struct es1370 *chip;
};

static struct fixture create(bool with_audio)
{
    struct fixture f = { .rig = card_rig_create() };
    struct es1370_config config = { .log = f.rig->ports.log,
                                    .clock = f.rig->ports.clock,
                                    .pmap = f.rig->pmap,
                                    .pci = f.rig->pci,
                                    .slot = CARD_SLOT_TESTED,
                                    .audio = with_audio ? &f.rig->sound.audio : NULL };
    cr_assert_eq(es1370_create(&config, &f.chip), VX_ERR_OK);
    es1370_type.reset(f.chip, VX_RESET_HOLD);
    es1370_type.reset(f.chip, VX_RESET_RELEASE);
    card_rig_start(f.rig);
    for (unsigned reg = 0; reg < 2; reg++)
        card_out(f.rig, CODEC, 2, reg << 8);
    for (unsigned reg = 2; reg < 6; reg++)
        card_out(f.rig, CODEC, 2, reg << 8 | 6);
    return f;
}

static void destroy(struct fixture *f)
{
    es1370_type.destroy(f->chip);
    card_rig_destroy(f->rig);
}

static bool line(struct fixture *f)
{
    return f->rig->ports.level[0];
}

/* A buffer of so many doublewords at DATA, and an interrupt every `samples`. */
static void set_up(struct fixture *f, unsigned channel, unsigned doublewords, unsigned samples)
{
    card_out(f->rig, PAGE, 4, channel == ADC ? 13 : 12);
    unsigned at = MEMORY + (channel == DAC2 ? 8 : 0);
    card_out(f->rig, at, 4, DATA);
    card_out(f->rig, at + 4, 4, doublewords - 1);
    card_out(f->rig, COUNT + 4 * channel, 4, samples - 1);
}

static unsigned position(struct fixture *f, unsigned channel)
{
    return card_in(f->rig, MEMORY + (channel == DAC2 ? 8 : 0) + 4, 4) >> 16;
}

/* Each form on both DACs: the tone, interrupts at each count and at no other time, acknowledged by the enable bit. */
Test(es1370, tones, .timeout = 60)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned dac = i & 1, stereo = i >> 1 & 1, wide = i >> 2 & 1, channels = 1 + stereo;
        unsigned rate = dac == DAC1 ? 22050 : 1411200 / 30; /* 47040 */
        unsigned shift = 2 * dac, enable = dac == DAC1 ? 0x100 : 0x200, frames = rate / 10;
        unsigned form = (stereo | wide << 1) << shift;
        struct fixture f = create(true);
        struct record *record = &f.rig->sound.stream[dac];
        frames -= frames % 4;
        card_fill(f.rig, DATA, frames, channels, wide, frames * 10, 500);
        set_up(&f, dac, frames * channels * (1 + wide) / 4, frames);
        card_out(f.rig, SERIAL, 4, enable | form);
        card_out(f.rig, CONTROL, 4, 28u << 16 | 2u << 12 | (dac == DAC1 ? 0x40 : 0x20));
        uint64_t at = 0;
        for (unsigned k = 1; k <= 5; k++) {
            uint64_t end = vx_muldiv((uint64_t)frames * k, VX_NS_PER_SEC, rate);
            vx_clock_advance(f.rig->ports.clock, end - at - 5000);
            cr_assert(!line(&f) && !(card_in(f.rig, STATUS, 4) & INTR), "form %u, count %u", i, k);
            vx_clock_advance(f.rig->ports.clock, 10000);
            at = end + 5000;
            cr_assert(line(&f) && card_in(f.rig, STATUS, 4) == (INTR | 0x60 | (dac == DAC1 ? 4 : 2)), "form %u", i);
            card_out(f.rig, SERIAL, 4, form);
            cr_assert(!line(&f) && card_in(f.rig, STATUS, 4) == 0x60);
            card_out(f.rig, SERIAL, 4, form | enable);
        }
        cr_assert(record->gaps == 0 && record->starts == 1 && record->format.rate_hz == rate);
        for (unsigned c = 0; c < channels; c++)
            expect_tone(record, c, 500.0 * (c + 1) * rate / (frames * 10));
        card_out(f.rig, CONTROL, 4, 0);
        cr_assert(!record->running);
        destroy(&f);
    }
}

/* Both at once for ten minutes. */
Test(es1370, ten_minutes, .timeout = 120)
{
    struct fixture f = create(true);
    set_up(&f, DAC1, 2205, 4410);
    set_up(&f, DAC2, 4410, 4410);
    card_fill(f.rig, DATA, 4410, 1, true, 44100, 500);
    card_out(f.rig, SERIAL, 4, 0x300 | 0x0A);
    card_out(f.rig, CONTROL, 4, 30u << 16 | 3u << 12 | 0x60); /* 44100 Hz each */
    card_pass(f.rig, 5);
    for (unsigned i = 1; i <= 6000; i++) {
        card_pass(f.rig, 100000);
        cr_assert_eq(card_in(f.rig, STATUS, 4), INTR | 0x66, "count %u", i);
        card_out(f.rig, SERIAL, 4, 0x0A);
        card_out(f.rig, SERIAL, 4, 0x30A);
        cr_assert(!line(&f));
    }
    for (unsigned dac = 0; dac < 2; dac++) {
        cr_assert(f.rig->sound.stream[dac].running && f.rig->sound.stream[dac].gaps == 0);
        expect_tone(&f.rig->sound.stream[dac], 0, 500);
    }
    destroy(&f);
}

/* Where it is, to the doubleword; pause keeps the place; stop at the count, and on when the guest says so. */
Test(es1370, position_pause_and_stop)
{
    struct fixture f = create(true);
    set_up(&f, DAC2, 4410, 2205); /* stereo, 16 bits: a doubleword a frame, 100 ms */
    card_out(f.rig, SERIAL, 4, 0x0C);
    card_out(f.rig, CONTROL, 4, 30u << 16 | 0x20);
    for (unsigned ms = 1; ms <= 250; ms++) {
        card_pass(f.rig, 1000);
        unsigned want = ms * 441 / 10 % 4410, is = position(&f, DAC2);
        cr_assert(is + 2 >= want && is <= want + 2, "at %u ms: %u, not %u", ms, is, want);
        unsigned count = card_in(f.rig, COUNT + 4, 4), left = 2204 - ms * 441 / 10 % 2205;
        cr_assert((count & 0xFFFF) == 2204 && (count >> 16) + 2 >= left && count >> 16 <= left + 2, "at %u ms: %u", ms,
                  count >> 16);
    }
    card_out(f.rig, SERIAL, 4, 0x100C);
    unsigned at = position(&f, DAC2);
    card_pass(f.rig, 100000);
    cr_assert_eq(position(&f, DAC2), at);
    cr_assert_eq(vx_clock_next_ns(f.rig->ports.clock), VX_NEVER);
    card_out(f.rig, SERIAL, 4, 0x420C & ~0x400);
    card_pass(f.rig, 200000);
    cr_assert(!f.rig->sound.stream[1].running && (card_in(f.rig, STATUS, 4) & 2));
    cr_assert_eq(vx_clock_next_ns(f.rig->ports.clock), VX_NEVER);
    card_out(f.rig, SERIAL, 4, 0x020C);
    card_pass(f.rig, 1000);
    cr_assert(f.rig->sound.stream[1].running);
    destroy(&f);
}

/* Volumes, each for its DAC; what the host records; nobody who listens; no bus master. */
Test(es1370, volume_recording_and_master)
{
    struct fixture f = create(true);
    cr_assert_eq(pci_read_config(f.rig->pci, CARD_SLOT_TESTED, 0, 0, 4), 0x50001274);
    card_out(f.rig, CODEC, 2, 0x0003); /* master left: 6 dB down */
    card_out(f.rig, CODEC, 2, 0x0280); /* voice left: mute */
    cr_assert(f.rig->sound.stream[0].volume[0] == 32767 && f.rig->sound.stream[0].volume[1] == 65535);
    cr_assert(f.rig->sound.stream[1].volume[0] == 0 && f.rig->sound.stream[1].volume[1] == 65535);
    set_up(&f, ADC, 1000, 4000);
    card_out(f.rig, SERIAL, 4, 0x400);
    pci_write_config(f.rig->pci, CARD_SLOT_TESTED, 0, PCI_COMMAND, 2, PCI_COMMAND_IO);
    card_out(f.rig, CONTROL, 4, 0x10 | 126u << 16); /* 11025 Hz, 8 bits */
    card_pass(f.rig, 100000);
    cr_assert(!line(&f) && vx_clock_next_ns(f.rig->ports.clock) == VX_NEVER);
    pci_write_config(f.rig->pci, CARD_SLOT_TESTED, 0, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    card_pass(f.rig, 363000);
    cr_assert(line(&f) && card_in(f.rig, STATUS, 4) == (INTR | 0x61));
    for (unsigned i = 100; i < 4000; i++) /* the ring has begun again */
        cr_assert_eq(vx_pmap_load(f.rig->pmap, DATA + i, 1), (uint8_t)i, "%u", i);
    destroy(&f);
    f = create(false);
    set_up(&f, DAC1, 100, 100);
    card_out(f.rig, SERIAL, 4, 0x100);
    card_out(f.rig, CONTROL, 4, 0x40 | 1u << 12);
    card_pass(f.rig, 9100);
    cr_assert(line(&f));
    card_out(f.rig, CONTROL, 4, 0);
    destroy(&f);
}

Test(es1370, goes_on_when_loaded)
{
    struct fixture f = create(true), g = create(true);
    struct state_buffer saved = { 0 };
    struct state_error error;
    card_fill(g.rig, DATA, 4410, 1, true, 44100, 700);
    set_up(&f, DAC2, 2205, 4410);
    card_out(f.rig, SERIAL, 4, 0x208);
    card_out(f.rig, CONTROL, 4, 30u << 16 | 0x20);
    card_pass(f.rig, 77000);
    card_pass(g.rig, 77000);
    cr_assert_eq(state_save(&es1370_type, f.chip, &saved), VX_ERR_OK);
    cr_assert_eq(state_load(&es1370_type, g.chip, saved.bytes, saved.count, false, &error), VX_ERR_OK, "%s",
                 error.text);
    es1370_type.restored(g.chip);
    card_pass(g.rig, 22900);
    cr_assert(!line(&g));
    card_pass(g.rig, 200);
    cr_assert(line(&g));
    card_pass(g.rig, 300000);
    expect_tone(&g.rig->sound.stream[1], 0, 700);
    free(saved.bytes);
    destroy(&f);
    destroy(&g);
}
