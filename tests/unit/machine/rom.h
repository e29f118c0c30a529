/* rom.h - 64 KiB ROMs with a few instructions, and machines that run them. */
#ifndef VX86_TESTS_ROM_H
#define VX86_TESTS_ROM_H

#include <stdio.h>
#include <string.h>

#include "vx86/machine.h"

#define ROM_BYTES     0x10000
#define ROM_RAM_BYTES (2u << 20)

struct rom {
    uint8_t bytes[ROM_BYTES];
};

/* The code runs at F000:0000 (CS base FFFF0000h) in real mode; a second piece, if any, lies at offset 100h. */
static inline void rom_make(struct rom *rom, const uint8_t *code, size_t bytes, const uint8_t *second,
                            size_t second_bytes)
{
    static const uint8_t jump_to_0[] = { 0xE9, 0x0D, 0x00 };
    memset(rom->bytes, 0, sizeof rom->bytes);
    memcpy(rom->bytes, code, bytes);
    if (second != NULL)
        memcpy(rom->bytes + 0x100, second, second_bytes);
    memcpy(rom->bytes + 0xFFF0, jump_to_0, sizeof jump_to_0);
}

struct rom_machine {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_machine *machine;
};

/* With what `config` says beside log, loop, memory and ROM; its log goes to `out`. */
static inline vx_err rom_machine_create_to(struct rom_machine *rig, FILE *out, const struct rom *rom,
                                           struct vx_machine_config config)
{
    if (vx_bt_unavailable() != NULL) { /* the interpreter stands in, alone */
        config.engine = VX_ENGINE_INTERP;
        config.lockstep = false;
    }
    rig->log = vx_log_create(out);
    VX_TRY(vx_loop_create(rig->log, &rig->loop));
    config.log = rig->log;
    config.loop = rig->loop;
    config.ram_bytes = ROM_RAM_BYTES;
    config.bios = rom->bytes;
    config.bios_bytes = ROM_BYTES;
    config.debug_exit[0] = (struct vx_ports){ 0xF4, 4 };
    return vx_machine_create(&config, &rig->machine);
}

static inline vx_err rom_machine_create_with(struct rom_machine *rig, const struct rom *rom,
                                             struct vx_machine_config config)
{
    return rom_machine_create_to(rig, stderr, rom, config);
}

static inline vx_err rom_machine_create(struct rom_machine *rig, const struct rom *rom, enum vx_engine engine,
                                        bool no_reboot)
{
    return rom_machine_create_with(rig, rom, (struct vx_machine_config){ .engine = engine, .no_reboot = no_reboot });
}

static inline void rom_machine_destroy(struct rom_machine *rig)
{
    vx_machine_destroy(rig->machine);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
}

#endif
