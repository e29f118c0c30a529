/* window.h - units whose memory accesses go through a window, which is where the guest's linear addresses are mapped in
 * this process (vx_mmu_open_windows()).
 *
 * Such a unit is of MODE_WINDOW. While it runs, a base register of the host points to the window of the view that its
 * mode names, and a guest instruction accesses memory as itself, relative to that (on x86-64: gs:[reg + reg * scale +
 * disp], with 32-bit addresses). What the
 * window does not let through raises SIGSEGV. Then the instruction is interpreted, and the mmu asked what to do:
 *
 *     filled     the next time the access succeeds; the unit stays
 *     faulted    the guest's tables do not allow it: #PF has been delivered, and the unit stays
 *     declined   (or faulted again and again) the page's soft set gets the instruction's offset, units that contain it
 *                end; in the next ones this instruction alone has a probe, so that a second visit does not fault
 *
 *   I1  Only C changes what is mapped or which window there is, and then makes the running unit leave (must_exit);
 *       bt_window_enter() sets the base register.
 *   I2  Every access through a window is covered by a site of its guest instruction (SITE_WINDOW). */
#ifndef VX86_BT_WINDOW_H
#define VX86_BT_WINDOW_H

#include "insn.h"
#include "page.h"

struct vx_bt_cpu;

enum { BT_WINDOW_RAISED = 256 };

/* The access that has raised the last SIGSEGV, until it has been dealt with. */
struct bt_window_fault {
    bool pending, write, wraps; /* beyond 4 GiB */
    uint64_t lin;
    enum vx_view view;
    uint32_t page, off; /* of the instruction */
};

/* Whose window units of the mode access. */
static inline enum vx_view bt_window_view(uint32_t mode)
{
    return mode & MODE_USER ? VX_VIEW_USER : VX_VIEW_SUPERVISOR;
}

/* Opens windows as config.lowering says; VX_ERR_UNSUPPORTED where it wants them and the host has none. */
vx_err bt_windows_open(struct vx_bt_cpu *cpu);
/* bt_host_enter(), with the window of the mode: keeps I1. */
bool bt_window_enter(struct vx_bt_cpu *cpu, uint32_t entry);
/* Must the instruction at this offset of the backing page have probes? */
bool bt_is_soft(const struct bt_pages *pages, uint32_t page, uint32_t off);
/* Marks which of the n decoded instructions of the unit are soft. */
void bt_mark_soft(struct vx_bt *bt, const struct bt_tu *tu, unsigned n);
/* The instruction of cpu->window_fault has been interpreted: decides about the next time. */
void bt_window_faulted(struct vx_bt_cpu *cpu);

#endif
