/* backend.h - what devices ask of the host: the interfaces between the guest's devices and the user's side of them.
 *
 * Each interface is a struct that the host's side owns (the frontend, or a test): `ops` with `opaque` is what the host
 * does, a constant table and its instance. Where news comes back, the struct also has the device's side: a constant
 * table of what the device does and the device itself, put there by vx_..._attach() for the device's life. The host's
 * side outlives the device. Devices never see a file, a terminal or a window.
 *
 * Thread rule: all calls in both directions are on the machine thread, never from inside each other but where said. A
 * back end with threads of its own comes back through vx_loop_post(). No call waits for the user or the network;
 * what may wait is said at the call.
 *
 * Back-pressure: a `receive` that takes less than it was offered leaves the rest with the host's side, which offers it
 * again when the device calls `can_receive`. */
#ifndef VX86_BACKEND_H
#define VX86_BACKEND_H

#include "vx86/err.h"
#include "vx86/loop.h"

/* ---- block ------------------------------------------------------------------------------------------------------ */

enum vx_block_op { VX_BLOCK_READ, VX_BLOCK_WRITE, VX_BLOCK_FLUSH, VX_BLOCK_DISCARD, VX_BLOCK_WRITE_ZEROES };

/* Owned by the device, left alone until done() has been called. off/bytes are multiples of 512 (2048 for CD-ROM media)
 * and lie inside the medium. FLUSH completes when all writes completed before it are on stable storage (fdatasync).
 * DISCARD says that the range's content does not matter any more: what is read there afterwards is what was there or
 * zeros. WRITE_ZEROES makes it zeros, where the medium can without storing them. Both have no buffer. */
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
     * carried out in order. There is no limit to requests under way: the device's own is the back-pressure. */
    void (*submit)(void *opaque, struct vx_block_request *request);
    /* By the owner, never by the device; no request is under way. */
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

struct vx_char_ops {
    /* Bytes from the guest; takes all of them. While the reader of a pipe does not read, the guest waits here. */
    void (*write)(void *opaque, const uint8_t *bytes, size_t count);
    /* The device has room again; may call receive(). NULL: no input ever comes. */
    void (*can_receive)(void *opaque);
};

struct vx_char_device_ops {
    /* Bytes from the host: takes up to `count`, returns how many. */
    size_t (*receive)(void *device, const uint8_t *bytes, size_t count);
};

struct vx_char {
    const struct vx_char_ops *ops;
    void *opaque;
    const struct vx_char_device_ops *device_ops; /* NULL: no device, or one that only writes */
    void *device;
};

/* The device's side, for its life; NULL and NULL at its end. */
static inline void vx_char_attach(struct vx_char *chr, const struct vx_char_device_ops *ops, void *device)
{
    chr->device_ops = ops;
    chr->device = device;
}
/* The host's side offers bytes. Returns how many were taken, 0 while there is no device. */
static inline size_t vx_char_receive(const struct vx_char *chr, const uint8_t *bytes, size_t count)
{
    return chr->device_ops != NULL ? chr->device_ops->receive(chr->device, bytes, count) : 0;
}

/* ---- display ---------------------------------------------------------------------------------------------------- */

struct vx_text_cell {
    uint8_t ch, attr;
};

/* What is to be seen now on one head. In text modes `cells` is columns x rows, row by row; in graphics modes, and in
 * text modes for a display that wants pixels, `pixels` is width x height of 0x00RRGGBB. Blanked screens have both NULL.
 * Borrowed for the call. */
struct vx_screen {
    unsigned columns, rows;
    unsigned cursor_column, cursor_row;
    bool cursor_visible;
    bool blink; /* text: attribute bit 7 blinks the character; otherwise it makes the background bright */
    const struct vx_text_cell *cells;
    unsigned width, height;
    const uint32_t *pixels;
};

struct vx_rect {
    unsigned x, y, width, height;
};

/* A picture by itself: width x height of 0x00RRGGBB, line by line, from malloc(); its owner frees it. */
struct vx_picture {
    unsigned width, height;
    uint32_t *pixels;
};

#define VX_MAX_DIRTY 16u
/* An update of one head. All that differs from the update before lies in `dirty`: rectangles that do not overlap, from
 * top to bottom, in pixels where there are pixels, else in cells; as long as the size of the picture. A picture of
 * another size, or the first after a blank one, is dirty as a whole. Without cells and pixels there are none. */
struct vx_update {
    unsigned head;
    const struct vx_screen *screen;
    const struct vx_rect *dirty;
    unsigned dirty_count;
};

struct vx_display_ops {
    /* Called at most 30 times a second for each head, only when something has changed. */
    void (*update)(void *opaque, const struct vx_update *update);
};

struct vx_display_device_ops {
    /* The head's next update is to be the whole picture, and is to come soon. */
    void (*refresh)(void *device, unsigned head);
};

#define VX_MAX_HEADS 4u
struct vx_display {
    const struct vx_display_ops *ops;
    void *opaque;
    bool wants_pixels; /* false: graphics modes come with pixels NULL and width, height set */
    struct {           /* one for each picture that devices make; ops NULL: its device is gone */
        const struct vx_display_device_ops *ops;
        void *device;
    } head[VX_MAX_HEADS];
    unsigned heads;
};

/* The device's side: another head. Returns its number, VX_MAX_HEADS when there is no room. */
static inline unsigned vx_display_attach(struct vx_display *display, const struct vx_display_device_ops *ops,
                                         void *device)
{
    if (display->heads == VX_MAX_HEADS)
        return VX_MAX_HEADS;
    display->head[display->heads].ops = ops;
    display->head[display->heads].device = device;
    return display->heads++;
}
static inline void vx_display_detach(struct vx_display *display, unsigned head)
{
    display->head[head].ops = NULL;
}
/* The host's side asks for everything anew. */
static inline void vx_display_refresh(const struct vx_display *display, unsigned head)
{
    if (head < display->heads && display->head[head].ops != NULL)
        display->head[head].ops->refresh(display->head[head].device, head);
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

/* Which of the guest's devices an event is for. */
enum vx_input_kind { VX_INPUT_KEYBOARD, VX_INPUT_RELATIVE, VX_INPUT_ABSOLUTE, VX_INPUT_KINDS };

enum {
    VX_BUTTON_LEFT = 1u << 0,
    VX_BUTTON_RIGHT = 1u << 1,
    VX_BUTTON_MIDDLE = 1u << 2,
    VX_BUTTON_BACK = 1u << 3,
    VX_BUTTON_FORWARD = 1u << 4,
};
enum { VX_LED_SCROLL = 1u << 0, VX_LED_NUM = 1u << 1, VX_LED_CAPS = 1u << 2 };
#define VX_POINTER_MAX 32767 /* right or lower edge, absolute */

/* RELATIVE: x to the right and y downwards, in counts, since the last event. ABSOLUTE: the place on the head's
 * picture, 0 to VX_POINTER_MAX each way. */
struct vx_pointer {
    int x, y;
    unsigned head;    /* absolute */
    int wheel;        /* steps towards the user since the last event */
    unsigned buttons; /* VX_BUTTON_*: which are down now */
};

struct vx_input_device_ops {
    /* Of a KEYBOARD. A key by its IBM set 1 make code; extended keys (E0) have bit 8 set: Right Ctrl is 11Dh, Print
     * Screen 137h, Pause 145h. A key that is held repeats by itself, as fast as the guest has set it: pressing it again
     * does nothing. What the guest's keyboard has no room for is lost, as on a real one. */
    void (*key)(void *device, unsigned set1_code, bool down);
    /* Of the two pointers. Movement that the guest has not yet had is summed up. */
    void (*pointer)(void *device, const struct vx_pointer *event);
};

struct vx_input_ops {
    /* VX_LED_*: what the guest's keyboard shows, at each change and after each reset. */
    void (*leds)(void *opaque, unsigned leds);
};

/* The user's keyboard and pointer; where several windows and terminals have some, all of them feed this one. */
struct vx_input {
    const struct vx_input_ops *ops; /* NULL: nobody looks at the LEDs */
    void *opaque;
    struct { /* by kind; ops NULL: the guest has no such device now, its events are dropped */
        const struct vx_input_device_ops *ops;
        void *device;
    } guest[VX_INPUT_KINDS];
};

/* The device's side, for its life; ops NULL at its end. */
static inline void vx_input_attach(struct vx_input *input, enum vx_input_kind kind,
                                   const struct vx_input_device_ops *ops, void *device)
{
    input->guest[kind].ops = ops;
    input->guest[kind].device = device;
}
static inline void vx_input_leds(const struct vx_input *input, unsigned leds)
{
    if (input->ops != NULL)
        input->ops->leds(input->opaque, leds);
}
/* The host's side. A window that has an absolute pointer asks which kinds the guest has now. */
static inline bool vx_input_has(const struct vx_input *input, enum vx_input_kind kind)
{
    return input->guest[kind].ops != NULL;
}
static inline void vx_input_key(const struct vx_input *input, unsigned set1_code, bool down)
{
    if (vx_input_has(input, VX_INPUT_KEYBOARD))
        input->guest[VX_INPUT_KEYBOARD].ops->key(input->guest[VX_INPUT_KEYBOARD].device, set1_code, down);
}
/* `kind`: RELATIVE or ABSOLUTE. */
static inline void vx_input_pointer(const struct vx_input *input, enum vx_input_kind kind,
                                    const struct vx_pointer *event)
{
    if (vx_input_has(input, kind))
        input->guest[kind].ops->pointer(input->guest[kind].device, event);
}

/* ---- network ----------------------------------------------------------------------------------------------------- */

/* An Ethernet frame from its destination address on, without FCS, checksums of higher layers complete; short ones are
 * not padded. */
#define VX_NET_FRAME_MIN 14u
#define VX_NET_FRAME_MAX 1518u /* with one VLAN tag */

struct vx_net_ops {
    /* A frame from the guest, borrowed for the call. False: no room now; the device keeps it, stops sending, and tries
     * again when the host calls can_send(). Frames that the host cannot use are taken and dropped. */
    bool (*send)(void *opaque, const uint8_t *frame, size_t bytes);
    /* The device has room again; may call receive(). */
    void (*can_receive)(void *opaque);
};

struct vx_net_device_ops {
    /* A frame from the host, borrowed for the call. False: no room; the host's side keeps it, and what comes behind
     * it, until can_receive(). A device that the guest has not switched on takes frames and drops them. */
    bool (*receive)(void *device, const uint8_t *frame, size_t bytes);
    /* After a send() that was refused; may call send(). */
    void (*can_send)(void *device);
    /* The cable was plugged in or pulled out: `link_up` has changed. */
    void (*link_changed)(void *device);
};

struct vx_net {
    const struct vx_net_ops *ops;
    void *opaque;
    bool link_up;                               /* the host's side sets it, and tells by link_changed() */
    const struct vx_net_device_ops *device_ops; /* NULL: no device now, frames from the host are dropped */
    void *device;
};

static inline void vx_net_attach(struct vx_net *net, const struct vx_net_device_ops *ops, void *device)
{
    net->device_ops = ops;
    net->device = device;
}

/* ---- audio ------------------------------------------------------------------------------------------------------- */

enum vx_sample { VX_SAMPLE_U8, VX_SAMPLE_S16, VX_SAMPLE_S32 }; /* little-endian */

/* One sample of each channel is a frame; channels are interleaved, left first. */
struct vx_audio_format {
    uint32_t rate_hz; /* 4000 to 192000, any */
    uint8_t channels; /* 1 or 2 */
    enum vx_sample sample;
};

/* The guest's clock sets the pace, never the host's: the device moves frames when their guest time has come, the host's
 * side buffers and resamples. So there is no back-pressure, and a guest cannot hear, or see, how fast the host is. */
struct vx_audio_ops {
    /* Stream `stream` (0 to streams - 1) begins, or goes on in another format. */
    void (*start)(void *opaque, unsigned stream, const struct vx_audio_format *format);
    void (*stop)(void *opaque, unsigned stream);
    /* An output stream's next frames, all taken; the first of them sounds at `guest_ns` of the machine's clock. A gap
     * between two calls is silence. */
    void (*play)(void *opaque, unsigned stream, const void *frames, size_t count, uint64_t guest_ns);
    /* An input stream's next frames; always `count`, silence where the host has none. NULL: the host has no input. */
    void (*record)(void *opaque, unsigned stream, void *frames, size_t count, uint64_t guest_ns);
    /* 0 to 65535 for each channel; until it is called, 65535. */
    void (*volume)(void *opaque, unsigned stream, uint16_t left, uint16_t right);
};

struct vx_audio {
    const struct vx_audio_ops *ops;
    void *opaque;
    unsigned streams; /* that the host's side can have at once */
};

#endif
