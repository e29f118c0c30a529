/* pc.c - a PC from its configuration, and back to nothing.
 *
 * Order: buses and memory, processor and engine, chips (pc_board.c), what firmware is told (pc_setup.c), reset. */
#include <stdlib.h>

#include "pc.h"
#include "pc_lockstep.h"
#include "pc_time.h"
#include "vx86/firmware.h"
#include "vx86/isa.h"

/* The CPU model; where the translator runs, or may later, what the host cannot run is left out of it. */
static vx_err create_model(struct vx_machine *pc, const struct vx_machine_config *config, struct vx_cpu_model **model)
{
    char text[160];
    vx_err err =
        vx_cpu_model_create(config->cpu_model != NULL ? config->cpu_model : "default", text, sizeof text, model);
    if (err != VX_ERR_OK) {
        vx_log_error(pc->log, VX_LOG_GENERAL, "--cpu: %s", text);
        return err;
    }
    if (!vx_cpu_has(*model, VX_F_I486) && config->bios == vx_firmware_bios(&(size_t){ 0 })) {
        vx_log_error(pc->log, VX_LOG_GENERAL,
                     "--cpu: the BIOS inside vx86 needs a 486's instructions; add +i486, or name another with --bios");
        vx_cpu_model_destroy(*model);
        return VX_ERR_UNSUPPORTED;
    }
    if (config->engine == VX_ENGINE_INTERP && !config->debug)
        return VX_ERR_OK;
    vx_cpu_model_fit_host(*model, text, sizeof text);
    if (text[0] != 0)
        vx_log_info(pc->log, VX_LOG_CPU, "not offered to the guest, because this host's CPU has not got it: %s", text);
    return VX_ERR_OK;
}

static vx_err create_cpus(struct vx_machine *pc, const struct vx_machine_config *config)
{
    struct vx_cpu_model *model;
    VX_TRY(create_model(pc, config, &model));
    vx_err err = VX_ERR_OK;
    while (pc->cpu_count < PC_MAX_CPUS && err == VX_ERR_OK) {
        err = pc_cpu_create(pc, pc->cpu_count, model);
        pc->cpu_count++; /* what there is of it is destroyed with the others */
    }
    vx_cpu_model_destroy(model);
    return err;
}

static vx_err create_engine(struct vx_machine *pc, const struct vx_machine_config *config)
{
    if (config->time_split)
        vx_split_start(&pc->stats.split);
    pc->always_counts =
        config->lockstep || vx_clock_is_counted(pc->clock) || config->hash_every != 0 || config->stop_at != 0;
    pc->bt_config = (struct vx_bt_config){
        .log = pc->log,
        .stats = &pc->stats,
        .pmap = pc->pmap,
        .tu_max = config->bt.tu_max,
        .cache_bytes = config->bt.cache_bytes,
        .interpret_first = config->bt.interpret_first,
        .lowering = config->bt.lowering,
        .window = config->bt.window,
        .no_chain = config->bt.no_chain,
        .no_jump_cache = config->bt.no_jump_cache,
        .no_probe_sharing = config->bt.no_probe_sharing,
        .verify = config->bt.verify,
        .stress = config->bt.stress,
        .stress_seed = config->bt.stress_seed,
        .count = config->bt.count,
        .time_split = config->time_split,
        .exact_count = pc->always_counts,
        .one_unit = config->lockstep && config->lockstep_every == 0,
    };
    VX_TRY(pc_debug_create(pc));
    if (config->or_interp && vx_bt_refusal(config->bt.cache_bytes) != NULL)
        pc->engine = VX_ENGINE_INTERP;
    if (pc->engine == VX_ENGINE_BT)
        return pc_create_bt(pc);
    /* A debugger may change to it when the host gives no more memory for code (sandbox). If it gives none now, that is
     * said when it is asked for. */
    return config->debug && vx_bt_refusal(config->bt.cache_bytes) == NULL ? pc_create_bt(pc) : VX_ERR_OK;
}

static vx_err create_parts(struct vx_machine *pc, const struct vx_machine_config *config)
{
    if (pc->clock == NULL) {
        VX_TRY(vx_clock_create_real(&pc->clock));
        pc->owns_clock = true;
    }
    VX_TRY(vx_bus_create(pc->log, &pc->stats, &pc->bus));
    VX_TRY(pc_memory_create(pc, config));
    VX_TRY(create_cpus(pc, config));
    VX_TRY(create_engine(pc, config));
    if (vx_clock_is_counted(pc->clock))
        vx_clock_follow(pc->clock, &pc->cpu[0].vcpu->retired);
    VX_TRY(pc_board_create(pc, config));
    return pc_setup_firmware(pc, config);
}

static vx_err create_lockstep(struct vx_machine *pc, uint64_t every)
{
    struct pc_lockstep_config config = { .log = pc->log,
                                         .stats = &pc->stats,
                                         .leader = pc->cpu[0].vcpu,
                                         .engine = pc->cpu[0].bt_cpu,
                                         .pmap = pc->pmap,
                                         .every = every };
    return pc_lockstep_create(&config, &pc->lockstep);
}

vx_err vx_machine_create(const struct vx_machine_config *config, struct vx_machine **out)
{
    struct vx_machine *pc = calloc(1, sizeof *pc);
    if (pc == NULL)
        return VX_ERR_NO_MEMORY;
    pc->log = config->log;
    pc->loop = config->loop;
    pc->clock = config->clock;
    pc->engine = config->engine;
    pc->fits_host = config->engine == VX_ENGINE_BT || config->debug;
    pc->no_reboot = config->no_reboot;
    pc->armed_ns = VX_NEVER;
    pc->hash_every = pc->hash_next = config->hash_every;
    pc->stop_at = config->stop_at;
    vx_err err = create_parts(pc, config);
    if (err == VX_ERR_OK) {
        pc_run_attach(pc);
        vx_machine_reset(pc);
        if (config->lockstep)
            err = create_lockstep(pc, config->lockstep_every);
    }
    if (err != VX_ERR_OK) {
        vx_machine_destroy(pc);
        return err;
    }
    *out = pc;
    return VX_ERR_OK;
}

void vx_machine_destroy(struct vx_machine *pc)
{
    if (pc == NULL)
        return;
    pc_run_detach(pc);
    pc_disk_release(pc);
    while (pc->device_count > 0) { /* backwards: I1 of pc.h */
        struct device *device = &pc->devices[--pc->device_count];
        device->type->destroy(device->instance);
    }
    vx_debug_destroy(pc->debug);
    pc_lockstep_destroy(pc->lockstep);
    vx_bt_destroy(pc->bt);
    for (unsigned i = 0; i < pc->cpu_count; i++)
        pc_cpu_destroy(&pc->cpu[i]);
    vx_pmap_destroy(pc->pmap);
    vx_bus_destroy(pc->bus);
    if (pc->owns_clock)
        vx_clock_destroy(pc->clock);
    free(pc);
}

/* ---- from the frontend ------------------------------------------------------------------------------------------ */

struct vx_vcpu *vx_machine_vcpu(struct vx_machine *pc)
{
    return pc->cpu[0].vcpu;
}

struct vx_pmap *vx_machine_pmap(struct vx_machine *pc)
{
    return pc->pmap;
}

struct vx_stats *vx_machine_stats(struct vx_machine *pc)
{
    return &pc->stats;
}

vx_err vx_machine_picture(struct vx_machine *pc, struct vx_picture *picture)
{
    return vga_take_picture(pc->vga, picture);
}

struct vx_bus *vx_machine_bus(struct vx_machine *pc)
{
    return pc->bus;
}
