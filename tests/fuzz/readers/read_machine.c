/* read_machine.c - a small guest for readers that command one. See readers.h. */
#include <stdlib.h>
#include <string.h>

#include "readers.h"
#include "unit/machine/rom.h"

enum { RUN_NS = 3000 }; /* an instruction is a nanosecond */

struct machine_rig {
    struct vx_loop *loop;
    struct vx_clock *clock;
    struct vx_machine *machine;
    struct vx_timer end;
    struct rom rom;
};

static void must(vx_err err)
{
    if (err != VX_ERR_OK)
        abort();
}

static void time_is_up(void *opaque)
{
    vx_machine_stop(opaque, 0);
}

struct machine_rig *machine_rig_create(struct vx_log *log)
{
    static const uint8_t code[] = { 0xFF, 0x06, 0x00, 0x05, 0xEB, 0xFA }; /* INC word [500h], again */
    struct machine_rig *rig = calloc(1, sizeof *rig);
    if (rig == NULL)
        abort();
    rom_make(&rig->rom, code, sizeof code, NULL, 0);
    must(vx_loop_create(log, &rig->loop));
    must(vx_clock_create_counted(1000, 0, &rig->clock));
    struct vx_machine_config config = { .log = log,
                                        .loop = rig->loop,
                                        .clock = rig->clock,
                                        .ram_bytes = ROM_RAM_BYTES,
                                        .engine = VX_ENGINE_INTERP,
                                        .bios = rig->rom.bytes,
                                        .bios_bytes = ROM_BYTES,
                                        .debug = true };
    must(vx_machine_create(&config, &rig->machine));
    vx_timer_init(rig->clock, &rig->end, time_is_up, rig->machine);
    return rig;
}

void machine_rig_destroy(struct machine_rig *rig)
{
    vx_machine_destroy(rig->machine);
    vx_clock_destroy(rig->clock);
    vx_loop_destroy(rig->loop);
    free(rig);
}

struct vx_machine *machine_rig_machine(struct machine_rig *rig)
{
    return rig->machine;
}

struct vx_loop *machine_rig_loop(struct machine_rig *rig)
{
    return rig->loop;
}

void machine_rig_run(struct machine_rig *rig)
{
    vx_timer_set(rig->clock, &rig->end, vx_clock_now_ns(rig->clock) + RUN_NS);
    vx_machine_run(rig->machine, NULL);
    vx_timer_set(rig->clock, &rig->end, VX_NEVER);
    vx_machine_reset(rig->machine);
}
