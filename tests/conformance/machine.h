/* machine.h - the bare machine of the conformance programs: a vCPU with memory under either engine, and their command
 * line.
 *
 *     PROGRAM [--engine bt|interp] [--stress SEED]
 *
 * Exit status: 0 all exact, 1 differences, 2 wrong use, 77 what is needed is not here (data, a host that can
 * translate). */
#ifndef VX86_TEST_CONFORMANCE_MACHINE_H
#define VX86_TEST_CONFORMANCE_MACHINE_H

#include "vx86/bt.h"

enum { CF_RAM_BYTES = 2 << 20 };
enum { CF_EXACT = 0, CF_DIFFERENT = 1, CF_USAGE = 2, CF_SKIPPED = 77 };

struct cf_machine {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_pmap *pmap;
    struct vx_vcpu *cpu;
    struct vx_bt *bt; /* NULL: interpreter */
    struct vx_bt_cpu *bt_cpu;
    const uint8_t *ram; /* for reading; cf_write() writes */
    char engine[40];    /* for messages: "bt", "interp", "bt, stress 7" */
};

/* Takes the program's options and makes the machine; CF_EXACT, or the exit status to end with after a message. */
int cf_create(struct cf_machine *machine, int argc, char **argv);
void cf_destroy(struct cf_machine *machine);

/* Bytes of memory; the translator is told. */
void cf_write(struct cf_machine *machine, uint32_t phys, const void *bytes, size_t count);

/* Processor as after reset, real mode, all segments at 0. */
void cf_real_mode(struct cf_machine *machine);
void cf_real_segment(struct cf_machine *machine, enum vx_segment seg, uint16_t sel);

/* Runs until HLT; false when it does not come in good time, or a shutdown does. */
bool cf_run(struct cf_machine *machine);

/* FOLDER/NAME of VX86_CONFORMANCE_DATA, unpacked if it ends in .xz; NULL, with a message, when it is not there. A NUL
 * follows the bytes; the caller frees. */
char *cf_data(const char *name, size_t *bytes);

#endif
