/* guest.c - a device program carried out by a guest, under the interpreter and under the translator. See device.h. */
#include <stdlib.h>
#include <string.h>

#include "guest_map.h"
#include "rig.h"

enum { RUN_NS = 40000000, HOST_PORTS = 4 * HOST_EVENTS };

_Static_assert(G_OPS == GUEST_OPS && G_CODE == GUEST_CODE && G_HOST == HOST_PORT, "one map");
_Static_assert(G_END == HOST_END && G_OPS_MAX == OP_KINDS && sizeof(struct op) == 16, "guest.S knows these");

extern const uint8_t guest_rom[], guest_rom_end[];

void guest_make_rom(uint8_t rom[ROM_BYTES])
{
    static const uint8_t jump_to_0[] = { 0xE9, 0x0D, 0x00 };
    memset(rom, 0xF4, ROM_BYTES);
    memcpy(rom, guest_rom, (size_t)(guest_rom_end - guest_rom));
    memcpy(rom + ROM_BYTES - 16, jump_to_0, sizeof jump_to_0);
}

static void host_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct rig *rig = opaque;
    (void)size;
    watch_step(rig->watch);
    if (off / 4 == HOST_END)
        vx_machine_stop(rig->pc, 0);
    else
        rig_host_event(rig, off / 4, (uint32_t)value);
}

static void time_is_up(void *opaque)
{
    vx_machine_stop(opaque, 1);
}

static void put(struct rig *rig, uint32_t phys, uint32_t value)
{
    vx_pmap_write(rig->pc->pmap, phys, &value, sizeof value);
}

/* *value: 0 when it came to its end before its time was up. */
static struct rig *run(const struct program *program, const struct rig_config *config, enum vx_machine_end *end,
                       int *value)
{
    struct rig *rig = rig_create(config);
    rig->host_port = (struct vx_region){ .name = "the fuzzer",
                                         .space = VX_SPACE_IO,
                                         .base = HOST_PORT,
                                         .size = HOST_PORTS,
                                         .max_size = 4,
                                         .priority = 100,
                                         .write = host_write,
                                         .opaque = rig };
    if (vx_bus_add(rig->pc->bus, &rig->host_port) != VX_ERR_OK)
        abort();
    vx_pmap_write(rig->pc->pmap, G_OPS, program->op, program->count * sizeof(struct op));
    put(rig, G_COUNT, program->count);
    vx_timer_init(rig->clock, &rig->end, time_is_up, rig->pc);
    vx_timer_set(rig->clock, &rig->end, vx_clock_now_ns(rig->clock) + RUN_NS);
    *end = vx_machine_run(rig->pc, value);
    vx_timer_set(rig->clock, &rig->end, VX_NEVER);
    return rig;
}

bool guest_run_both(const struct program *program, FILE *messages, struct watch *watch, bool *finished)
{
    struct rig_config config = { .guest = true, .messages = messages, .watch = watch };
    enum vx_machine_end ends[2];
    int values[2];
    char where[200] = "how they ended";
    config.engine = VX_ENGINE_INTERP;
    struct rig *interp = run(program, &config, &ends[0], &values[0]);
    config.engine = VX_ENGINE_BT;
    config.variant = program->count % 3;
    struct rig *bt = run(program, &config, &ends[1], &values[1]);
    bool differ = ends[0] != ends[1] || values[0] != values[1] || rigs_differ(interp, bt, where, sizeof where);
    if (differ)
        fprintf(stderr, "interpreter and translator differ: %s (ends %d, %d)\n", where, ends[0], ends[1]);
    vx_bus_remove(interp->pc->bus, &interp->host_port);
    vx_bus_remove(bt->pc->bus, &bt->host_port);
    *finished = ends[0] == VX_END_STOPPED && values[0] == 0;
    rig_destroy(interp);
    rig_destroy(bt);
    return !differ;
}
