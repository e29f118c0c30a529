/* board_rig.h - a whole board under a fake clock, with media in memory, and a guest that does anything to it.
 *
 * Two boards that were treated alike answer alike: board_step() returns what was read. */
#ifndef VX86_TESTS_BOARD_RIG_H
#define VX86_TESTS_BOARD_RIG_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "board_sound.h"
#include "hpet.h"
#include "pc.h"
#include "pc_time.h"
#include "rom.h"

#define BOARD_DISK_BYTES   (256u << 10)
#define BOARD_CD_BYTES     (64u << 10)
#define BOARD_FLOPPY_BYTES (160u << 10)
#define BOARD_MEDIA        3 /* a disk as primary master, a CD as secondary master, a floppy disk in A: */

struct board_medium {
    struct vx_block block;
    struct vx_loop *loop;
    uint8_t bytes[BOARD_DISK_BYTES];
};

struct board {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_clock *clock;
    uint64_t mips;
    struct vx_machine *pc;
    struct board_medium media[BOARD_MEDIA];
    struct vx_display display;
    struct vx_input input;
    struct vx_audio audio;
    struct rom rom;
};

static inline void board_medium_done(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

/* Carries it out at once and says so later. */
static inline void board_medium_submit(void *opaque, struct vx_block_request *request)
{
    struct board_medium *medium = opaque;
    cr_assert(request->off_bytes + request->bytes <= medium->block.bytes, "request outside the medium");
    if (request->op == VX_BLOCK_READ)
        memcpy(request->buf, medium->bytes + request->off_bytes, request->bytes);
    else if (request->op == VX_BLOCK_WRITE)
        memcpy(medium->bytes + request->off_bytes, request->buf, request->bytes);
    request->result = VX_ERR_OK;
    request->work.fn = board_medium_done;
    vx_loop_post(medium->loop, &request->work);
}

static inline void board_screen_update(void *opaque, const struct vx_update *update)
{
    (void)opaque, (void)update;
}

static inline uint64_t board_random(uint64_t *rng)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return *rng;
}

/* `mips`: 0 for a fake clock, else a counted one whose instructions board_pass() has "executed". */
static inline struct board *board_create(uint64_t mips)
{
    static const struct vx_block_ops ops = { .submit = board_medium_submit };
    static const struct vx_display_ops screen = { .update = board_screen_update };
    struct board *board = calloc(1, sizeof *board);
    cr_assert_neq(board, NULL);
    board->log = vx_log_create(stderr);
    cr_assert_eq(vx_loop_create(board->log, &board->loop), VX_ERR_OK);
    board->mips = mips;
    cr_assert_eq(mips == 0 ? vx_clock_create_fake(&board->clock) : vx_clock_create_counted(mips, 0, &board->clock),
                 VX_ERR_OK);
    rom_make(&board->rom, (const uint8_t[]){ 0xF4 }, 1, NULL, 0);
    for (unsigned i = 0; i < BOARD_MEDIA; i++) {
        struct board_medium *medium = &board->media[i];
        medium->loop = board->loop;
        medium->block =
            (struct vx_block){ .ops = &ops, .opaque = medium, .bytes = BOARD_DISK_BYTES, .read_only = i == 1 };
        for (unsigned b = 0; b < BOARD_DISK_BYTES; b++)
            medium->bytes[b] = (uint8_t)(b ^ b >> 8 ^ i);
    }
    board->media[1].block.bytes = BOARD_CD_BYTES;
    board->media[2].block.bytes = BOARD_FLOPPY_BYTES;
    board->display.ops = &screen;
    board->audio = board_listener();
    struct vx_machine_config config = { .log = board->log,
                                        .loop = board->loop,
                                        .clock = board->clock,
                                        .ram_bytes = ROM_RAM_BYTES,
                                        .engine = VX_ENGINE_INTERP,
                                        .disk = { &board->media[0].block },
                                        .cdrom = { [2] = &board->media[1].block },
                                        .floppy = { { .present = true, .disk = &board->media[2].block } },
                                        .display = &board->display,
                                        .input = &board->input,
                                        .audio = &board->audio,
                                        .sound = VX_SOUND_SB16 | VX_SOUND_AC97 | VX_SOUND_ES1370,
                                        .bios = board->rom.bytes,
                                        .bios_bytes = ROM_BYTES,
                                        .vga_bios = board->rom.bytes,
                                        .vga_bios_bytes = 32768,
                                        .debug_exit = { { 0xF4, 4 } },
                                        .pc_testdev = true };
    cr_assert_eq(vx_machine_create(&config, &board->pc), VX_ERR_OK);
    return board;
}

static inline void board_destroy(struct board *board)
{
    vx_machine_destroy(board->pc);
    vx_loop_destroy(board->loop);
    vx_clock_destroy(board->clock);
    vx_log_destroy(board->log);
    free(board);
}

/* ---- what a guest does ------------------------------------------------------------------------------------------- */

struct board_targets {
    const struct vx_region *region[256];
    unsigned count;
};

static inline void board_collect(void *opaque, const struct vx_region *region)
{
    struct board_targets *targets = opaque;
    if (targets->count < VX_ARRAY_LEN(targets->region) && region->size != 0)
        targets->region[targets->count++] = region;
}

/* Values that mean something somewhere are likelier than noise. */
static inline uint64_t board_value(uint64_t r)
{
    static const uint32_t likely[] = { 0,          1,          0xFF, 0xFFFFFFFF, 0x80000000, 0xFEE00000,
                                       0xE0000000, 0x00000600, 0x11, 0x34,       0x36,       0xB6 };
    return r & 3 ? r >> 8 : likely[(r >> 8) % VX_ARRAY_LEN(likely)];
}

static inline uint64_t board_access(struct board *board, uint64_t *rng)
{
    struct board_targets targets = { .count = 0 };
    vx_bus_each(board->pc->cpu[0].bus, board_collect, &targets); /* regions come and go */
    uint64_t r = board_random(rng);
    const struct vx_region *region = targets.region[r % targets.count];
    enum vx_space space = region->space;
    uint64_t at = region->base + board_random(rng) % region->size, value = board_value(board_random(rng));
    unsigned size = 1u << (r >> 32) % (space == VX_SPACE_IO ? 3 : 4);
    if (r >> 40 & 1) {
        vx_bus_write(board->pc->cpu[0].bus, space, at, size, value);
        return at;
    }
    return vx_bus_read(board->pc->cpu[0].bus, space, at, size);
}

static inline uint64_t board_config_access(struct board *board, uint64_t *rng)
{
    static const uint32_t places[] = {
        0x0000, 0x0800, 0x0900, 0x0B00, 0x1000, 0x3000, 0x3800
    }; /* 00.0, 01.0, 01.1, 01.3, 02.0, 06.0, 07.0 */
    struct vx_bus *bus = board->pc->cpu[0].bus;
    uint64_t r = board_random(rng);
    uint32_t reg = r & 1 ? (r >> 8 & 0x3C) : (r >> 8 & 0xFC);
    vx_bus_write(bus, VX_SPACE_IO, 0xCF8, 4, 0x80000000u | places[(r >> 16) % VX_ARRAY_LEN(places)] | reg);
    if (r >> 32 & 1)
        vx_bus_write(bus, VX_SPACE_IO, 0xCFC, 4, board_value(board_random(rng)));
    return vx_bus_read(bus, VX_SPACE_IO, 0xCFC, 4);
}

static inline uint64_t board_memory_access(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng);
    uint64_t at = r >> 8 & 0xFFFFFFF8u;
    if (r & 1)
        at = r & 4 ? at % ROM_RAM_BYTES : 0xA0000 + at % 0x60000;
    if (r & 2)
        vx_pmap_cpu_store(board->pc->pmap, 0, at, 8, r);
    return vx_pmap_cpu_load(board->pc->pmap, 0, at, 8);
}

/* Commands that disks and CD-ROM drives know, with few sectors, by all ways of transfer. */
static inline uint64_t board_disk_access(struct board *board, uint64_t *rng)
{
    static const uint8_t commands[] = { 0x20, 0x30, 0xC8, 0xCA, 0xC4, 0xC5, 0xC6, 0xEC, 0xE7,
                                        0xA0, 0xA0, 0xA1, 0xE6, 0x40, 0xEF, 0x08, 0x35, 0x25 };
    static const uint8_t devices[] = { 0xE0, 0xA0, 0xF0 };
    struct vx_bus *bus = board->pc->cpu[0].bus;
    uint64_t r = board_random(rng), words[16] = { 0 };
    uint16_t base = r & 1 ? 0x1F0 : 0x170;
    switch (r >> 8 & 7) {
    case 0: vx_bus_write(bus, VX_SPACE_IO, base + 7u, 1, commands[(r >> 16) % VX_ARRAY_LEN(commands)]); break;
    case 1: vx_bus_write(bus, VX_SPACE_IO, base + 6u, 1, devices[(r >> 16) % VX_ARRAY_LEN(devices)]); break;
    case 2: vx_bus_write(bus, VX_SPACE_IO, base + 1u + (r >> 16) % 5, 1, r >> 24 & 3); break;
    case 3: return vx_bus_read_block(bus, base, 2, words, 64) + words[0];
    case 4:
        words[0] = r >> 16 & 1 ? 0x28 : 0x43; /* a packet, if one is wanted */
        words[1] = 0x0100;
        return vx_bus_write_block(bus, base, 2, words, 6 + (r >> 20 & 0x1F));
    case 5: vx_bus_write(bus, VX_SPACE_IO, (r & 1 ? 0xC000 : 0xC008) + (r >> 16 & 7u), 1, r >> 24 & 9); break;
    case 6: return vx_bus_read(bus, VX_SPACE_IO, base + (r >> 16 & 7), 1);
    default: /* what the BIOS does */
        pci_write_config(board->pc->pci, 1, 1, 0x20, 4, 0xC000);
        pci_write_config(board->pc->pci, 1, 1, 0x40, 4, 0x80008000);
        pci_write_config(board->pc->pci, 1, 1, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
        break;
    }
    return 0;
}

/* ---- registers that are few among many addresses, or do something in a certain order only ------------------------ */

static inline uint64_t board_lapic(struct board *board, uint64_t *rng)
{
    static const uint64_t bases[] = { LAPIC_DEFAULT_BASE, 0xFEE10000 };
    uint64_t r = board_random(rng), reg = (r >> 8 & 63) * 16, base = bases[r >> 16 & 1];
    if ((r & 15) == 0)
        lapic_set_base(board->pc->cpu[0].lapic, base | LAPIC_BASE_ENABLE); /* as by WRMSR */
    else if (r & 1)
        vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_MEMORY, base + reg, 4, board_value(board_random(rng)) & 0x1FFFF);
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_MEMORY, base + reg, 4);
}

static inline uint64_t board_hpet(struct board *board, uint64_t *rng)
{
    static const uint32_t regs[] = { 0x010, 0x0F0, 0x100, 0x108, 0x120, 0x128, 0x020, 0x148 };
    uint64_t r = board_random(rng), at = HPET_BASE + regs[r >> 8 & 7];
    if (r & 1)
        vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_MEMORY, at, 8, board_value(board_random(rng)) & 0xFFFF);
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_MEMORY, at, 8);
}

static inline uint64_t board_rtc(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng);
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x70, 1, r >> 8 & 15);
    if (r & 1)
        vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x71, 1, board_value(board_random(rng)));
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x71, 1);
}

static inline uint64_t board_keyboard(struct board *board, uint64_t *rng)
{
    static const uint8_t commands[] = { 0x20, 0x60, 0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xAA, 0xA7, 0xA8, 0xAD, 0xAE };
    uint64_t r = board_random(rng);
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x64, 1, commands[(r >> 8) % VX_ARRAY_LEN(commands)]);
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x60, 1, r & 1 ? board_value(board_random(rng)) : r >> 16 & 3);
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x60, 1);
}

/* Chain-4 with nothing for the planar logic to do, used often enough to be mapped; or planes. */
static inline uint64_t board_vga(struct board *board, uint64_t *rng)
{
    static const uint16_t plain[] = { 0x0E04, 0x0F02 }, planes[] = { 0x0604, 0x0502 };
    static const uint16_t graphics[] = { 0x0001, 0x0003, 0x4005, 0x0506, 0xFF08 };
    struct vx_bus *bus = board->pc->cpu[0].bus;
    uint64_t r = board_random(rng), value = 0;
    for (unsigned i = 0; i < 2; i++)
        vx_bus_write(bus, VX_SPACE_IO, 0x3C4, 2, (r & 1 ? plain : planes)[i]);
    for (unsigned i = 0; i < VX_ARRAY_LEN(graphics); i++)
        vx_bus_write(bus, VX_SPACE_IO, 0x3CE, 2, graphics[i]);
    for (unsigned i = 0; (r & 6) == 6 && i < 1100; i++)
        vx_pmap_cpu_store(board->pc->pmap, 0, 0xA0000 + (r >> 8 & 0xFFF8), 1, i);
    value = vx_pmap_cpu_load(board->pc->pmap, 0, 0xA0000 + (r >> 8 & 0xFFF8), 1);
    vx_pmap_cpu_store(board->pc->pmap, 0, 0xA0000 + (r >> 8 & 0xFFF8), 1, r >> 24);
    return value;
}

static inline uint64_t board_pm(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng);
    pci_write_config(board->pc->pci, 1, 3, 0x40, 4, 0x601);
    pci_write_config(board->pc->pci, 1, 3, 0x80, 1, 1);
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x600 + (r >> 8 & 0x3C), 4);
}

static inline uint64_t board_uart(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng), value = 0;
    if (r & 1)
        vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x3F8 + (r >> 8 & 7), 1, board_value(board_random(rng)));
    for (unsigned i = 0; i < (r >> 16 & 15); i++)
        value += vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x3FD, 1);
    return value + vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x3F8 + (r >> 24 & 7), 1);
}

static inline uint64_t board_pic(struct board *board, uint64_t *rng)
{
    static const uint8_t words[] = { 0x20, 0x0C, 0x0A, 0x0B, 0x68, 0x48, 0x60, 0xA0, 0x11, 0x00 };
    uint64_t r = board_random(rng);
    unsigned base = r & 1 ? 0x20 : 0xA0;
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, base, 1, words[(r >> 8) % VX_ARRAY_LEN(words)]);
    if (r & 2)
        vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, base + 1, 1, r >> 16 & 0xF9);
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, base, 1);
}

static inline uint64_t board_a20(struct board *board, uint64_t *rng)
{
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x92, 1, board_random(rng) & 2);
    return vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x92, 1);
}

/* A byte of a command that is likely to become a whole one, or what comes back. */
static inline uint64_t board_floppy(struct board *board, uint64_t *rng)
{
    static const uint8_t commands[][9] = { { 0x46, 0, 0, 0, 1, 2, 8, 0x1B, 0xFF },
                                           { 0x45, 0, 0, 0, 2, 2, 8, 0x1B, 0xFF },
                                           { 0x0F, 0, 3 },
                                           { 0x07, 0 },
                                           { 0x08 },
                                           { 0x4A, 0 },
                                           { 0x03, 0xDF, 3 },
                                           { 0x0E },
                                           { 0x13, 0, 0x57, 0 } };
    static const uint8_t bytes[] = { 9, 9, 3, 2, 1, 2, 3, 1, 4 };
    struct vx_bus *bus = board->pc->cpu[0].bus;
    uint64_t r = board_random(rng), value = 0;
    unsigned n = (r >> 8) % VX_ARRAY_LEN(bytes);
    vx_bus_write(bus, VX_SPACE_IO, 0x3F7, 1, 2);
    if ((r >> 16 & 7) == 0)
        vx_bus_write(bus, VX_SPACE_IO, 0x3F2, 1, r >> 20 & 4);
    vx_bus_write(bus, VX_SPACE_IO, 0x3F2, 1, 0x1C);
    for (unsigned i = 0; r & 1 && i < bytes[n]; i++)
        vx_bus_write(bus, VX_SPACE_IO, 0x3F5, 1, commands[n][i]);
    for (unsigned i = 0; i < (r >> 24 & 15); i++)
        value = value * 3 + vx_bus_read(bus, VX_SPACE_IO, 0x3F5, 1);
    return value + vx_bus_read(bus, VX_SPACE_IO, 0x3F4, 1);
}

/* The absolute pointer is enabled, fetched, or asked for too much. */
static inline uint64_t board_vmmouse(struct board *board, uint64_t *rng)
{
    static const uint32_t commands[][2] = { { 41, 0x45414552 }, { 39, 1 }, { 41, 0x53424152 }, { 40, 0 },
                                            { 39, 4 },          { 39, 4 }, { 41, 0x4C455252 }, { 10, 0 } };
    uint64_t r = board_random(rng), *gpr = board->pc->cpu[0].vcpu->gpr, value = 0;
    struct vx_pointer place = { .x = (int)(r >> 8 & 0x7FFF), .y = (int)(r >> 24 & 0x7FFF), .buttons = r >> 40 & 7 };
    vx_input_pointer(&board->input, VX_INPUT_ABSOLUTE, &place);
    for (unsigned i = 0; i < (r & 3); i++) {
        const uint32_t *command = commands[board_random(rng) % VX_ARRAY_LEN(commands)];
        gpr[VX_RAX] = 0x564D5868;
        gpr[VX_RCX] = command[0];
        gpr[VX_RBX] = command[1];
        value = value * 5 + vx_bus_read(board->pc->cpu[0].bus, VX_SPACE_IO, 0x5658, 4);
        value = value * 5 + gpr[VX_RCX] + gpr[VX_RBX];
    }
    return value;
}

static inline uint64_t board_sound(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng);
    return board_sound_access(board->pc->cpu[0].bus, r);
}

static inline uint64_t board_chip_access(struct board *board, uint64_t *rng)
{
    static uint64_t (*const chips[])(struct board *, uint64_t *) = { board_lapic,    board_hpet,    board_rtc,
                                                                     board_keyboard, board_vga,     board_pm,
                                                                     board_uart,     board_pic,     board_a20,
                                                                     board_floppy,   board_vmmouse, board_sound };
    return chips[board_random(rng) % VX_ARRAY_LEN(chips)](board, rng);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* The disk has been reset and has a command under way, with a request at its back end. */
static inline void board_start_read(struct board *board)
{
    static const uint8_t task_file[] = { 0, 3, 5, 0, 0, 0xE0, 0x20 }; /* three sectors from 5 on, by PIO */
    pci_write_config(board->pc->pci, 1, 1, 0x40, 4, 0x80008000);
    pci_write_config(board->pc->pci, 1, 1, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x3F6, 1, 4);
    vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x3F6, 1, 0);
    for (unsigned i = 0; i < VX_ARRAY_LEN(task_file); i++)
        vx_bus_write(board->pc->cpu[0].bus, VX_SPACE_IO, 0x1F1 + i, 1, task_file[i]);
}

/* What comes from outside of the board. */
static inline uint64_t board_outside(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng);
    switch (r >> 8 & 7) {
    case 0: vx_input_key(&board->input, r >> 16 & 0x17F, r & 1); break;
    case 1:
        vx_input_pointer(
            &board->input, VX_INPUT_RELATIVE,
            &(struct vx_pointer){ .x = (int)(r >> 16 & 63) - 32, .y = (int)(r >> 24 & 63) - 32, .buttons = r & 7 });
        break;
    case 2: fpu_error_set_ferr(board->pc->fpu_error, r & 1); break;
    case 3: i440fx_set_smiact(board->pc->bridge, r & 1); break;
    case 4: vx_loop_run_posted(board->loop); break;
    default: return (uint64_t)lapic_ack(board->pc->cpu[0].lapic);
    }
    return 0;
}

/* Time passes: all of it, or as many instructions and the timers that then are due. */
static inline void board_pass(struct board *board, uint64_t ns)
{
    if (board->mips == 0) {
        vx_clock_advance(board->clock, ns);
        return;
    }
    board->pc->cpu[0].vcpu->retired += ns * board->mips / 1000;
    while (vx_clock_run(board->clock) != 0) {
    }
}

/* Nobody outside of the board works on it any more. */
static inline void board_settle(struct board *board)
{
    if (board->mips != 0) {
        pc_disk_settle(board->pc);
        return;
    }
    ide_drain(board->pc->ide);
    floppy_drain(board->pc->floppy);
}

static inline uint64_t board_step(struct board *board, uint64_t *rng)
{
    uint64_t r = board_random(rng);
    if (r >> 32 & 1)
        board_pass(board, r >> 44);
    switch (r % 8) {
    case 0: return board_config_access(board, rng);
    case 1: return board_memory_access(board, rng);
    case 2: return board_disk_access(board, rng);
    case 3: return board_outside(board, rng);
    case 4:
    case 5: return board_chip_access(board, rng);
    default: return board_access(board, rng);
    }
}

#endif
