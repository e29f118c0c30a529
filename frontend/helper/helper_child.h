/* helper_child.h - the helper's side of helper.h: what a program needs that helps a machine from beside it.
 *
 *     int window_helper(struct helper_child *child, int argc, char **argv)
 *     {
 *         if (... no library ...)
 *             return helper_child_fail(child, "SDL2 is not installed; install libsdl2-2.0-0");
 *         helper_child_ready(child);
 *         for (;;) {
 *             ... wait for helper_child_fd() and whatever else there is ...
 *             while ((news = helper_child_take(child, &message)) == HELPER_MESSAGE)
 *                 ...
 *             if (news == HELPER_GOODBYE)
 *                 return 0;
 *         }
 *     }
 *
 * Thread rule: one thread takes, one thread sends; they may be two. */
#ifndef VX86_HELPER_CHILD_H
#define VX86_HELPER_CHILD_H

#include "vx86/compiler.h"

/* Descriptors that a helper is born with. */
#define HELPER_CHILD_SOCKET 3
#define HELPER_CHILD_SHARED 4

struct helper_child;

struct helper_message {
    unsigned type;
    const uint8_t *payload; /* until the next helper_child_take() */
    size_t bytes;
};

enum helper_news {
    HELPER_NOTHING, /* no whole message is there */
    HELPER_MESSAGE,
    HELPER_GOODBYE, /* the machine's process wants the helper to end, or has gone */
};

/* `argv` without the program's name and "helper": the helper's name, its arguments. Returns the process's exit status.
 * One line on standard error: there is no such helper, or nobody has started it as one. */
struct helper_row {
    const char *name;
    int (*run)(struct helper_child *child, int argc, char **argv); /* argv[0] is the name */
};
int helper_child_main(const struct helper_row *rows, size_t count, int argc, char **argv);

/* Everything is open: the machine's process goes on. */
void helper_child_ready(struct helper_child *child);
/* Instead of helper_child_ready(): one line for the user, with the remedy. Returns the exit status to return. */
int helper_child_fail(struct helper_child *child, const char *line);

/* Readable when helper_child_take() may have something. */
int helper_child_fd(const struct helper_child *child);
/* Never waits. */
enum helper_news helper_child_take(struct helper_child *child, struct helper_message *message);
/* Waits for a message. */
enum helper_news helper_child_wait(struct helper_child *child, struct helper_message *message);

/* Waits while the machine's process lags behind. False: it has gone. */
bool helper_child_send(struct helper_child *child, unsigned type, const void *payload, size_t bytes);
/* Sends the whole message or, false, nothing of it: the machine's process lags behind, or has gone. */
bool helper_child_try_send(struct helper_child *child, unsigned type, const void *payload, size_t bytes);

#endif
