/* hostile.h - a hostile guest: what vx86-hostile runs, and what must never come of it.
 *
 *     hostile_program.c   from seed and number: guest memory and the CPU's first state
 *     hostile_machine.c   a whole PC with back ends that remember nothing, under a clock that counts instructions
 *     hostile_main.c      one program after the other, a thread that watches the time, the host's memory
 *
 * A program begins in ring 0 and runs for some ten thousand instructions. It may do to the guest whatever it likes; the
 * host must not crash, hang, allocate without bound or touch memory that is not the guest's (the sanitizers look for
 * that, and the verifier at every translation). */
#ifndef VX86_TESTS_FUZZ_HOSTILE_H
#define VX86_TESTS_FUZZ_HOSTILE_H

#include "back_ends.h"
#include "priv.h"
#include "vx86/machine.h"

enum { HOSTILE_RAM_BYTES = 4 << 20, HOSTILE_DISK_BYTES = 1 << 20, HOSTILE_ROM_BYTES = 0x10000, HOSTILE_DISKS = 2 };

struct hostile_machine {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_clock *clock;
    struct vx_machine *machine;
    struct fuzz_disk disk[HOSTILE_DISKS]; /* a disk, a CD-ROM */
    struct vx_char serial;
    struct vx_display display;
    struct vx_input input;
    struct vx_audio audio;
    struct vx_timer end; /* of the program */
    uint8_t rom[HOSTILE_ROM_BYTES];
};

/* Aborts when the host lacks memory. `batch` chooses the translator's options; `messages` gets the machine's log. */
void hostile_machine_create(struct hostile_machine *m, enum vx_engine engine, uint64_t batch, FILE *messages);
void hostile_machine_destroy(struct hostile_machine *m);
/* Runs for at most so many instructions (or as much time as they take). */
enum vx_machine_end hostile_machine_run(struct hostile_machine *m, uint64_t insns);

struct hostile_program {
    struct pf_program privileged;
    struct world *world;
};

/* Resets the machine and fills it. */
void hostile_program_load(struct hostile_program *program, struct hostile_machine *m, uint64_t seed, uint64_t number);

#endif
