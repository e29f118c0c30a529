/* verify_chain.c - exits that have been patched: into jumps to another unit, and back. */
#include "verify.h"

#include <inttypes.h>

#include <stdio.h>

#include "verify_decode.h"

static bool chain_fails(struct bt_verdict *verdict, const struct bt_exit *exit, const char *why)
{
    verdict->rule = RULE_EXIT;
    verdict->off = exit->patch_off - exit->from->entry;
    snprintf(verdict->text, sizeof verdict->text,
             "exit: the patched exit of the unit at eip %08" PRIx64 " to %08" PRIx64 ": %s\n", exit->from->eip,
             exit->target_eip, why);
    return false;
}

/* The branch that ends in the rel32 at the patched place, as it will run. */
static bool branch_at(struct bt_verifier *v, uint32_t patch_off, struct vf_insn *in)
{
    const uint8_t *code = v->code->rx;
    for (uint32_t opcode = 1; opcode <= 2; opcode++) {
        if (vf_decode_host(v, code, patch_off + 4, patch_off - opcode, in) && in->known &&
            in->off + in->len == patch_off + 4 && in->op[0].kind == OP_IMM &&
            (in->def.kind == K_JMP || in->def.kind == K_JCC))
            return true;
    }
    return false;
}

bool bt_verify_exit(struct bt_verifier *v, const struct bt_exit *exit, struct bt_verdict *verdict)
{
    const struct bt_tu *from = exit->from, *to = exit->to;
    struct vf_insn in;
    verdict->rule = RULE_NONE;
    if (exit->patch_off < from->entry || exit->patch_off + 4 > from->entry + from->host_bytes)
        return chain_fails(verdict, exit, "lies outside of its unit");
    if (!branch_at(v, exit->patch_off, &in))
        return chain_fails(verdict, exit, "is no branch");
    uint32_t goes_to = (uint32_t)in.op[0].value;
    if (to == NULL)
        return goes_to == exit->cold_off || chain_fails(verdict, exit, "does not go to its cold part");
    if (from->dead || to->dead || to->mode != from->mode || to->cs_base != from->cs_base ||
        to->cs_limit != from->cs_limit)
        return chain_fails(verdict, exit, "leads from or to a unit that is dead or of another mode");
    if (to->eip != exit->target_eip || goes_to != to->entry || bt_code_find(v->code, goes_to) != to)
        return chain_fails(verdict, exit, "does not go to the entry of the unit for its address");
    return true;
}
