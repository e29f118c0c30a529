/* test_cpus.c - two processors under one translator: units are shared, and what takes one away reaches both. */
#include <criterion/criterion.h>

#include "bare.h"
#include "core.h" /* of bt/ */
#include "support/rig.h"

enum { CODE_AT = 0x1000, TURNS = 100, PATIENCE = 1000 };

/* Counts in AX. */
static const uint8_t code[] = {
    0xB9, TURNS, 0x00, /* 1000 mov cx, 100 */
    0x40,              /* 1003 inc ax */
    0xE2, 0xFD,        /* 1004 loop 1003h */
    0xF4,              /* 1006 hlt */
};
enum { INC_AT = CODE_AT + 3, INC_BX = 0x43 };

struct pair {
    struct rig rig;
    struct vx_stats stats; /* of the second processor */
    struct vx_vcpu *vcpu;
    struct vx_bt_cpu *cpu;
};

static void pair_create(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    rig_create(&pair->rig, &(struct vx_bt_config){ .tu_max = 0 });
    struct vx_cpu_config config = { .log = pair->rig.log,
                                    .stats = &pair->stats,
                                    .pmap = pair->rig.pmap,
                                    .ops = bare_ops(),
                                    .model = pair->rig.vcpu->model };
    cr_assert_eq(vx_cpu_create(&config, &pair->vcpu), VX_ERR_OK);
    cr_assert_eq(vx_bt_cpu_create(pair->rig.bt, pair->vcpu, &pair->cpu), VX_ERR_OK);
    vx_pmap_write(pair->rig.pmap, CODE_AT, code, sizeof code);
}

static void pair_destroy(struct pair *pair)
{
    vx_bt_destroy(pair->rig.bt);
    pair->rig.bt = NULL;
    vx_cpu_destroy(pair->vcpu);
    rig_destroy(&pair->rig);
}

/* From CODE_AT to the HLT, AX and BX zero at first. */
static void run(struct vx_bt_cpu *cpu)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    enum vx_stop stop = VX_STOP_ATTENTION;
    cr_assert(vx_cpu_far_jump(vcpu, 0, CODE_AT, 0));
    vcpu->gpr[VX_RAX] = vcpu->gpr[VX_RBX] = 0;
    vcpu->halted = false;
    for (unsigned i = 0; i < PATIENCE && stop == VX_STOP_ATTENTION; i++) {
        atomic_store(&vcpu->attention, 0);
        stop = vx_bt_run(cpu);
    }
    cr_assert_eq(stop, VX_STOP_HALT);
}

/* Has the processor's jump cache, of the mode that it ran in last, the unit at `eip`? */
static bool knows(const struct vx_bt_cpu *cpu, uint64_t eip)
{
    return bt_jc_probe(&cpu->jc, eip) != 0;
}

Test(cpus, a_unit_is_made_once)
{
    struct pair pair;
    pair_create(&pair);
    run(pair.rig.cpu);
    uint64_t made = pair.rig.stats.tu_translated;
    run(pair.cpu);
    cr_expect_eq(pair.rig.vcpu->gpr[VX_RAX], TURNS);
    cr_expect_eq(pair.vcpu->gpr[VX_RAX], TURNS);
    cr_expect_eq(pair.rig.stats.tu_translated, made, "the second processor has made units of its own");
    cr_expect_gt(pair.stats.entry_hash, 0, "it has entered none that was there");
    cr_expect_eq(pair.stats.entry_miss, 0);
    pair_destroy(&pair);
}

Test(cpus, a_store_into_code_reaches_both)
{
    struct pair pair;
    pair_create(&pair);
    struct vx_bt_cpu *const cpus[] = { pair.rig.cpu, pair.cpu };
    for (unsigned round = 0; round < 2; round++) /* what is found again enters the jump cache */
        for (unsigned i = 0; i < VX_ARRAY_LEN(cpus); i++)
            run(cpus[i]);
    for (unsigned i = 0; i < VX_ARRAY_LEN(cpus); i++) {
        cr_assert(knows(cpus[i], CODE_AT), "processor %u", i);
        cpus[i]->must_exit = false;
    }
    vx_pmap_write(pair.rig.pmap, INC_AT, &(uint8_t){ INC_BX }, 1);
    for (unsigned i = 0; i < VX_ARRAY_LEN(cpus); i++) {
        cr_expect_not(knows(cpus[i], CODE_AT), "processor %u has kept the unit", i);
        cr_expect(cpus[i]->must_exit, "processor %u may go on in it", i);
        run(cpus[i]);
        cr_expect_eq(cpus[i]->vcpu->gpr[VX_RBX], TURNS, "processor %u runs what was there", i);
    }
    pair_destroy(&pair);
}

Test(cpus, a_remapped_frame_reaches_both)
{
    struct pair pair;
    pair_create(&pair);
    struct vx_bt_cpu *const cpus[] = { pair.rig.cpu, pair.cpu };
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < VX_ARRAY_LEN(cpus); i++)
            run(cpus[i]);
    cpus[0]->must_exit = cpus[1]->must_exit = false;
    vx_pmap_set_a20(pair.rig.pmap, !vx_pmap_a20(pair.rig.pmap));
    for (unsigned i = 0; i < VX_ARRAY_LEN(cpus); i++) {
        cr_expect_not(knows(cpus[i], CODE_AT), "processor %u looks at no mapping again", i);
        cr_expect(cpus[i]->must_exit, "processor %u may go on", i);
    }
    pair_destroy(&pair);
}
