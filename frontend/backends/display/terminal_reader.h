/* terminal_reader.h - a thread that reads a descriptor and hands the bytes to the machine thread through the loop.
 *
 * One chunk is under way at a time: the next is read when the one before was handed over and the consumer is ready, so
 * a pipe's writer feels the guest's back-pressure. At the end of the input the thread ends; nothing else happens.
 * With `listen_fd` it first waits for a connection there, and at the end of that one's input for the next: one at a
 * time, the others wait to be accepted.
 * Thread rule: all functions and callbacks on the machine thread. */
#ifndef VX86_FRONTEND_TERMINAL_READER_H
#define VX86_FRONTEND_TERMINAL_READER_H

#include "vx86/log.h"
#include "vx86/loop.h"

struct terminal_reader;

#define VX_TERMINAL_READER_MAX_CHUNK 1024

struct terminal_reader_config {
    struct vx_log *log;
    struct vx_loop *loop;
    int fd;       /* -1: `listens` */
    bool listens; /* connections are taken from `listen_fd`, a socket that does not block */
    int listen_fd;
    size_t chunk_bytes; /* most bytes at a time, 1 to VX_TERMINAL_READER_MAX_CHUNK */
    unsigned gap_ms;    /* wait after a full chunk: paces what is pasted */
    unsigned pause_ms;  /* on_pause() after so long without input; 0: never */
    int resize_fd;      /* on_resize() when readable; -1: none */
    /* Returns whether the next chunk may be read now; if not, terminal_reader_continue() says when. */
    bool (*on_bytes)(void *opaque, const uint8_t *bytes, size_t count);
    void (*on_pause)(void *opaque);
    void (*on_resize)(void *opaque);
    /* `fd` has connected and is the consumer's to close; -1: its input has ended. For a reader that `listens`. */
    void (*on_peer)(void *opaque, int fd);
    void *opaque;
};

/* Errors, logged: NO_MEMORY, IO. */
VX_MUST_USE vx_err terminal_reader_create(const struct terminal_reader_config *config, struct terminal_reader **out);
/* Joins the thread. While the machine does not run; runs what is still posted to the loop. */
void terminal_reader_destroy(struct terminal_reader *reader);

void terminal_reader_continue(struct terminal_reader *reader);

#endif
