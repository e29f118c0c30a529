/* cmd_units.c - the translator's own view: the units made of an address, their host code, the shadow's entries; which
 * units are entered most, and how translated code was left. */
#include "dbg.h"

struct listing {
    struct debugger *dbg;
    const struct vx_bt *bt;
    uint64_t lin;
    bool whole;     /* of an address, with code */
    bool counted;   /* entries are */
    unsigned found; /* units at the address */
    uint64_t units, insns, guest_bytes, host_bytes;
};

/* "OSZAPC" with dots for what is not among them. */
static const char *flags_text(uint32_t flags, char text[7])
{
    static const uint32_t bits[] = { VX_FL_OF, VX_FL_SF, VX_FL_ZF, VX_FL_AF, VX_FL_PF, VX_FL_CF };
    for (unsigned i = 0; i < VX_ARRAY_LEN(bits); i++)
        text[i] = flags & bits[i] ? "OSZAPC"[i] : '.';
    text[VX_ARRAY_LEN(bits)] = '\0';
    return text;
}

static void show_flags(struct debugger *dbg, const struct vx_flag_use *use)
{
    char read[7], written[7], dead[7], exact[7];
    if ((use->read | use->written) == 0)
        return;
    dbg_say(dbg, "        ; flags: reads %s  writes %s%s  in vain %s, even with faults %s\n",
            flags_text(use->read, read), flags_text(use->written, written), use->perhaps ? "?" : "",
            flags_text(use->dead, dead), flags_text(use->dead_exact, exact));
}

/* A unit while it is shown. */
struct view {
    struct debugger *dbg;
    const struct vx_bt *bt;
    const struct vx_bt_unit *unit;
};

static bool name_target(void *opaque, uint64_t off, char *text, size_t room)
{
    const struct view *view = opaque;
    return vx_bt_unit_names(view->bt, view->unit, (uint32_t)off, text, room); /* stubs lie before the unit: off wraps */
}

static void show_host(struct view *view, uint32_t from, uint32_t to)
{
    const struct vx_bt_unit *unit = view->unit;
    struct vx_disassembler how = {
        .code64 = true, .syntax = view->dbg->syntax, .symbolizer = name_target, .opaque = view
    };
    for (uint32_t at = from; at < to;) {
        char text[128];
        uint64_t eip;
        const char *what;
        unsigned length = vx_disassemble(&how, unit->host + at, unit->host_bytes - at, at, text, sizeof text);
        if (vx_bt_unit_site(unit, at, &eip, &what))
            dbg_say(view->dbg, "        +%04x  %-44s ; %s of %08" PRIx64 "\n", at, text, what, eip);
        else
            dbg_say(view->dbg, "        +%04x  %s\n", at, text);
        at += length != 0 ? length : 1;
    }
}

/* The host code of part `index` of the unit, and in front of it how that was made. */
static void show_part(struct view *view, unsigned index)
{
    struct vx_bt_part part;
    if (!vx_bt_unit_part(view->bt, view->unit, index, &part))
        return;
    if (part.lowering != NULL)
        dbg_say(view->dbg, "        ; %s", part.lowering);
    if (part.operand != NULL)
        dbg_say(view->dbg, ", its operand by %s", part.operand);
    if (part.stack != NULL)
        dbg_say(view->dbg, ", the stack by %s", part.stack);
    if (part.lowering != NULL)
        dbg_say(view->dbg, "\n");
    show_host(view, part.start, part.end);
}

/* The guest's instructions, as they are now, in the size that the unit was made for, each with its host code where that
 * is known. */
static void show_insns(struct view *view)
{
    enum { INSNS_MAX = 128 };
    struct debugger *dbg = view->dbg;
    const struct vx_bt_unit *unit = view->unit;
    struct vx_disassembler how = dbg_disassembler(dbg);
    struct vx_flag_use use[INSNS_MAX];
    struct vx_insn insn;
    uint32_t at[INSNS_MAX + 1] = { 0 };
    unsigned n = 0;
    how.code32 = unit->code32;
    for (; n < unit->insns && n < INSNS_MAX; n++) {
        uint8_t bytes[15];
        size_t got = vx_debug_read(dbg->debug, unit->lin + at[n], bytes, sizeof bytes);
        at[n + 1] = at[n] + vx_flag_use(&how, bytes, got, &use[n]);
        if (at[n + 1] == at[n])
            break;
    }
    vx_flag_liveness(use, n);
    for (unsigned i = 0; i < unit->insns; i++) {
        if (i < n && vx_debug_disassemble(dbg->debug, &how, unit->lin + at[i], unit->eip + at[i], &insn)) {
            dbg_say(dbg, "    %08" PRIx64 "  %s\n", unit->lin + at[i], insn.text);
            show_flags(dbg, &use[i]);
        } else {
            dbg_say(dbg, "    (cannot be read any more)\n");
        }
        show_part(view, i);
    }
}

static void show_code(struct view *view)
{
    const struct vx_bt_unit *unit = view->unit;
    struct vx_bt_part first, behind, cold;
    bool known = vx_bt_unit_part(view->bt, unit, 0, &first) && vx_bt_unit_part(view->bt, unit, unit->insns, &behind) &&
                 vx_bt_unit_part(view->bt, unit, unit->insns + 1, &cold);
    if (!known) {
        show_insns(view);
        show_host(view, 0, unit->host_bytes);
        return;
    }
    if (first.start != 0)
        dbg_say(view->dbg, "    at the entry\n");
    show_host(view, 0, first.start);
    show_insns(view);
    if (behind.start != behind.end)
        dbg_say(view->dbg, "    at the end\n");
    show_host(view, behind.start, behind.end);
    if (cold.start != cold.end)
        dbg_say(view->dbg, "    out of line\n");
    show_host(view, cold.start, cold.end);
}

static void show_exits(struct debugger *dbg, const struct vx_bt_unit *unit)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(unit->exit); i++)
        if (unit->exit[i].exists)
            dbg_say(dbg, "  exit to %08" PRIx64 ", %s\n", unit->exit[i].target_eip,
                    unit->exit[i].chained ? "chained" : "not chained");
    dbg_say(dbg, "  %u exits of other units lead here\n", unit->chained_in);
}

static void on_unit(void *opaque, const struct vx_bt_unit *unit)
{
    struct listing *listing = opaque;
    struct debugger *dbg = listing->dbg;
    char mode[160];
    listing->units++;
    listing->insns += unit->insns;
    listing->guest_bytes += unit->guest_bytes;
    listing->host_bytes += unit->host_bytes;
    if (!listing->whole || vx_lin_wrap(listing->lin - unit->lin) >= unit->guest_bytes)
        return;
    vx_bt_mode_text(unit->mode, mode, sizeof mode);
    dbg_say(dbg, "unit %u at %08" PRIx64 ": %u instructions, %u guest bytes, %u host bytes%s%s\n  mode: %s\n",
            ++listing->found, unit->lin, unit->insns, unit->guest_bytes, unit->host_bytes,
            unit->global ? ", global" : "", unit->self_checking ? ", checks itself" : "", mode);
    if (listing->counted)
        dbg_say(dbg, "  entered %" PRIu64 " times\n", unit->entered);
    show_exits(dbg, unit);
    show_code(&(struct view){ dbg, listing->bt, unit });
}

/* What the soft TLB has for the page, in each view. */
static void show_shadow(struct debugger *dbg, uint64_t lin)
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

static struct vx_bt *translator(struct debugger *dbg)
{
    struct vx_bt *bt = vx_machine_bt(dbg->machine);
    if (bt == NULL)
        dbg_fail(dbg, "the translator has not run; engine bt starts it");
    return bt;
}

static bool set_counting(struct debugger *dbg, struct vx_bt *bt, const char **at)
{
    bool on = dbg_take_word(at, "on"), off = !on && dbg_take_word(at, "off");
    if (!dbg_at_end(at))
        return dbg_fail(dbg, "'%s' is neither on nor off", *at);
    if (on || off)
        vx_bt_count_units(bt, on);
    dbg_say(dbg, "entries of units are %scounted\n", vx_bt_counts_units(bt) ? "" : "not ");
    return true;
}

bool dbg_cmd_units(struct debugger *dbg, const char **at)
{
    struct listing listing = { .dbg = dbg };
    uint64_t lin = 0;
    struct vx_bt *bt = translator(dbg);
    if (bt == NULL)
        return false;
    listing.bt = bt;
    if (dbg_take_word(at, "count"))
        return set_counting(dbg, bt, at);
    listing.whole = !dbg_at_end(at);
    listing.counted = vx_bt_counts_units(bt);
    if (listing.whole && !dbg_eval_lin(dbg, at, "the address", &lin))
        return false;
    if (!dbg_no_more(dbg, at))
        return false;
    listing.lin = lin;
    vx_bt_each_unit(bt, on_unit, &listing);
    if (!listing.whole) {
        dbg_say(dbg, "%" PRIu64 " units of %" PRIu64 " instructions, %" PRIu64 " guest bytes, %" PRIu64 " host bytes\n",
                listing.units, listing.insns, listing.guest_bytes, listing.host_bytes);
        struct vx_bt_departure last;
        if (vx_bt_departure(vx_machine_bt_cpu(dbg->machine), 0, &last))
            dbg_say(dbg, "translated code was last left for %s\n", last.why);
        return true;
    }
    if (listing.found == 0)
        dbg_say(dbg, "no unit contains %08" PRIx64 ": it has not run, or a point lies there\n", listing.lin);
    show_shadow(dbg, listing.lin);
    return true;
}

/* ---- the hottest units ------------------------------------------------------------------------------------------- */

enum { HOTTEST_MAX = 100 };

struct ranking {
    struct vx_bt_unit unit[HOTTEST_MAX]; /* by weight, descending */
    unsigned count, room;
    uint64_t entries, weight; /* of all units */
};

/* Instructions executed, had every entry gone to the end of the unit. */
static uint64_t weight(const struct vx_bt_unit *unit)
{
    return unit->entered * unit->insns;
}

static void rank(void *opaque, const struct vx_bt_unit *unit)
{
    struct ranking *ranking = opaque;
    unsigned i = ranking->count;
    ranking->entries += unit->entered;
    ranking->weight += weight(unit);
    if (unit->entered == 0)
        return;
    if (i < ranking->room)
        ranking->count++;
    else if (weight(&ranking->unit[--i]) >= weight(unit))
        return;
    for (; i > 0 && weight(&ranking->unit[i - 1]) < weight(unit); i--)
        ranking->unit[i] = ranking->unit[i - 1];
    ranking->unit[i] = *unit;
}

bool dbg_info_hottest(struct debugger *dbg, const char **at)
{
    struct ranking ranking = { .count = 0 };
    uint64_t count;
    char name[128], mode[160];
    const struct vx_bt *bt = translator(dbg);
    if (bt == NULL || !dbg_eval_or(dbg, at, "how many", 10, &count) || !dbg_no_more(dbg, at))
        return false;
    if (!vx_bt_counts_units(bt))
        return dbg_fail(dbg, "entries of units are not counted; units count on begins with it");
    if (count == 0 || count > HOTTEST_MAX)
        return dbg_fail(dbg, "how many: a number from 1 to %d", HOTTEST_MAX);
    ranking.room = (unsigned)count;
    vx_bt_each_unit(bt, rank, &ranking);
    dbg_say(dbg, "     entered   share  unit      insns  guest and host bytes, mode\n");
    for (unsigned i = 0; i < ranking.count; i++) {
        const struct vx_bt_unit *unit = &ranking.unit[i];
        vx_bt_mode_text(unit->mode, mode, sizeof mode);
        dbg_say(dbg, "%12" PRIu64 "  %5.1f%%  %08" PRIx64 "  %5u  %u %u, %s", unit->entered,
                100.0 * (double)weight(unit) / (double)ranking.weight, unit->lin, unit->insns, unit->guest_bytes,
                unit->host_bytes, mode);
        if (dbg_symbolize(dbg, unit->lin, name, sizeof name))
            dbg_say(dbg, "  <%s>", name);
        dbg_say(dbg, "\n");
    }
    dbg_say(dbg, "%" PRIu64 " entries of all units there are, %" PRIu64 " instructions in them\n", ranking.entries,
            ranking.weight);
    return true;
}

/* ---- how translated code was left -------------------------------------------------------------------------------- */

bool dbg_info_exits(struct debugger *dbg, const char **at)
{
    uint64_t count;
    struct vx_bt_departure departure;
    const struct vx_bt_cpu *cpu = vx_machine_bt_cpu(dbg->machine);
    if (translator(dbg) == NULL || !dbg_eval_or(dbg, at, "how many", 20, &count) || !dbg_no_more(dbg, at))
        return false;
    if (!vx_bt_departure(cpu, 0, &departure))
        dbg_say(dbg, "translated code has not run since the debugger came\n");
    for (unsigned age = count < VX_BT_DEPARTURES ? (unsigned)count : VX_BT_DEPARTURES; age-- > 0;) {
        if (!vx_bt_departure(cpu, age, &departure))
            continue;
        dbg_say(dbg, "entered %08" PRIx64, departure.entered);
        if (departure.at_known)
            dbg_say(dbg, "  left %08" PRIx64, departure.at);
        else
            dbg_say(dbg, "  left        ?");
        dbg_say(dbg, "  for %04x:%08" PRIx64 "  %s\n", departure.to_cs, departure.to, departure.why);
    }
    return true;
}
