/* hostile_machine.c - the PC that a hostile guest gets. See hostile.h. */
#include "hostile.h"

/* After a reset the guest is back in its own memory. */
static void make_rom(struct hostile_machine *m)
{
    static const uint8_t jump[] = { 0xEA, 0, 0, PF_CODE >> 4 & 0xFF, PF_CODE >> 12 };
    memset(m->rom, 0xF4, sizeof m->rom);
    memcpy(m->rom + HOSTILE_ROM_BYTES - 16, jump, sizeof jump);
}

static void must(vx_err err)
{
    if (err != VX_ERR_OK)
        abort();
}

void hostile_machine_create(struct hostile_machine *m, enum vx_engine engine, uint64_t batch, FILE *messages)
{
    static const unsigned tu_max[] = { 0, 1, 128, 0, 4, 0, 0, 16 };
    memset(m, 0, sizeof *m);
    m->log = vx_log_create(messages);
    must(vx_loop_create(m->log, &m->loop));
    must(vx_clock_create_counted(1000, 0, &m->clock));
    for (unsigned i = 0; i < HOSTILE_DISKS; i++)
        fuzz_disk_init(&m->disk[i], m->loop, HOSTILE_DISK_BYTES);
    m->serial = fuzz_char();
    m->display = fuzz_display();
    m->input = fuzz_input();
    m->audio = fuzz_audio();
    make_rom(m);
    struct vx_machine_config config = {
        .log = m->log,
        .loop = m->loop,
        .clock = m->clock,
        .ram_bytes = HOSTILE_RAM_BYTES,
        .engine = engine,
        .bt = { .verify = true, .tu_max = tu_max[batch % 8], .stress = batch % 3 == 1, .stress_seed = batch },
        .disk = { &m->disk[0].block },
        .cdrom = { [2] = &m->disk[1].block },
        .serial = { &m->serial },
        .debugcon = &m->serial,
        .display = &m->display,
        .input = &m->input,
        .audio = &m->audio,
        .bios = m->rom,
        .bios_bytes = sizeof m->rom,
        .vga_bios = m->rom,
        .vga_bios_bytes = 32768,
        .debug_exit = { { 0xF4, 4 } },
        .pc_testdev = true,
    };
    must(vx_machine_create(&config, &m->machine));
}

void hostile_machine_destroy(struct hostile_machine *m)
{
    vx_machine_destroy(m->machine);
    vx_clock_destroy(m->clock);
    vx_loop_destroy(m->loop);
    vx_log_destroy(m->log);
    for (unsigned i = 0; i < HOSTILE_DISKS; i++)
        fuzz_disk_fini(&m->disk[i]);
}

static void stop(void *opaque)
{
    vx_machine_stop(opaque, 0);
}

enum vx_machine_end hostile_machine_run(struct hostile_machine *m, uint64_t insns)
{
    vx_timer_init(m->clock, &m->end, stop, m->machine);
    vx_timer_set(m->clock, &m->end, vx_clock_now_ns(m->clock) + insns);
    enum vx_machine_end end = vx_machine_run(m->machine, NULL);
    vx_timer_set(m->clock, &m->end, VX_NEVER);
    return end;
}
