/* pc.h - the machine's own struct and what its files tell each other.
 *
 *   pc.c         creation and destruction, the public odds and ends: start reading here
 *   pc_memory.c  RAM, ROM and VGA window in the physical map; what has no backing goes to the bus
 *   pc_board.c   the schematic: every chip and what each of its wires is connected to
 *   pc_setup.c   what firmware is told: CMOS bytes, fw_cfg items, boot order
 *   pc_sound.c   the speaker, sound cards, and which streams of the back end they have
 *   pc_floppy.c  the floppy controller and its drives, another disk while the machine runs
 *   pc_run.c     the machine's turn: work, timers, requests, sleep; resets and ends
 *   pc_stuck.c   what the user is told of triple faults, boot loops and HLT for good
 *   pc_cpu.c     a processor's turn: events, engine; what it asks of the machine
 *   pc_time.c    when the engine must come back; pc_disk_time.c: disks in the guest's time; pc_hash.c
 *   pc_debug.c   what a debugger needs of the machine
 *   pc_lockstep.c  the interpreter follows the translator and is compared with it
 *
 *   I1  devices[] is in order of creation: a chip uses only chips before it, so destruction goes backwards.
 *   I2  A device callback never ends or resets the machine itself: it leaves a request in `pending`, which the loop
 *       carries out between two instructions. */
#ifndef VX86_MACHINE_PC_H
#define VX86_MACHINE_PC_H

#include "ac97.h"
#include "debug_exit.h"
#include "debugcon.h"
#include "es1370.h"
#include "floppy.h"
#include "fpu_error.h"
#include "fw_cfg.h"
#include "i440fx.h"
#include "i8042.h"
#include "i8237.h"
#include "ide.h"
#include "ioapic.h"
#include "lapic.h"
#include "mc146818.h"
#include "pc_cpu.h"
#include "pc_speaker.h"
#include "pc_stuck.h"
#include "pc_testdev.h"
#include "pci.h"
#include "pic8259.h"
#include "piix3.h"
#include "piix4_pm.h"
#include "pit8254.h"
#include "port61.h"
#include "port92.h"
#include "sb16.h"
#include "uart16550.h"
#include "vga.h"
#include "vmmouse.h"
#include "vx86/firmware.h"
#include "vx86/machine.h"

#define PC_MAX_DEVICES       48
#define PC_ISA_IRQS          16
#define PC_DISKS             (VX_MAX_IDE + VX_MAX_FLOPPIES) /* IDE positions, then floppy drives */
/* the guest's time-stamp counter ticks in nanoseconds of the machine's clock */
#define PC_TSC_HZ            1000000000ull
#define PC_BIOS_WINDOW_BYTES 0x20000u /* E0000h-FFFFFh */

/* Inputs of the wired-OR ISA interrupt lines. */
enum pc_irq_source { PC_IRQ_DEVICE, PC_IRQ_PIRQ, PC_IRQ_SCI, PC_IRQ_TEST, PC_IRQ_SOUND };

/* What the loop has been asked to do, see I2. */
enum pc_request {
    PC_REQUEST_CPU_RESET = 1u << 0, /* INIT of all processors: port 92h, CF9h, keyboard controller */
    PC_REQUEST_RESET = 1u << 1,     /* the whole machine */
    PC_REQUEST_POWER_OFF = 1u << 2,
    PC_REQUEST_DEBUG_EXIT = 1u << 3,
};
/* INIT of one processor, by its local APIC; above all others. */
#define PC_REQUEST_INIT_OF(number) (1u << (8 + (number)))

enum pc_a20_source { PC_A20_I8042, PC_A20_PORT92 };

/* The wires that several chips drive, as a chip whose state they are. */
struct pc_wires {
    struct irq_or isa[PC_ISA_IRQS];
    struct irq_or a20; /* A20M# released: by the keyboard controller or by port 92h */
};

struct vx_machine {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_clock *clock;
    bool owns_clock;
    enum vx_engine engine;
    bool fits_host; /* the CPU model has nothing that the host lacks: the translator may run */
    bool no_reboot;
    struct pc_stuck stuck;
    struct vx_stats stats;

    struct vx_bus *bus;
    struct vx_pmap *pmap;
    struct pc_cpu cpu[PC_MAX_CPUS]; /* the first is the one that firmware starts on */
    unsigned cpu_count;             /* rows that exist */
    struct pc_cpu *asking;          /* whose port access is being answered, or was last */
    struct vx_bt *bt;               /* NULL while only the interpreter has run */
    struct vx_bt_config bt_config;
    bool always_counts;     /* instructions are counted exactly, not only when the debugger wants it */
    bool uncounted;         /* some have not been */
    struct vx_debug *debug; /* of the first processor */
    const struct vx_debug_wants *debug_wants; /* of `debug` */
    uint32_t bios_window_page;                /* backing of what PCI shows at E0000h-FFFFFh */

    struct pc_wires wires;
    struct ioapic *ioapic;
    struct pic *pic;
    struct i8237 *dma;
    struct pci *pci;
    struct i440fx *bridge;
    struct piix3 *piix3;
    struct piix4_pm *pm;
    struct pit *pit;
    struct pc_speaker *speaker;
    struct rtc *rtc;
    struct fpu_error *fpu_error;
    struct i8042 *i8042;
    struct vga *vga;
    struct ide *ide;
    struct floppy *floppy; /* NULL: there is no floppy drive */
    struct fw_cfg *fw_cfg;
    struct device devices[PC_MAX_DEVICES]; /* I1 */
    unsigned device_count;

    struct pc_lockstep *lockstep;               /* NULL: the engine runs alone */
    struct pc_timed_disk *timed_disk[PC_DISKS]; /* pc_disk_time.c; NULL with a real clock */
    uint64_t hash_every,
        hash_next;    /* a line with the state's hash whenever so many instructions have passed; 0: none */
    uint64_t stop_at; /* the run ends at this instruction count; 0: never */

    uint32_t pending; /* enum pc_request, PC_REQUEST_INIT_OF(), I2 */
    int debug_exit_code;
    uint64_t armed_ns; /* clock time for which the loop's alarm is armed */
    _Atomic bool stop_requested;
    _Atomic int stop_value;
};

/* pc_memory.c */
VX_MUST_USE vx_err pc_memory_create(struct vx_machine *pc, const struct vx_machine_config *config);
/* First address above RAM at which PCI memory may lie. */
uint64_t pc_memory_pci_first(const struct vx_machine *pc);
#define PC_PCI_MEMORY_END 0xFEC00000u

/* pc_sound.c */
/* The speaker, behind the 8254 that it follows and before port 61h, which drives it. */
VX_MUST_USE vx_err pc_sound_create_speaker(struct vx_machine *pc, const struct vx_machine_config *config);
/* The cards, behind the DMA controller. */
VX_MUST_USE vx_err pc_sound_create_cards(struct vx_machine *pc, const struct vx_machine_config *config);

/* pc_board.c */
VX_MUST_USE vx_err pc_board_create(struct vx_machine *pc, const struct vx_machine_config *config);

void pc_own(struct vx_machine *pc, const struct device_type *type, void *instance);

/* pc_floppy.c */
VX_MUST_USE vx_err pc_floppy_create(struct vx_machine *pc, const struct vx_machine_config *config);

/* pc_setup.c */
VX_MUST_USE vx_err pc_setup_firmware(struct vx_machine *pc, const struct vx_machine_config *config);
/* The boot order that config asks for, in SeaBIOS's device paths; always terminated. */
void pc_setup_boot_order(const struct vx_machine_config *config, char *text, size_t bytes);

/* pc_debug.c */
VX_MUST_USE vx_err pc_debug_create(struct vx_machine *pc);
/* Makes the translator unless it is there. */
VX_MUST_USE vx_err pc_create_bt(struct vx_machine *pc);
/* The engine is about to run: whether it counts instructions is as the debugger wants it now. */
void pc_debug_count(struct vx_machine *pc);
/* One instruction by the interpreter, all parts of a REP, for vx_debug_boundary(). */
void pc_debug_step(struct pc_cpu *cpu);
/* Tells the debugger of an access that it wants to hear of. */
static inline void pc_debug_access(struct vx_machine *pc, enum vx_space space, uint64_t at, unsigned bytes, bool write,
                                   uint64_t value)
{
    if (VX_UNLIKELY(space == VX_SPACE_IO ? pc->debug_wants->io : pc->debug_wants->mmio))
        vx_debug_access(pc->debug, space, at, bytes, write ? VX_WATCH_WRITE : VX_WATCH_READ, value);
}

/* pc_run.c */
void pc_request(struct vx_machine *pc, uint32_t request); /* enum pc_request, PC_REQUEST_INIT_OF() */
/* Every processor's attention, VX_ATTN_*; any thread. */
void pc_raise(struct vx_machine *pc, uint32_t attention);
/* pc_time.c: after a device may have armed a timer: makes the engine come back in time. */
void pc_timers_changed(struct vx_machine *pc);
/* Registers the machine with its loop. */
void pc_run_attach(struct vx_machine *pc);
void pc_run_detach(struct vx_machine *pc);

#endif
