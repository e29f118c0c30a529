/* cmd_units.c - the translator's own view: the units made of an address, their host code, the shadow's entries. */
#include "dbg.h"

struct listing {
    struct vx_debugger *dbg;
    uint32_t lin;
    bool whole;     /* of an address, with code */
    unsigned found; /* units at the address */
    uint64_t units, insns, guest_bytes, host_bytes;
};

static void show_guest(struct vx_debugger *dbg, const struct vx_bt_unit *unit)
{
    uint32_t lin = unit->lin, off = unit->eip;
    for (unsigned i = 0; i < unit->insns; i++) {
        unsigned length;
        dbg_say(dbg, "    ");
        length = dbg_show_insn(dbg, dbg->out, lin, off);
        if (length == 0)
            return;
        lin += length;
        off += length;
    }
}

static void show_host(struct vx_debugger *dbg, const struct vx_bt_unit *unit)
{
    struct vx_disassembler how = { .code64 = true, .syntax = dbg->syntax };
    for (uint32_t at = 0; at < unit->host_bytes;) {
        char text[128];
        uint32_t eip;
        const char *what;
        unsigned length = vx_disassemble(&how, unit->host + at, unit->host_bytes - at, at, text, sizeof text);
        dbg_say(dbg, "      +%04x  %-44s", at, text);
        if (vx_bt_unit_site(unit, at, &eip, &what))
            dbg_say(dbg, " ; %s of %08x", what, eip);
        dbg_say(dbg, "\n");
        at += length != 0 ? length : 1;
    }
}

static void show_exits(struct vx_debugger *dbg, const struct vx_bt_unit *unit)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(unit->exit); i++)
        if (unit->exit[i].exists)
            dbg_say(dbg, "  exit to %08x, %s\n", unit->exit[i].target_eip,
                    unit->exit[i].chained ? "chained" : "not chained");
    dbg_say(dbg, "  %u exits of other units lead here\n", unit->chained_in);
}

static void on_unit(void *opaque, const struct vx_bt_unit *unit)
{
    struct listing *listing = opaque;
    struct vx_debugger *dbg = listing->dbg;
    char mode[160];
    listing->units++;
    listing->insns += unit->insns;
    listing->guest_bytes += unit->guest_bytes;
    listing->host_bytes += unit->host_bytes;
    if (!listing->whole || listing->lin - unit->lin >= unit->guest_bytes)
        return;
    vx_bt_mode_text(unit->mode, mode, sizeof mode);
    dbg_say(dbg, "unit %u at %08x: %u instructions, %u guest bytes, %u host bytes%s%s\n  mode: %s\n", ++listing->found,
            unit->lin, unit->insns, unit->guest_bytes, unit->host_bytes, unit->global ? ", global" : "",
            unit->self_checking ? ", checks itself" : "", mode);
    show_exits(dbg, unit);
    show_guest(dbg, unit);
    show_host(dbg, unit);
}

/* What the soft TLB has for the page, in each view. */
static void show_shadow(struct vx_debugger *dbg, uint32_t lin)
{
    static const char *const views[] = {
        [VX_VIEW_SUPERVISOR] = "supervisor", [VX_VIEW_USER] = "user", [VX_VIEW_SYSTEM] = "system"
    };
    for (unsigned view = 0; view < VX_VIEWS; view++) {
        const struct vx_tlb *tlb = dbg->vcpu->mmu->tlb[view];
        bool r = vx_tlb_probe(tlb, tlb->read_tag, lin, 1) != NULL,
             w = vx_tlb_probe(tlb, tlb->write_tag, lin, 1) != NULL;
        bool x = vx_tlb_probe(tlb, tlb->fetch_tag, lin, 1) != NULL;
        dbg_say(dbg, "shadow, %s view: %s%s%s%s\n", views[view], r ? "read " : "", w ? "write " : "", x ? "fetch" : "",
                r || w || x ? "" : "nothing");
    }
}

bool dbg_cmd_units(struct vx_debugger *dbg, const char **at)
{
    struct listing listing = { .dbg = dbg, .whole = !dbg_at_end(at) };
    uint64_t lin = 0;
    const struct vx_bt *bt = vx_machine_bt(dbg->machine);
    if (bt == NULL)
        return dbg_fail(dbg, "the translator has not run; engine bt starts it");
    if (listing.whole && !dbg_eval(dbg, at, "the address", &lin))
        return false;
    if (!dbg_no_more(dbg, at))
        return false;
    listing.lin = (uint32_t)lin;
    vx_bt_each_unit(bt, on_unit, &listing);
    if (!listing.whole) {
        dbg_say(dbg, "%" PRIu64 " units of %" PRIu64 " instructions, %" PRIu64 " guest bytes, %" PRIu64 " host bytes\n",
                listing.units, listing.insns, listing.guest_bytes, listing.host_bytes);
        dbg_say(dbg, "translated code was last left for %s\n", vx_bt_last_exit(bt));
        return true;
    }
    if (listing.found == 0)
        dbg_say(dbg, "no unit contains %08x: it has not run, or a point lies there\n", listing.lin);
    show_shadow(dbg, listing.lin);
    return true;
}
