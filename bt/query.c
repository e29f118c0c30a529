/* query.c - what the translator tells of its units to a debugger: read only, between runs. */
#include <inttypes.h>

#include "core.h"

static void describe(const struct vx_bt *bt, const struct bt_tu *tu, struct vx_bt_unit *unit)
{
    *unit = (struct vx_bt_unit){ .lin = bt_tu_lin(tu),
                                 .eip = tu->eip,
                                 .mode = tu->mode,
                                 .guest_bytes = tu->guest_bytes,
                                 .insns = tu->insns,
                                 .host = bt->code.rw + tu->entry,
                                 .host_bytes = tu->host_bytes,
                                 .code32 = (tu->mode & MODE_CS32) != 0,
                                 .global = tu->global,
                                 .self_checking = tu->self_checking,
                                 .entered = bt->config.count_units ? tu->entered[0] : 0 };
    for (unsigned i = 0; i < TU_EXITS; i++) {
        unit->exit[i].exists = tu->exit[i].patch_off != 0;
        unit->exit[i].chained = tu->exit[i].to != NULL;
        unit->exit[i].target_eip = tu->exit[i].target_eip;
    }
    for (const struct bt_exit *in = tu->in; in != NULL; in = in->next_in)
        unit->chained_in++;
}

void vx_bt_each_unit(const struct vx_bt *bt, vx_bt_unit_fn *fn, void *opaque)
{
    struct vx_bt_unit unit;
    for (unsigned s = 0; s < BT_SEGMENTS; s++) {
        const struct bt_segment *segment = &bt->code.segment[s];
        for (uint32_t i = 0; i < segment->units; i++) {
            if (segment->sorted[i]->dead)
                continue;
            describe(bt, segment->sorted[i], &unit);
            unit.sites = segment->sorted[i]->site_count;
            unit.token = segment->sorted[i];
            fn(opaque, &unit);
        }
    }
}

bool vx_bt_unit_site(const struct vx_bt_unit *unit, uint32_t off, uint64_t *eip, const char **what)
{
    static const char *const names[] = {
        [SITE_FAULT] = "access", [SITE_WINDOW] = "window", [SITE_POLL] = "poll", [SITE_POLL_INDIRECT] = "poll"
    };
    const struct bt_tu *tu = unit->token;
    for (unsigned i = 0; i < tu->site_count; i++) {
        if (off < tu->sites[i].start || off >= bt_site_end(&tu->sites[i]))
            continue;
        *eip = tu->sites[i].eip;
        *what = names[tu->sites[i].kind];
        return true;
    }
    return false;
}

/* What each lowering makes of an instruction; the rest stands in line. */
static const char *lowering_text(uint8_t lower)
{
    switch (lower) {
    case L_INTERP: return "a step of the interpreter";
    case L_INTERP_END: return "a step of the interpreter, which ends the unit";
    case L_MODRM:
    case L_PLAIN:
    case L_OPREG:
    case L_INCDEC:
    case L_LEA:
    case L_X87:
    case L_SSE: return "runs as itself";
    case L_NOP: return "nothing";
    case L_REP:
    case L_PORT:
    case L_RDTSC:
    case L_RDTSCP:
    case L_INT:
    case L_IRET:
    case L_SYSENTER:
    case L_SYSEXIT: return "a call-out";
    default: return "in line";
    }
}

static const char *share_text(uint8_t share)
{
    static const char *const names[SHARE_SLOTS] = { "shared probe 1", "shared probe 2", "shared probe 3",
                                                    "shared probe 4" };
    return share < SHARE_SLOTS ? names[share] : NULL;
}

bool vx_bt_unit_part(const struct vx_bt *bt, const struct vx_bt_unit *unit, unsigned index, struct vx_bt_part *out)
{
    const struct bt_tu *tu = unit->token;
    if (!bt->config.count_units || index > tu->insns + 1u)
        return false;
    const struct bt_part *part = (const struct bt_part *)(tu->sites + tu->site_count) + index;
    *out = (struct vx_bt_part){ .start = part->start, .end = index <= tu->insns ? part[1].start : tu->host_bytes };
    if (index >= tu->insns)
        return true;
    out->lowering = lowering_text(part->lower);
    if (part->mem)
        out->operand = part->share_mem != SHARE_NONE ? share_text(part->share_mem) : "a probe of its own";
    out->stack = share_text(part->share_stack);
    return true;
}

bool vx_bt_unit_names(const struct vx_bt *bt, const struct vx_bt_unit *unit, uint32_t off, char *text, size_t room)
{
    const struct bt_tu *tu = unit->token;
    if (off < tu->host_bytes)
        return false;
    const char *name = bt_host_stub_name(bt->host, tu->entry + off);
    if (name != NULL) {
        snprintf(text, room, "%s", name);
        return true;
    }
    for (unsigned i = 0; i < TU_EXITS; i++) {
        const struct bt_tu *to = tu->exit[i].to;
        if (to == NULL || to->entry != tu->entry + off)
            continue;
        snprintf(text, room, "unit at %08" PRIx64, bt_tu_lin(to));
        return true;
    }
    return false;
}

void vx_bt_mode_text(uint32_t mode, char *text, size_t room)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = { { MODE_CS32, "cs32" },           { MODE_SS32, "ss32" },
                  { MODE_FLAT, "flat" },           { MODE_USER, "user" },
                  { MODE_CPL0, "cpl0" },           { MODE_PROTECTED, "protected" },
                  { MODE_IOPL_OK, "iopl" },        { MODE_X87_OK, "x87" },
                  { MODE_SSE_OK, "sse" },          { MODE_FS_WIDE, "fs-wide" },
                  { MODE_GS_WIDE, "gs-wide" },     { MODE_PAGING, "paging" },
                  { MODE_UNSHARED, "unshared" },   { MODE_FP_OPERANDS, "fp-operands" },
                  { MODE_REAL_DATA, "real-data" }, { MODE_WINDOW, "window" } };
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < VX_ARRAY_LEN(names) && at < room; i++)
        if (mode & names[i].bit)
            at += (size_t)snprintf(text + at, room - at, "%s%s", at != 0 ? " " : "", names[i].name);
}
