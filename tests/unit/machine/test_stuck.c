/* test_stuck.c - what is told of guests that get nowhere: triple faults, boot loops, HLT for good. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "ends.h"
#include "vx86/pmap.h"
#include "vx86/vcpu.h"

#define LIDT_0_INT3 0x2E, 0x0F, 0x01, 0x1E, 0x80, 0x00, 0xCC /* the IDTR from F000:0080: zeros */

/* 1.9 million instructions, then a triple fault. */
static const uint8_t loop_code[] = { 0x66, 0xB9, 0xE0, 0xFD, 0x1C, 0x00, 0x67, 0xE2, 0xFD, LIDT_0_INT3 };
/* Here and there in turn, by a bit in CMOS. */
static const uint8_t places_code[] = {
    MOV_AL_OUT(0x50, 0x70), 0xE4, 0x71, 0x34, 0x01, 0xE6, 0x71, 0x84, 0xC0, 0x74, 0x07, LIDT_0_INT3, LIDT_0_INT3,
};
/* Counts its resets in 500h; CMOS says that it means to come back. */
#define COUNT_AND_SAY(status) \
    0x31, 0xC0, 0x8E, 0xD8, 0x66, 0xFF, 0x06, 0x00, 0x05, MOV_AL_OUT(0x0F, 0x70), MOV_AL_OUT(status, 0x71)
static const uint8_t fault_05_code[] = { COUNT_AND_SAY(0x05), LIDT_0_INT3 };
static const uint8_t keyboard_09_code[] = { COUNT_AND_SAY(0x09), MOV_AL_OUT(0xFE, 0x64), SPIN };
static const uint8_t port92_0a_code[] = { COUNT_AND_SAY(0x0A), MOV_AL_OUT(0x02, 0x92), MOV_AL_OUT(0x03, 0x92), SPIN };

struct told {
    char *text;
    size_t bytes;
    uint32_t count_500; /* what the guest left there */
};

static void *stop_soon(void *opaque)
{
    usleep(300000);
    vx_machine_stop(opaque, 0);
    return NULL;
}

/* Runs `code` for 0.3 s, or, under a clock of 1 MIPS, for so many instructions. */
static struct told run_code(const uint8_t *code, size_t bytes, enum vx_engine engine, uint64_t stop_at)
{
    static struct rom rom;
    struct told told = { .text = NULL };
    struct rom_machine rig;
    struct vx_clock *clock = NULL;
    pthread_t thread;
    FILE *out = open_memstream(&told.text, &told.bytes);
    rom_make(&rom, code, bytes, NULL, 0);
    if (stop_at != 0)
        cr_assert_eq(vx_clock_create_counted(1, 0, &clock), VX_ERR_OK);
    struct vx_machine_config config = { .engine = engine, .clock = clock, .stop_at = stop_at };
    cr_assert_eq(rom_machine_create_to(&rig, out, &rom, config), VX_ERR_OK);
    if (stop_at == 0)
        pthread_create(&thread, NULL, stop_soon, rig.machine);
    cr_assert_eq(vx_machine_run(rig.machine, NULL), VX_END_STOPPED);
    if (stop_at == 0)
        pthread_join(thread, NULL);
    told.count_500 = (uint32_t)vx_pmap_load(vx_machine_pmap(rig.machine), 0x500, 4);
    rom_machine_destroy(&rig);
    vx_clock_destroy(clock);
    fclose(out);
    return told;
}

static unsigned count(const struct told *told, const char *what)
{
    unsigned n = 0;
    for (const char *at = told->text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* 150 s: once in full, once that it is a loop, and a line a minute. */
Test(stuck, boot_loop, .timeout = 60)
{
    struct told told = run_code(CODE(loop_code), VX_ENGINE_BT, 150000000);
    cr_assert_eq(count(&told,
                       "triple fault: #GP 0d at f000:0000000f, error 1a; then #GP 0d, error 6b; then #DF 08; then "
                       "#GP 0d, error 43; then shutdown\n"),
                 1, "%s", told.text);
    cr_assert_eq(count(&told, "EAX "), 1, "%s", told.text);
    cr_assert_eq(count(&told, "the guest is in a boot loop"), 1, "%s", told.text);
    cr_assert_eq(count(&told, "still in a boot loop"), 2, "%s", told.text);
    free(told.text);
}

Test(stuck, triple_faults_at_different_places, .timeout = 60)
{
    struct told told = run_code(CODE(places_code), VX_ENGINE_BT, 100000);
    cr_assert_eq(count(&told, "triple fault: #GP 0d"), 3, "%s", told.text);
    cr_assert_eq(count(&told, "at f000:00000014"), 2, "%s", told.text);
    cr_assert_eq(count(&told, "boot loop"), 0, "%s", told.text);
    cr_assert_eq(count(&told, "triple faults"), 1, "%s", told.text);
    free(told.text);
}

/* Without --no-reboot a guest that has halted for good sleeps on; the user is told, once. */
Test(stuck, halt, .timeout = 60)
{
    static const enum vx_engine engines[] = { VX_ENGINE_INTERP, VX_ENGINE_BT };
    for (unsigned i = 0; i < 2; i++) {
        struct told told = run_code(CODE(dead_code), engines[i], 0);
        cr_assert_eq(count(&told, "HLT with interrupts off at f000:00000001"), 1, "%s", told.text);
        free(told.text);
        told = run_code(CODE(sleep_code), engines[i], 0);
        cr_assert_eq(count(&told, "HLT"), 0, "%s", told.text);
        free(told.text);
    }
}

/* Programs that reset the processor to leave protected mode, as on a 286, say so in CMOS: nothing is told of it. */
Test(stuck, resets_on_purpose, .timeout = 60)
{
    static const struct {
        const char *name;
        const uint8_t *code;
        size_t bytes;
    } rows[] = {
        { "triple fault, 05h", CODE(fault_05_code) },
        { "keyboard controller, 09h", CODE(keyboard_09_code) },
        { "port 92h, 0Ah", CODE(port92_0a_code) },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct told told = run_code(rows[i].code, rows[i].bytes, VX_ENGINE_BT, 0);
        cr_assert_eq(told.bytes, 0, "%s: %s", rows[i].name, told.text);
        cr_assert_gt(told.count_500, 1500, "%s: %u resets in 0.3 s", rows[i].name, told.count_500);
        free(told.text);
    }
}
