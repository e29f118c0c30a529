/* test_interrupts.c - random programs at CPL 3 and in VM86 mode while another thread raises interrupts at random times:
 * the handler keeps everything, so the final state must be that of the interpreter without interrupts.
 *
 * VX86_DIFF_CASES and VX86_DIFF_SEED as in test_random.c; a failure is not the same in every run, since time is part of
 * it. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "support/diff.h"

/* Ports are left out: writing some of them raises interrupts too. */
static const struct menu menu = { .weight = {
                                      [MENU_INTEGER] = 40,
                                      [MENU_POINTER] = 12,
                                      [MENU_STACK] = 10,
                                      [MENU_STRING] = 12,
                                      [MENU_JUMP] = 8,
                                      [MENU_LOOP] = 8,
                                      [MENU_CALL] = 6,
                                      [MENU_SEGMENT] = 4,
                                      [MENU_FLAGS] = 8,
                                      [MENU_FAR] = 3,
                                      [MENU_X87] = 5,
                                      [MENU_SSE] = 6,
                                      [MENU_SELF_MODIFY] = 5,
                                  } };

enum { VECTOR = 33 }; /* its handler counts and returns */

struct interrupter {
    struct rig *rig;
    atomic_bool stop;
    pthread_t thread;
};

static void *interrupt(void *opaque)
{
    struct interrupter *self = opaque;
    struct rng rng = rng_seeded(1);
    while (!atomic_load(&self->stop)) {
        struct timespec pause = { .tv_nsec = 1000 + rng_below(&rng, 60000) };
        nanosleep(&pause, NULL);
        rig_interrupt_soon(self->rig);
    }
    return NULL;
}

/* System pages are the supervisor's, so that the program cannot see ring 0's stack. */
static struct setup choose_setup(struct rng *rng)
{
    struct setup setup = { .interrupts = true, .cpl = 3, .paging = one_in(rng, 3) ? PAGING_PAE : PAGING_32BIT };
    setup.kind = one_in(rng, 3) ? SETUP_VM86 : SETUP_PROTECTED;
    setup.iopl = one_in(rng, 3) ? 3 : 0;
    if (setup.kind == SETUP_PROTECTED) {
        setup.flat = one_in(rng, 2);
        setup.code32 = setup.stack32 = setup.flat || one_in(rng, 2);
    }
    setup.fp_exceptions = one_in(rng, 4);
    setup.seed = rng_next(rng);
    return setup;
}

static unsigned environment(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? (unsigned)strtoul(text, NULL, 0) : otherwise;
}

static void compare(const struct vx_bt_config *options, unsigned cases)
{
    static struct engines engines;
    static struct program program;
    struct difference found;
    unsigned failures = 0;
    cases = environment("VX86_DIFF_CASES", cases);
    engines_create(&engines, options);
    engines.bt.vector = VECTOR;
    struct interrupter interrupter = { .rig = &engines.bt };
    cr_assert_eq(pthread_create(&interrupter.thread, NULL, interrupt, &interrupter), 0);
    for (unsigned i = 0; i < cases && failures < 3; i++) {
        struct rng rng = rng_seeded((uint64_t)environment("VX86_DIFF_SEED", 0) << 32 | i);
        struct setup setup = choose_setup(&rng);
        program_make(&program, &setup, &menu, rng_next(&rng));
        if (engines_agree(&engines, &program, &found))
            continue;
        failures++;
        fprintf(stderr, "program %u: %s\n", i, found.text);
        program_print(stderr, engines.world, &program);
        events_print(stderr, &engines);
    }
    atomic_store(&interrupter.stop, true);
    pthread_join(interrupter.thread, NULL);
    uint64_t delivered = engines.bt.interrupts;
    unsigned lost = engines.endless + engines.undefined;
    engines_destroy(&engines);
    cr_assert_eq(failures, 0, "interrupts were seen, see above");
    cr_assert_gt(delivered, cases / 4, "only %llu interrupts in %u programs", (unsigned long long)delivered, cases);
    cr_assert_lt(lost, cases / 4 + 2, "%u of %u programs are not comparable", lost, cases);
}

#define INTERRUPTED(name, cases, ...)                          \
    Test(interrupts, name, .timeout = 3600)                    \
    {                                                          \
        compare(&(struct vx_bt_config){ __VA_ARGS__ }, cases); \
    }

INTERRUPTED(default_options, 600, .tu_max = 0)
INTERRUPTED(units_of_1, 200, .tu_max = 1)
INTERRUPTED(longest_units, 200, .tu_max = 128)
INTERRUPTED(no_chain, 200, .no_chain = true)
INTERRUPTED(no_jump_cache, 200, .no_jump_cache = true)
INTERRUPTED(windows, 200, .lowering = VX_LOWERING_AUTO, .window.eager = true)
INTERRUPTED(windows_stress, 200, .lowering = VX_LOWERING_AUTO, .stress = true, .stress_seed = 10, .tu_max = 8)
INTERRUPTED(stress, 200, .stress = true, .stress_seed = 9, .tu_max = 8)
