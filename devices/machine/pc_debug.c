/* pc_debug.c - what a debugger needs of the machine: its core, single steps, the engine changed at run time. */
#include <string.h>

#include "pc.h"

static void wake(void *opaque)
{
    vx_loop_wake(((struct vx_machine *)opaque)->loop);
}

vx_err pc_debug_create(struct vx_machine *pc)
{
    VX_TRY(vx_debug_create(
        &(struct vx_debug_config){
            .vcpu = pc->cpu[0].vcpu, .clock = pc->clock, .bus = pc->cpu[0].bus, .wake = wake, .wake_opaque = pc },
        &pc->debug));
    pc->debug_wants = vx_debug_wants(pc->debug);
    return VX_ERR_OK;
}

vx_err pc_create_bt(struct vx_machine *pc)
{
    if (pc->bt != NULL)
        return VX_ERR_OK;
    VX_TRY(vx_bt_create(&pc->bt_config, &pc->bt));
    vx_err err = VX_ERR_OK;
    for (unsigned i = 0; i < pc->cpu_count && err == VX_ERR_OK; i++)
        err = vx_bt_cpu_create(pc->bt, pc->cpu[i].vcpu, &pc->cpu[i].bt_cpu);
    if (err != VX_ERR_OK) {
        vx_bt_destroy(pc->bt);
        pc->bt = NULL;
        return err;
    }
    vx_debug_set_bt(pc->debug, pc->bt);
    return VX_ERR_OK;
}

void pc_debug_step(struct pc_cpu *cpu)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    uint64_t before = vcpu->retired;
    do
        vx_interp_step(vcpu);
    while (vcpu->retired == before && !vcpu->halted && !vcpu->shutdown && atomic_load(&vcpu->attention) == 0);
    if (vcpu->retired != before)
        vx_debug_stepped(cpu->pc->debug);
}

vx_err vx_machine_set_engine(struct vx_machine *pc, enum vx_engine engine)
{
    if (engine == VX_ENGINE_BT && !pc->fits_host) {
        vx_log_error(pc->log, VX_LOG_GENERAL, "a guest started with --engine interp stays with it; start with --debug");
        return VX_ERR_UNSUPPORTED;
    }
    if (engine == VX_ENGINE_BT)
        VX_TRY(pc_create_bt(pc));
    pc->engine = engine;
    return VX_ERR_OK;
}

void pc_debug_count(struct vx_machine *pc)
{
    pc->bt_config.exact_count = pc->always_counts || vx_debug_wants_counts(pc->debug);
    if (pc->engine == VX_ENGINE_INTERP)
        return;
    vx_bt_count_exactly(pc->bt, pc->bt_config.exact_count);
    pc->uncounted |= !pc->bt_config.exact_count;
}

bool vx_machine_counts(const struct vx_machine *pc)
{
    return pc->engine == VX_ENGINE_INTERP || pc->always_counts || vx_debug_wants_counts(pc->debug);
}

bool vx_machine_counted(const struct vx_machine *pc)
{
    return !pc->uncounted;
}

enum vx_engine vx_machine_engine(const struct vx_machine *pc)
{
    return pc->engine;
}

struct vx_debug *vx_machine_debug(struct vx_machine *pc)
{
    return pc->debug;
}

struct vx_clock *vx_machine_clock(struct vx_machine *pc)
{
    return pc->clock;
}

struct vx_bt *vx_machine_bt(struct vx_machine *pc)
{
    return pc->bt;
}

struct vx_bt_cpu *vx_machine_bt_cpu(struct vx_machine *pc)
{
    return pc->cpu[0].bt_cpu;
}

/* ---- devices by name --------------------------------------------------------------------------------------------- */

/* What people call chips whose names say something else. */
static const struct {
    const char *word, *name;
} nicknames[] = {
    { "rtc", "mc146818" },   { "cmos", "mc146818" }, { "serial", "uart16550" }, { "com", "uart16550" },
    { "keyboard", "i8042" }, { "apic", "lapic" },    { "a20", "port 92h" },     { "pam", "i440fx" },
};

/* `word` is the beginning of a word of the chip's name, or its nickname. */
static bool is_called(const char *name, const char *word)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(nicknames); i++)
        if (strcmp(nicknames[i].word, word) == 0 && strcmp(nicknames[i].name, name) == 0)
            return true;
    for (const char *at = name; at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, word, strlen(word)) == 0)
            return true;
    }
    return false;
}

bool vx_machine_describe(const struct vx_machine *pc, const char *name, vx_field_fn *fn, void *opaque)
{
    bool found = false;
    for (unsigned i = 0; i < pc->device_count; i++) {
        if (!is_called(pc->devices[i].type->name, name))
            continue;
        state_describe(pc->devices[i].type, pc->devices[i].instance, fn, opaque);
        found = true;
    }
    return found;
}

void vx_machine_each_device(const struct vx_machine *pc, void (*fn)(void *opaque, const char *name, bool described),
                            void *opaque)
{
    for (unsigned i = 0; i < pc->device_count; i++)
        fn(opaque, pc->devices[i].type->name, state_is_shown(pc->devices[i].type));
}
