/* pc_lockstep_private.h - the struct behind lockstep, for its own files. Of the machine they know what the config
 * names. */
#ifndef VX86_MACHINE_PC_LOCKSTEP_PRIVATE_H
#define VX86_MACHINE_PC_LOCKSTEP_PRIVATE_H

#include "pc_lockstep.h"
#include "pc_lockstep_feed.h"
#include "pc_lockstep_state.h"

struct pc_lockstep {
    struct pc_lockstep_config config;
    struct vx_log *log, *quiet; /* the follower's own: what both meet is told once */
    struct vx_vcpu *leader, *follower;
    const struct vx_vcpu_ops *ops; /* the leader's machine */
    void *ops_opaque;
    struct vx_pmap *pmap; /* the follower's */
    struct vx_stats stats;
    struct lockstep_memory memory;
    struct feed feed;
    bool cpu_runs;      /* the leader's CPU is running: what it asks for is an access */
    unsigned in_device; /* ... and is inside one now: what reaches memory comes from a device */
    bool differs, access_differs;
    char access_text[160]; /* how the follower's accesses differ */
    uint64_t comparisons, memory_next;
    struct vx_vcpu before; /* the last state in which both were equal; its pointers are not used */
};

/* pc_lockstep_leader.c: the leader's side of the feed. */
extern const struct vx_vcpu_ops lockstep_leader_ops;
extern const struct vx_pmap_observer lockstep_observer;

/* pc_lockstep_follower.c: the follower's side of it; both `opaque` are the lockstep. */
extern const struct vx_vcpu_ops lockstep_follower_ops;
extern const struct vx_pmap_bus_ops lockstep_follower_bus;
/* Applies the news that are next. */
void lockstep_apply_news(struct pc_lockstep *lockstep);

#endif
