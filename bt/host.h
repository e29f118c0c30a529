/* host.h - what a host architecture does for the translator: everything that knows its instructions, registers and
 * signals. Implemented once for each, in a folder of its own (x86_64/); nothing else in bt/ depends on the host.
 *
 * Translated code is entered with the vCPU, whose area (area.h) it reads and writes, and comes back with
 * area->exit_kind and exit_value. Thread rule: machine thread. */
#ifndef VX86_BT_HOST_H
#define VX86_BT_HOST_H

#include "area.h"
#include "code.h"

/* The host's part of a translator: where its stubs are, what its emitters work with. */
struct bt_host;

/* NULL when translated code can run here, else why not. Static storage. */
const char *bt_host_unavailable(void);
/* NULL: no memory. */
struct bt_host *bt_host_create(void);
void bt_host_destroy(struct bt_host *host);

/* ---- code */

/* Writes the code between C and translated code to the start of the code memory; once more when bt->config has changed.
 * No translated code is left then. */
void bt_host_make_stubs(struct vx_bt *bt);
/* What stands at offset `off` there, if that is a place that units lead to; else NULL. Static storage. */
const char *bt_host_stub_name(const struct bt_host *host, uint32_t off);

/* The code of a unit; valid until the next one is emitted. */
struct bt_fragment {
    const uint8_t *code;
    uint32_t bytes;
    const uint32_t
        *start; /* insns + 2 offsets: of the code of each instruction, of the unit's tail, of the part out of line */
    const struct bt_site *sites;
    unsigned site_count;
};
/* Emits the first tu->insns instructions of bt->draft, to run at offset `base`, and describes tu->exit. False: too
 * large for a fragment. */
bool bt_host_emit(struct vx_bt *bt, struct bt_tu *tu, uint32_t base, struct bt_fragment *fragment);
/* Makes the exit's branch lead to offset `target`. No thread runs it meanwhile. */
void bt_host_patch_exit(struct bt_code *code, const struct bt_exit *exit, uint32_t target);

/* ---- running it */

/* Runs translated code from offset `entry` on, until it leaves; the guest's registers, flags and FP state are those
 * of the vCPU before and after. False when attention was asked for before it began. */
bool bt_host_enter(struct vx_bt_cpu *cpu, uint32_t entry);
/* NULL when this host can reach guest memory through windows, else why not. Static storage. */
const char *bt_host_lacks_windows(void);
/* Linear address 0 of accesses through the window is at `base` from now on, on this thread. */
void bt_host_set_window(const uint8_t *base);
/* The guest's arithmetic flags, between the area, in the host's form, and the vCPU's eflags. */
void bt_host_flags_to_vcpu(struct vx_vcpu *vcpu);
void bt_host_flags_from_vcpu(struct vx_vcpu *vcpu);
/* A clock that is cheap to read, at a steady rate. */
uint64_t bt_host_cycles(void);

/* ---- signals, in their handler (hostfault.c) */

/* Has the thread come back to C as if it had left translated code at the site, with this kind. */
void bt_host_signal_leave(struct vx_bt_cpu *cpu, void *context, const struct bt_site *site, enum bt_exit_kind kind);

#endif
