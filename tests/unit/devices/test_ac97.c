/* test_ac97.c - the AC '97 controller: rings under a fake clock, interrupts, positions, the codec. */
#include "ac97.h"
#include "sound_pci_rig.h"

enum { NAM = CARD_PORTS, PI = CARD_PORTS_2, PO = CARD_PORTS_2 + 0x10, MC = CARD_PORTS_2 + 0x20 };
enum { GLOB_CNT = CARD_PORTS_2 + 0x2C, GLOB_STA = CARD_PORTS_2 + 0x30, CAS = CARD_PORTS_2 + 0x34 };
enum { BDBAR = 0, CIV = 4, LVI = 5, SR = 6, PICB = 8, PIV = 10, CR = 11 };
enum { LIST = 0x10000, DATA = 0x100000 };
enum { IOC = 0x8000 };

struct fixture {
    struct card_rig *rig;
    struct ac97 *chip;
};

static struct fixture create(bool with_audio)
{
    struct fixture f = { .rig = card_rig_create() };
    struct ac97_config config = { .log = f.rig->ports.log,
                                  .clock = f.rig->ports.clock,
                                  .pmap = f.rig->pmap,
                                  .pci = f.rig->pci,
                                  .slot = CARD_SLOT_TESTED,
                                  .audio = with_audio ? &f.rig->sound.audio : NULL };
    cr_assert_eq(ac97_create(&config, &f.chip), VX_ERR_OK);
    ac97_type.reset(f.chip, VX_RESET_HOLD);
    ac97_type.reset(f.chip, VX_RESET_RELEASE);
    card_rig_start(f.rig);
    card_out(f.rig, GLOB_CNT, 4, 2);
    card_out(f.rig, NAM + 0x02, 2, 0);
    card_out(f.rig, NAM + 0x18, 2, 0x0808);
    return f;
}

static void destroy(struct fixture *f)
{
    ac97_type.destroy(f->chip);
    card_rig_destroy(f->rig);
}

static void descriptor(struct fixture *f, unsigned number, uint32_t at, unsigned samples, unsigned control)
{
    uint8_t bytes[8];
    vx_put_le32(bytes, at);
    vx_put_le16(bytes + 4, (uint16_t)samples);
    vx_put_le16(bytes + 6, (uint16_t)control);
    vx_pmap_write(f->rig->pmap, LIST + 8 * number, bytes, sizeof bytes);
}

/* All 32 descriptors over one tone of 480 frames, 10 ms each. */
static void ring(struct fixture *f, unsigned control)
{
    card_fill(f->rig, DATA, 480, 2, true, 48000, 500);
    for (unsigned i = 0; i < 32; i++)
        descriptor(f, i, DATA, 960, control);
    card_out(f->rig, PO + BDBAR, 4, LIST);
}

static bool line(struct fixture *f)
{
    return f->rig->ports.level[0];
}

Test(ac97, identity_and_registers)
{
    struct fixture f = create(true);
    struct card_rig *rig = f.rig;
    cr_assert_eq(pci_read_config(rig->pci, CARD_SLOT_TESTED, 0, 0, 4), 0x24158086);
    cr_assert(card_in(rig, GLOB_STA, 4) == 0x100 && card_in(rig, GLOB_CNT, 4) == 2);
    cr_assert(card_in(rig, NAM + 0x7C, 2) == 0x8384 && card_in(rig, NAM + 0x7E, 2) == 0x7600);
    cr_assert(card_in(rig, NAM + 0x26, 2) == 0x000F && card_in(rig, NAM + 0x28, 2) == 9);
    card_out(rig, NAM + 0x26, 2, 0xFFFF);
    card_out(rig, NAM + 0x04, 2, 0xFFFF);
    cr_assert(card_in(rig, NAM + 0x26, 2) == 0xFF0F && card_in(rig, NAM + 0x04, 2) == 0x9F1F);
    cr_assert(card_in(rig, CAS, 1) == 0 && card_in(rig, CAS, 1) == 1);
    card_in(rig, NAM, 2);
    cr_assert_eq(card_in(rig, CAS, 1), 0);
    cr_assert(card_in(rig, PO + SR, 2) == 1 && card_in(rig, PO + CIV, 4) == 0x00010000);
    card_out(rig, PO + BDBAR, 4, 0x12345677);
    cr_assert_eq(card_in(rig, PO + BDBAR, 4), 0x12345670);
    card_out(rig, NAM + 0x02, 2, 0x0101);
    card_out(rig, GLOB_CNT, 4, 0); /* cold reset */
    cr_assert(card_in(rig, GLOB_STA, 4) == 0 && card_in(rig, NAM + 0x02, 2) == 0x8000);
    destroy(&f);
}

/* A list to its end: the tone, its length, the interrupts of each descriptor and of the last one; the halt; and on. */
Test(ac97, a_list_to_its_end)
{
    struct fixture f = create(true);
    struct record *record = &f.rig->sound.stream[0];
    ring(&f, IOC);
    card_out(f.rig, PO + LVI, 1, 9);
    card_out(f.rig, PO + CR, 1, 0x1D);
    for (unsigned i = 0; i < 9; i++) {
        card_pass(f.rig, i == 0 ? 9990 : 9980);
        cr_assert(!line(&f) && card_in(f.rig, PO + CIV, 1) == i, "%u", i);
        card_pass(f.rig, 20);
        cr_assert(line(&f) && card_in(f.rig, GLOB_STA, 4) == 0x140 && (card_in(f.rig, PO + SR, 2) & 0x1F) == 8);
        card_out(f.rig, PO + SR, 2, 8);
        cr_assert(!line(&f) && card_in(f.rig, PO + CIV, 1) == i + 1 && card_in(f.rig, PO + PIV, 1) == i + 2);
    }
    card_pass(f.rig, 10000);
    cr_assert(line(&f) && (card_in(f.rig, PO + SR, 2) & 0x1F) == 0x0F);
    cr_assert(!record->running && record->gaps == 0);
    cr_assert_eq(record->count, 4800);
    expect_tone(record, 0, 500);
    expect_tone(record, 1, 1000);
    card_pass(f.rig, 50000);
    cr_assert_eq(vx_clock_next_ns(f.rig->ports.clock), VX_NEVER);
    card_out(f.rig, PO + SR, 2, 0x1C);
    cr_assert(!line(&f));
    card_out(f.rig, PO + LVI, 1, 10); /* one more */
    card_pass(f.rig, 10);
    cr_assert(card_in(f.rig, PO + CIV, 1) == 10 && (card_in(f.rig, PO + SR, 2) & 3) == 0);
    card_pass(f.rig, 10000);
    cr_assert(line(&f) && card_in(f.rig, PO + CIV, 1) == 10);
    destroy(&f);
}

/* The ring goes on for ten minutes when the guest moves the last valid index on. */
Test(ac97, ring_for_ten_minutes, .timeout = 120)
{
    struct fixture f = create(true);
    struct record *record = &f.rig->sound.stream[0];
    ring(&f, IOC);
    card_out(f.rig, PO + LVI, 1, 31);
    card_out(f.rig, PO + CR, 1, 0x11);
    card_pass(f.rig, 5);
    for (unsigned i = 1; i <= 60000; i++) {
        card_pass(f.rig, 10000);
        cr_assert(line(&f), "descriptor %u", i);
        card_out(f.rig, PO + LVI, 1, (i + 31) % 32);
        card_out(f.rig, PO + SR, 2, 0x1C);
        cr_assert(!line(&f) && card_in(f.rig, PO + CIV, 1) == i % 32, "descriptor %u", i);
    }
    cr_assert(record->running && record->gaps == 0 && record->starts == 1);
    expect_tone(record, 0, 500);
    card_out(f.rig, PO + CR, 1, 0);
    card_out(f.rig, PO + CR, 1, 2);
    cr_assert(card_in(f.rig, PO + CR, 1) == 0 && card_in(f.rig, PO + BDBAR, 4) == 0 && card_in(f.rig, PO + SR, 2) == 1);
    destroy(&f);
}

/* PICB is the position to the sample, not to when the host came round; a pause keeps it. */
Test(ac97, position_and_pause)
{
    struct fixture f = create(true);
    ring(&f, 0);
    card_out(f.rig, PO + LVI, 1, 31);
    card_out(f.rig, PO + CR, 1, 1);
    card_pass(f.rig, 0);
    for (unsigned us = 100; us < 9900; us += 100) {
        card_pass(f.rig, 100);
        unsigned left = card_in(f.rig, PO + PICB, 2), want = 960 - us * 96 / 1000;
        cr_assert(left + 4 >= want && left <= want + 4, "at %u us: %u, not %u", us, left, want);
    }
    card_pass(f.rig, 150);
    card_out(f.rig, PO + CR, 1, 0);
    unsigned at = card_in(f.rig, PO + CIV, 1);
    card_pass(f.rig, 100000);
    cr_assert(card_in(f.rig, PO + CIV, 1) == at && (card_in(f.rig, PO + SR, 2) & 1));
    cr_assert_eq(vx_clock_next_ns(f.rig->ports.clock), VX_NEVER);
    card_out(f.rig, PO + CR, 1, 1);
    card_pass(f.rig, 25000);
    cr_assert_eq(card_in(f.rig, PO + CIV, 1), at + 3);
    destroy(&f);
}

/* Variable rate: the tone and its length follow. */
Test(ac97, rates_and_volume)
{
    static const unsigned rates[] = { 8000, 11025, 22050, 44100, 48000 };
    for (size_t i = 0; i < VX_ARRAY_LEN(rates); i++) {
        struct fixture f = create(true);
        struct record *record = &f.rig->sound.stream[0];
        card_out(f.rig, NAM + 0x2C, 2, rates[i]);
        cr_assert_eq(card_in(f.rig, NAM + 0x2C, 2), 48000);
        card_out(f.rig, NAM + 0x2A, 2, 1);
        card_out(f.rig, NAM + 0x2C, 2, rates[i]);
        cr_assert_eq(card_in(f.rig, NAM + 0x2C, 2), rates[i]);
        card_fill(f.rig, DATA, rates[i] / 5, 2, true, rates[i], 300);
        for (unsigned d = 0; d < 32; d++)
            descriptor(&f, d, DATA, rates[i] / 5 * 2, IOC);
        card_out(f.rig, PO + BDBAR, 4, LIST);
        card_out(f.rig, PO + LVI, 1, 1);
        card_out(f.rig, PO + CR, 1, 0x15);
        card_pass(f.rig, 399900);
        cr_assert_eq(card_in(f.rig, PO + SR, 2) & 4, 0);
        card_pass(f.rig, 200);
        cr_assert_eq(card_in(f.rig, PO + SR, 2) & 4, 4);
        cr_assert_eq(record->count, rates[i] / 5 * 2);
        expect_tone(record, 0, 300);
        expect_tone(record, 1, 600);
        cr_assert(record->volume[0] == 65535 && record->volume[1] == 65535);
        card_out(f.rig, NAM + 0x02, 2, 0x0408); /* 6 dB, 12 dB down */
        cr_assert(record->volume[0] == 32767 && record->volume[1] == 16383);
        card_out(f.rig, NAM + 0x18, 2, 0x8808);
        cr_assert(record->volume[0] == 0 && record->volume[1] == 0);
        card_out(f.rig, NAM + 0x2A, 2, 0);
        cr_assert_eq(card_in(f.rig, NAM + 0x2C, 2), 48000);
        destroy(&f);
    }
}

/* What the host records comes in order into the guest's memory, of the microphone one channel. */
Test(ac97, recording)
{
    struct fixture f = create(true);
    for (unsigned d = 0; d < 4; d++)
        descriptor(&f, d, DATA + 960 * d, 480, IOC);
    card_out(f.rig, PI + BDBAR, 4, LIST);
    card_out(f.rig, PI + LVI, 1, 3);
    card_out(f.rig, PI + CR, 1, 0x15);
    card_pass(f.rig, 20100);
    cr_assert(line(&f) && card_in(f.rig, GLOB_STA, 4) == 0x120 && (card_in(f.rig, PI + SR, 2) & 4));
    unsigned other = 0;
    for (unsigned i = 0; i < 3840; i++)
        other += vx_pmap_load(f.rig->pmap, DATA + i, 1) != (uint8_t)i;
    cr_assert_eq(other, 0);
    destroy(&f);
}

/* Lists that never move a sample, and a card that may not reach memory: bounded work, no timer; then it goes on. */
Test(ac97, empty_lists_and_no_master)
{
    struct fixture f = create(true);
    for (unsigned d = 0; d < 32; d++)
        descriptor(&f, d, DATA, d & 1, IOC);
    card_out(f.rig, PO + BDBAR, 4, LIST);
    card_out(f.rig, PO + LVI, 1, 7);
    card_out(f.rig, PO + CR, 1, 0x1D);
    card_pass(f.rig, 100);
    cr_assert(line(&f) && card_in(f.rig, PO + CIV, 1) == 7 && (card_in(f.rig, PO + SR, 2) & 7) == 7);
    card_out(f.rig, PO + CR, 1, 0);
    card_out(f.rig, PO + CR, 1, 2);
    ring(&f, 0);
    pci_write_config(f.rig->pci, CARD_SLOT_TESTED, 0, PCI_COMMAND, 2, PCI_COMMAND_IO);
    card_out(f.rig, PO + LVI, 1, 31);
    card_out(f.rig, PO + CR, 1, 1);
    card_pass(f.rig, 50000);
    cr_assert_eq(card_in(f.rig, PO + CIV, 1), 0);
    cr_assert_eq(vx_clock_next_ns(f.rig->ports.clock), VX_NEVER);
    pci_write_config(f.rig->pci, CARD_SLOT_TESTED, 0, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    card_pass(f.rig, 35000);
    cr_assert_eq(card_in(f.rig, PO + CIV, 1), 3);
    destroy(&f);
}

/* Nobody who listens changes nothing for the guest; what is loaded goes on. */
Test(ac97, goes_on_when_loaded)
{
    struct fixture f = create(false), g = create(true);
    struct state_buffer saved = { 0 };
    struct state_error error;
    ring(&f, IOC);
    ring(&g, 0);
    card_out(f.rig, PO + LVI, 1, 31);
    card_out(f.rig, PO + CR, 1, 0x11);
    card_pass(f.rig, 33000);
    card_pass(g.rig, 33000);
    cr_assert_eq(state_save(&ac97_type, f.chip, &saved), VX_ERR_OK);
    cr_assert_eq(state_load(&ac97_type, g.chip, saved.bytes, saved.count, false, &error), VX_ERR_OK, "%s", error.text);
    ac97_type.restored(g.chip);
    card_pass(g.rig, 200000);
    cr_assert(card_in(g.rig, PO + CIV, 1) == 23 && g.rig->sound.stream[0].gaps == 0);
    expect_tone(&g.rig->sound.stream[0], 0, 500);
    free(saved.bytes);
    destroy(&f);
    destroy(&g);
}
