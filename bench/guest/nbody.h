/* nbody.h - a sun and four planets in double precision; x87.c and sse.c compile it for their registers. */
#ifndef BENCH_NBODY_H
#define BENCH_NBODY_H

#include "rt.h"

enum { BODIES = 5 };

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static inline void nbody_init(struct body *bodies)
{
    for (unsigned i = 0; i < BODIES; i++) {
        double r = 1.5 * i;
        bodies[i] = (struct body){ .x = r,
                                   .y = 0.25 * i,
                                   .z = 0.125 * i,
                                   .vy = i == 0 ? 0.0 : 1.0 / (1.0 + 0.5 * i),
                                   .vz = 0.01 * i,
                                   .mass = i == 0 ? 2.0 : 0.001 * i };
    }
}

static inline void nbody_step(struct body *bodies, double dt)
{
    for (unsigned i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (unsigned k = i + 1; k < BODIES; k++) {
            struct body *b = &bodies[k];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz + 0.01;
            double pull = dt / (square * __builtin_sqrt(square));
            a->vx -= dx * b->mass * pull;
            a->vy -= dy * b->mass * pull;
            a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull;
            b->vy += dy * a->mass * pull;
            b->vz += dz * a->mass * pull;
        }
    }
    for (unsigned i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static inline uint32_t nbody_run(struct bench *bench)
{
    struct body bodies[BODIES];
    nbody_init(bodies);
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++)
        nbody_step(bodies, 0.001);
    union {
        double value;
        uint32_t word[2];
    } bits = { .value = bodies[1].x + bodies[2].y };
    return bits.word[0] ^ bits.word[1];
}

#endif
