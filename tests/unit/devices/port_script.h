/* port_script.h - register scripts: a table of port writes, expected reads, expected lines and passing time. */
#ifndef VX86_TESTS_PORT_SCRIPT_H
#define VX86_TESTS_PORT_SCRIPT_H

#include <stdio.h>

#include "vx86/bus.h"
#include "vx86/clock.h"

enum port_op {
    OUT,   /* write `value` to `at` */
    IN,    /* reading `at` gives `value` */
    LINE,  /* line `at` is at level `value` */
    EDGES, /* line `at` rose `value` times since the last EDGES of that line */
    WAIT,  /* `value` microseconds pass */
    HOST,  /* chip's own: host side event */
};

struct port_step {
    enum port_op op;
    unsigned at, value;
};

#define SCRIPT_LINES 4

struct port_rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_clock *clock;
    bool level[SCRIPT_LINES];
    unsigned rises[SCRIPT_LINES];
    void (*host)(void *opaque, unsigned at, unsigned value);
    void *opaque;
};

static void port_rig_line(void *opaque, unsigned line, bool level)
{
    struct port_rig *rig = opaque;
    if (level && !rig->level[line])
        rig->rises[line]++;
    rig->level[line] = level;
}

static inline struct vx_irq port_rig_irq(struct port_rig *rig, unsigned line)
{
    return (struct vx_irq){ .set = port_rig_line, .opaque = rig, .line = line };
}

static inline void port_rig_init(struct port_rig *rig)
{
    *rig = (struct port_rig){ .log = vx_log_create(stderr) };
    VX_ASSERT(vx_bus_create(rig->log, &rig->stats, &rig->bus) == VX_ERR_OK);
    VX_ASSERT(vx_clock_create_fake(&rig->clock) == VX_ERR_OK);
}

static inline void port_rig_fini(struct port_rig *rig)
{
    vx_bus_destroy(rig->bus);
    vx_clock_destroy(rig->clock);
    vx_log_destroy(rig->log);
}

/* Runs the script; returns whether all expectations held, else describes the first that did not in `what`. */
static inline bool port_script_run(struct port_rig *rig, const struct port_step *steps, size_t count, char what[128])
{
    for (size_t i = 0; i < count; i++) {
        const struct port_step *step = &steps[i];
        unsigned got = step->value;
        switch (step->op) {
        case OUT: vx_bus_write(rig->bus, VX_SPACE_IO, step->at, 1, step->value); break;
        case IN: got = (unsigned)vx_bus_read(rig->bus, VX_SPACE_IO, step->at, 1); break;
        case LINE: got = rig->level[step->at]; break;
        case EDGES:
            got = rig->rises[step->at];
            rig->rises[step->at] = 0;
            break;
        case WAIT: vx_clock_advance(rig->clock, step->value * 1000ull); break;
        case HOST: rig->host(rig->opaque, step->at, step->value); break;
        }
        if (got != step->value) {
            snprintf(what, 128, "step %zu (op %d at %x): got %x, want %x", i, step->op, step->at, got, step->value);
            return false;
        }
    }
    return true;
}

#endif
