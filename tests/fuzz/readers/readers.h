/* readers.h - everything in vx86 that reads what others have written: files, peers, the user's words.
 *
 *     readers.def  the readers, a row each
 *     read_*.c     the readers: what a good input looks like, and how one is read
 *     mutate.c     an input from others
 *     main.c       vx86-readfuzz: one input after the other, those that reach something new are kept and changed */
#ifndef VX86_TESTS_FUZZ_READERS_H
#define VX86_TESTS_FUZZ_READERS_H

#include <stdio.h>

#include "rng.h"
#include "vx86/log.h"

enum { INPUT_BYTES = 1 << 15 };

struct input {
    size_t bytes;
    uint8_t at[INPUT_BYTES];
};

struct reader {
    const char *name;
    const char *const *words; /* that mean something to it, NULL at the end; NULL: it reads binary data */
    unsigned renew;           /* after so many inputs the state is made anew; 0: never */
    void *(*create)(struct vx_log *log);
    void (*destroy)(void *state);
    /* The n-th good input; false behind the last. */
    bool (*seed)(unsigned n, struct input *out);
    void (*read)(void *state, const uint8_t *at, size_t bytes);
};

#define READER(name) extern const struct reader reader_##name;
#include "readers.def"
#undef READER

/* ---- mutate.c */

void input_mutate(struct input *out, const struct input *one, const struct input *other, const struct reader *reader,
                  struct rng *rng);

/* ---- for the readers */

void input_add(struct input *input, const void *at, size_t bytes);
void input_text(struct input *input, const char *text);
void input_zeros(struct input *input, size_t bytes);
void input_put16(struct input *input, size_t off, uint16_t value);
void input_put32(struct input *input, size_t off, uint32_t value);

/* read_machine.c: a small guest that counts up a word for ever, with a debugger's core. */
struct machine_rig;
struct vx_machine;
struct machine_rig *machine_rig_create(struct vx_log *log);
void machine_rig_destroy(struct machine_rig *rig);
struct vx_machine *machine_rig_machine(struct machine_rig *rig);
struct vx_loop *machine_rig_loop(struct machine_rig *rig);
/* Runs the guest for a short while, or until somebody ends it, and puts it back to its beginning. */
void machine_rig_run(struct machine_rig *rig);

#endif
