/* backend.h - what devices ask of the host: block, character and display back ends, and input towards the guest.
 *
 * The frontend implements these (or a test does); devices never see a file or a terminal. All calls in both directions
 * are on the vCPU thread: a back end with threads of its own comes back through vx_loop_post(). */
#ifndef VX86_BACKEND_H
#define VX86_BACKEND_H

#include "vx86/err.h"
#include "vx86/loop.h"

/* ---- block ------------------------------------------------------------------------------------------------------ */

enum vx_block_op { VX_BLOCK_READ, VX_BLOCK_WRITE, VX_BLOCK_FLUSH };

/* Owned by the device, left alone until done() has been called. off/bytes are multiples of 512 (2048 for CD-ROM media)
 * and lie inside the medium. FLUSH completes when all writes completed before it are on stable storage (fdatasync). */
struct vx_block_request {
    enum vx_block_op op;
    uint64_t off_bytes;
    size_t bytes;
    void *buf;
    vx_err result; /* set before done() */
    void (*done)(struct vx_block_request *request);
    void *opaque;        /* the device's */
    struct vx_work work; /* the back end's way home */
    void *backend_private;
};

struct vx_block_ops {
    /* Starts the request; done() is called later, never from inside submit(). Requests to overlapping ranges are
     * carried out in order. */
    void (*submit)(void *opaque, struct vx_block_request *request);
    void (*destroy)(void *opaque);
};

struct vx_block {
    const struct vx_block_ops *ops;
    void *opaque;
    uint64_t bytes;
    bool read_only;
    char name[64]; /* shown in messages and as part of the serial number */
};

/* ---- character -------------------------------------------------------------------------------------------------- */

struct vx_char {
    /* Bytes from the guest; takes all of them. */
    void (*write)(void *opaque, const uint8_t *bytes, size_t count);
    void *opaque;
    /* Set by the device at attach. Bytes from the host: takes up to `count`, returns how many; the back end keeps the
     * rest and offers it again when the device calls can_receive_again (NULL: no input comes). */
    size_t (*receive)(void *device, const uint8_t *bytes, size_t count);
    void *device;
    void (*can_receive_again)(void *opaque);
};

/* ---- display ---------------------------------------------------------------------------------------------------- */

struct vx_text_cell {
    uint8_t ch, attr;
};

/* What is to be seen now. In text modes `cells` is columns x rows, row by row (borrowed for the call); in graphics
 * modes `pixels` is width x height of 0x00RRGGBB. Blanked screens have both NULL. */
struct vx_screen {
    unsigned columns, rows;
    unsigned cursor_column, cursor_row;
    bool cursor_visible;
    bool blink; /* text: attribute bit 7 blinks the character; otherwise it makes the background bright */
    const struct vx_text_cell *cells;
    unsigned width, height;
    const uint32_t *pixels;
};

struct vx_display {
    /* Called at most 30 times a second, only when something changed. */
    void (*update)(void *opaque, const struct vx_screen *screen);
    void *opaque;
    bool wants_pixels; /* false: graphics modes come with pixels NULL and width, height set */
};

#endif
