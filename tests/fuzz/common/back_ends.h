/* back_ends.h - the host's side of a fuzzer's devices: media in memory, a display that looks at all it is shown, a
 * keyboard with LEDs, a serial line that leads nowhere. What devices must keep is asserted: a request lies inside its
 * medium, rectangles lie inside the picture. */
#ifndef VX86_TESTS_FUZZ_BACK_ENDS_H
#define VX86_TESTS_FUZZ_BACK_ENDS_H

#include "vx86/backend.h"

/* Answers in the loop's posted work. Requests that touch the bytes [bad_from, bad_end) fail. */
struct fuzz_disk {
    struct vx_block block;
    struct vx_loop *loop;
    uint8_t *bytes;
    uint64_t bad_from, bad_end;
};

/* Aborts when the host lacks memory. Zeroed; `bytes` as media have them. */
void fuzz_disk_init(struct fuzz_disk *disk, struct vx_loop *loop, uint64_t bytes);
void fuzz_disk_fini(struct fuzz_disk *disk);

struct vx_char fuzz_char(void);
struct vx_display fuzz_display(void);
struct vx_input fuzz_input(void);
struct vx_audio fuzz_audio(void); /* asserts what devices promise of streams */

#endif
