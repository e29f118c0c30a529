/* machine.h - a whole PC: what the frontend builds, runs and takes apart.
 *
 * Wiring and reset order are in devices/machine/. The machine runs on the thread that is in vx_machine_run(), the
 * machine thread: devices, back ends and the debugger are called there and nowhere else. While it runs, other threads
 * may call only what is marked "any thread". Before and after, one thread at a time may call anything, whichever it is;
 * the program creates and destroys on the main thread and runs on another, so that the main thread is free for the
 * user's windows. Several machines run at once on a thread each. */
#ifndef VX86_MACHINE_H
#define VX86_MACHINE_H

#include "vx86/backend.h"
#include "vx86/bt.h"
#include "vx86/bus.h"
#include "vx86/clock.h"
#include "vx86/debug.h"
#include "vx86/field.h"
#include "vx86/loop.h"

enum vx_engine { VX_ENGINE_BT, VX_ENGINE_INTERP };
enum vx_boot { VX_BOOT_DEFAULT, VX_BOOT_DISK, VX_BOOT_CDROM, VX_BOOT_FLOPPY };

#define VX_MAX_IDE      4
#define VX_MAX_FLOPPIES 2

/* Sound cards: bits of vx_machine_config.sound. */
enum { VX_SOUND_SB16 = 1u << 0, VX_SOUND_AC97 = 1u << 1, VX_SOUND_ES1370 = 1u << 2 };
#define VX_SOUND_STREAMS 8 /* the speaker, one of the SB16, three of each of the others */

#define VX_MAX_DEBUG_EXITS 4

struct vx_boot_module; /* firmware.h */

struct vx_ports {
    uint16_t base, count; /* count 0: none */
};

struct vx_machine_config {
    struct vx_log *log;   /* borrowed, all pointers here */
    struct vx_loop *loop; /* borrowed: back ends were built on the same one */
    struct vx_clock
        *clock;          /* NULL: a real one of the machine's own. A counted one follows the machine's instructions */
    uint64_t hash_every; /* log vx_machine_state_hash() every so many instructions; 0: never */
    uint64_t stop_at;    /* end with VX_END_STOPPED at this instruction count; 0: never */
    uint64_t ram_bytes;
    enum vx_engine engine;
    bool or_interp; /* ... which the interpreter replaces where the host refuses code memory: vx_machine_engine() */
    struct {        /* see struct vx_bt_config */
        unsigned tu_max, interpret_first;
        uint64_t cache_bytes;
        enum vx_lowering lowering;
        struct vx_window_config window;
        bool no_chain, no_jump_cache, no_probe_sharing, verify, stress, count;
        uint64_t stress_seed;
    } bt;
    /* The interpreter follows the translator with a memory of its own and is compared with it (VX_ENGINE_BT, without
     * `debug`): after each unit, or every so many instructions. */
    bool lockstep;
    uint64_t lockstep_every;            /* 0: each unit */
    const char *cpu_model;              /* as for vx_cpu_model_create(); NULL: default */
    struct vx_block *disk[VX_MAX_IDE];  /* IDE positions: primary master, primary slave, secondary master, slave */
    struct vx_block *cdrom[VX_MAX_IDE]; /* at most one of disk[i], cdrom[i] */
    /* A: and B:. Without a drive the machine has no floppy controller; of what kind a drive is, its disk decides
     * (floppies.def has the sizes). */
    struct {
        bool present;
        struct vx_block *disk; /* NULL: the drive is empty, one for 1.44M */
    } floppy[VX_MAX_FLOPPIES];
    bool floppy_real_speed;
    enum vx_boot boot;
    struct vx_char *serial[2];  /* COM1, COM2; NULL: port present, nothing attached */
    bool uart_ungated;          /* UARTs interrupt whatever their OUT2 pin says */
    struct vx_char *debugcon;   /* port 402h */
    struct vx_display *display; /* NULL: none. The VGA's picture is head 0 */
    struct vx_input *input;     /* NULL: nobody at keyboard and mouse */
    unsigned sound;             /* VX_SOUND_*; the speaker is always there */
    struct vx_audio *audio;     /* NULL: nobody listens; else with VX_SOUND_STREAMS at least */
    const uint8_t *bios;
    size_t bios_bytes; /* multiple of 64 KiB, at most 4 MiB; mapped to end at 4 GiB */
    const uint8_t *vga_bios;
    size_t vga_bios_bytes;
    const uint8_t *kernel; /* direct boot, or NULL; this and what follows: struct vx_fw_config in firmware.h */
    size_t kernel_bytes;
    const char *kernel_name;
    const uint8_t *initrd;
    size_t initrd_bytes;
    const struct vx_boot_module *modules;
    unsigned module_count;
    const char *append;
    bool no_reboot;                                 /* a guest reset ends the run */
    struct vx_ports debug_exit[VX_MAX_DEBUG_EXITS]; /* an isa-debug-exit each */
    bool pc_testdev;                                /* the device of that name, for test kernels */
    bool time_split;                                /* find out where time goes (costs some) */
    bool debug;                                     /* for a debugger: the engine may be changed */
};

struct vx_machine;

VX_MUST_USE vx_err vx_machine_create(const struct vx_machine_config *config, struct vx_machine **out);
void vx_machine_destroy(struct vx_machine *machine);

enum vx_machine_end {
    VX_END_POWER_OFF,
    VX_END_RESET,        /* with no_reboot */
    VX_END_TRIPLE_FAULT, /* with no_reboot */
    VX_END_DEAD,         /* HLT with interrupts off and no NMI source, with no_reboot */
    VX_END_DEBUG_EXIT,   /* code in *value */
    VX_END_DIFFERENCE,   /* lockstep: the engines differ, which has been reported */
    VX_END_STOPPED,      /* vx_machine_stop(); its argument in *value */
};

/* Runs until the guest ends or vx_machine_stop(): the calling thread is the machine thread until then. It must not
 * block the signals that its own instructions raise (vx_thread_start() sees to it). Can be called again after
 * VX_END_STOPPED. Waits for outstanding disk writes before it returns. */
enum vx_machine_end vx_machine_run(struct vx_machine *machine, int *value);

/* Any thread: makes vx_machine_run() return VX_END_STOPPED with `value`. Async-signal-safe is not promised. */
void vx_machine_stop(struct vx_machine *machine, int value);

/* machine thread (inside posted work, callbacks) or while not running: */
void vx_machine_reset(struct vx_machine *machine); /* power-on reset */

/* Puts another disk into drive 0 (A:) or 1 (B:), NULL: none; the guest sees the change line. The block back end of the
 * old one may be destroyed at once. VX_ERR_NOT_FOUND: there is no such drive; VX_ERR_UNSUPPORTED: the disk does not fit
 * into it; both logged. */
VX_MUST_USE vx_err vx_machine_change_floppy(struct vx_machine *machine, unsigned drive, struct vx_block *disk);

/* The engine that runs the guest from the next boundary on. VX_ERR_UNSUPPORTED, logged: the host has no translator, or
 * the guest was started under the interpreter without config.debug, with a CPU that the host need not have. */
VX_MUST_USE vx_err vx_machine_set_engine(struct vx_machine *machine, enum vx_engine engine);
/* Is vcpu->retired exact from here on: under the interpreter and the counted clock, or because the debugger wants it?
 * */
bool vx_machine_counts(const struct vx_machine *machine);
/* Was it ever since power-on? */
bool vx_machine_counted(const struct vx_machine *machine);
enum vx_engine vx_machine_engine(const struct vx_machine *machine);

/* A device's registers as a debugger shows them: each element of each field; no side effects. `device` is the beginning
 * of a word of its name ("pic", "ide") or what people call it ("rtc"). False when there is none. Several may match. */
bool vx_machine_describe(const struct vx_machine *machine, const char *device, vx_field_fn *fn, void *opaque);
void vx_machine_each_device(const struct vx_machine *machine,
                            void (*fn)(void *opaque, const char *name, bool described), void *opaque);

/* What head 0 shows now, drawn from its registers whether or not there is a display; nobody notices. A blanked screen
 * is black, in the size of its mode. The caller frees picture->pixels. Errors: NO_MEMORY. */
VX_MUST_USE vx_err vx_machine_picture(struct vx_machine *machine, struct vx_picture *picture);

struct vx_debug *vx_machine_debug(struct vx_machine *machine);
struct vx_clock *vx_machine_clock(struct vx_machine *machine);
/* NULL when there is no translator; its part for the processor. */
struct vx_bt *vx_machine_bt(struct vx_machine *machine);
struct vx_bt_cpu *vx_machine_bt_cpu(struct vx_machine *machine);
/* One number for CPU and memory, while not running; equal under both engines. */
uint64_t vx_machine_state_hash(struct vx_machine *machine);

/* Whether the first processor is in the BIOS's own code, which has not been changed; for back ends that are called
 * because of what it does. Machine thread. */
bool vx_machine_runs_bios(struct vx_machine *machine);

struct vx_vcpu *vx_machine_vcpu(struct vx_machine *machine);
struct vx_pmap *vx_machine_pmap(struct vx_machine *machine);
struct vx_stats *vx_machine_stats(struct vx_machine *machine);
struct vx_bus *vx_machine_bus(struct vx_machine *machine);

#endif
