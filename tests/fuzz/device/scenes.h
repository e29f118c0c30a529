/* scenes.h - what scenes are written with. A scene appends some operations that use one chip as software would:
 * registers in their order, tables in memory, time to pass; now and then with a value that makes no sense. */
#ifndef VX86_TESTS_FUZZ_DEVICE_SCENES_H
#define VX86_TESTS_FUZZ_DEVICE_SCENES_H

#include "device.h"

struct scene {
    struct rng *rng;
    struct program *program;
};

#define CHIP(name, use, sources) void use(struct scene *s);
#include "chips.def"
#undef CHIP

/* What is appended behind OPS_MAX gets lost. */
void add(struct scene *s, struct op op);

static inline uint32_t below(struct scene *s, uint32_t n)
{
    return rng_below(s->rng, n);
}
static inline bool chance(struct scene *s, uint32_t n)
{
    return one_in(s->rng, n);
}
static inline uint32_t any(struct scene *s)
{
    return (uint32_t)(rng_next(s->rng) >> 20);
}
/* One of the bytes. */
#define PICK(s, array) ((array)[below(s, (uint32_t)VX_ARRAY_LEN(array))])

static inline void out(struct scene *s, uint32_t port, uint32_t value)
{
    add(s, (struct op){ .kind = OP_OUT, .size = 1, .at = port, .value = value & 0xFF });
}
static inline void out_sized(struct scene *s, uint32_t port, unsigned size, uint32_t value)
{
    add(s, (struct op){ .kind = OP_OUT, .size = (uint8_t)size, .at = port, .value = value });
}
static inline void in_sized(struct scene *s, uint32_t port, unsigned size)
{
    add(s, (struct op){ .kind = OP_IN, .size = (uint8_t)size, .at = port });
}
static inline void in(struct scene *s, uint32_t port)
{
    in_sized(s, port, 1);
}
static inline void outs(struct scene *s, uint32_t port, unsigned size, uint32_t count, uint32_t memory)
{
    add(s,
        (struct op){ .kind = OP_OUTS, .size = (uint8_t)size, .count = (uint16_t)count, .at = port, .memory = memory });
}
static inline void ins(struct scene *s, uint32_t port, unsigned size, uint32_t count, uint32_t memory)
{
    add(s,
        (struct op){ .kind = OP_INS, .size = (uint8_t)size, .count = (uint16_t)count, .at = port, .memory = memory });
}
static inline void store(struct scene *s, uint32_t phys, unsigned size, uint32_t value)
{
    add(s, (struct op){ .kind = OP_STORE, .size = (uint8_t)size, .at = phys, .value = value });
}
static inline void load(struct scene *s, uint32_t phys, unsigned size)
{
    add(s, (struct op){ .kind = OP_LOAD, .size = (uint8_t)size, .at = phys });
}
/* Until (byte & mask) == want. */
static inline void poll_port(struct scene *s, uint32_t port, unsigned mask, unsigned want)
{
    add(s, (struct op){ .kind = OP_POLL, .size = 1, .count = 200, .at = port, .value = mask << 8 | want });
}
static inline void pass(struct scene *s, uint32_t ns)
{
    add(s, (struct op){ .kind = OP_PASS, .size = 1, .value = ns });
}
static inline void host(struct scene *s, enum host_event event, uint32_t value)
{
    add(s, (struct op){ .kind = OP_HOST, .size = 1, .at = event, .value = value });
}
static inline void cpu(struct scene *s, enum cpu_event event, uint32_t value)
{
    add(s, (struct op){ .kind = OP_CPU, .size = 1, .at = event, .value = value });
}

/* ---- scenes.c */

/* Values that mean something somewhere are likelier than noise. */
uint32_t likely(struct scene *s);
/* An address in RAM, video memory, ROM, or anywhere. */
uint32_t memory(struct scene *s);
/* A place in RAM for tables and data, aligned to 16, where the guest has nothing of its own. */
uint32_t buffer(struct scene *s);
/* PCI configuration space: function as device << 3 | function. */
void config_write(struct scene *s, unsigned function, unsigned reg, unsigned size, uint32_t value);
void config_read(struct scene *s, unsigned function, unsigned reg, unsigned size);
/* An interrupt is taken and acknowledged, or not. */
void interrupt(struct scene *s);

enum {
    FN_HOST = 0,
    FN_ISA = 1 << 3,
    FN_IDE = 1 << 3 | 1,
    FN_PM = 1 << 3 | 3,
    FN_VGA = 2 << 3,
    FN_AC97 = 6 << 3,
    FN_ES1370 = 7 << 3,
    FN_CARD = CARD_SLOT << 3
};

/* scenes_ide.c: the ports answer, the bus master is at C000h. */
void ide_set_up(struct scene *s);

#endif
