/* engines.c - runs a program on both engines. */
#include "diff.h"

#include "world.h"

void engines_create(struct engines *engines, const struct vx_bt_config *options)
{
    memset(engines, 0, sizeof *engines);
    rig_create(&engines->interp, NULL);
    rig_create(&engines->bt, options);
    engines->world = world_create();
}

void engines_renew(struct engines *engines, const struct vx_bt_config *options)
{
    rig_destroy(&engines->bt);
    rig_create(&engines->bt, options);
}

void engines_destroy(struct engines *engines)
{
    rig_destroy(&engines->interp);
    rig_destroy(&engines->bt);
    world_destroy(engines->world);
}

bool engines_agree(struct engines *engines, const struct program *program, struct difference *found)
{
    found->text[0] = '\0';
    world_build(engines->world, program);
    world_start(engines->world, &engines->interp, program);
    enum rig_end expected = rig_run(&engines->interp, ENGINES_BUDGET);
    if (expected == RIG_ENDLESS) {
        engines->endless++;
        return true;
    }
    world_start(engines->world, &engines->bt, program);
    enum rig_end got = rig_run(&engines->bt, ENGINES_BUDGET);
    engines->compared++;
    if (got == RIG_ENDLESS)
        snprintf(found->text, sizeof found->text, "does not end, at eip %llx",
                 (unsigned long long)engines->bt.vcpu->rip);
    else
        difference_find(&engines->interp, &engines->bt, &program->setup, found);
    if (found->text[0] == '\0')
        return true;
    if (program_is_defined(engines, program))
        return false;
    engines->undefined++;
    return true;
}
