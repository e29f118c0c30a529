/* verify_mem.c - memory operands of host code: what they name, and whether they may.
 *
 *     [r15 + disp]                   a field of the vCPU, by the table below
 *     [r13 + index * 4 + tags]       a tag; index: page(lin) & FFFFh
 *     [r13 + index * 8 + addends]    an addend, where the probe for lin has hit
 *     [rsp + disp]                   the frame
 *     [jump cache + low16(eip) * 8]  an entry
 *     [poll pointer]                 attention
 *     [absolute]                     the unit's own guest bytes (self-check), its count of entries
 *     [lin + addend + disp]          guest memory, within what was probed
 *     gs:[lin], 32-bit address       guest memory, through the window */
#include "verify_mem.h"

#include <inttypes.h>

#include "verify_guest.h"
#include "verify_operand.h"
#include "verify_report.h"
#include "verify_segment.h"
#include "verify_term.h"
#include "window.h"

/* ---- the vCPU */

enum { MAY_LOAD = 1, MAY_STORE = 2, COMMITS = 4, IS_BOOL = 8, OURS = 16 /* nothing that a guest may see */ };

static const struct field {
    uint32_t off, bytes, rights;
} fields[] = {
    { VCPU(iflag), 1, MAY_LOAD | MAY_STORE | COMMITS | IS_BOOL },
    { VCPU(dflag), 1, MAY_LOAD | MAY_STORE | COMMITS | IS_BOOL },
    { VCPU(inhibit), 1, MAY_STORE | COMMITS | IS_BOOL },
    { VCPU(retired), 8, MAY_LOAD | MAY_STORE | OURS },
    { VCPU(retire_limit), 8, MAY_LOAD | OURS },
    { AREA(unit_done), 4, MAY_STORE | OURS },
    { VCPU(cr0), 4, MAY_LOAD },
    { VCPU(cr2), 4, MAY_LOAD },
    { VCPU(cr3), 4, MAY_LOAD },
    { VCPU(cr4), 4, MAY_LOAD },
    { AREA(poll_ptr), 8, MAY_LOAD | OURS },
    { AREA(if_poll_ptr), 8, MAY_LOAD | OURS },
    { AREA(jc_base), 8, MAY_LOAD | OURS },
    { AREA(fp_away), 8, MAY_LOAD | OURS },
    { AREA(sysflags), 4, MAY_LOAD },
    { AREA(fp_last) + FX_FIP, 4, MAY_STORE },
    { AREA(fp_last) + FX_FDP, 4, MAY_STORE },
    { AREA(fp_last) + FX_FOP, 2, MAY_STORE },
    { AREA(fp_last) + FX_FCS, 2, MAY_STORE },
    { AREA(fp_last) + FX_FDS, 2, MAY_STORE },
    { AREA(fp_kept) + FX_FDP, 4, MAY_LOAD },
    { AREA(fp_kept) + FX_FOP, 2, MAY_LOAD },
};

static bool segment_field(uint64_t off, unsigned bytes)
{
    uint64_t first = offsetof(struct vx_vcpu, seg);
    if (off < first || off >= first + VX_SEG_COUNT * sizeof(struct vx_seg))
        return false;
    uint64_t at = (off - first) % sizeof(struct vx_seg);
    return (at == offsetof(struct vx_seg, base) && bytes == 4) || (at == offsetof(struct vx_seg, sel) && bytes == 2);
}

static bool limit_field(uint64_t off, unsigned bytes)
{
    uint64_t first = (uint64_t)AREA(seg_max_read), size = sizeof((struct bt_area *)0)->seg_max_read;
    _Static_assert(offsetof(struct bt_area, seg_max_write) ==
                       offsetof(struct bt_area, seg_max_read) + sizeof((struct bt_area *)0)->seg_max_read,
                   "the tables of limits follow each other");
    return bytes == 8 && off >= first && off < first + 2 * size && (off - first) % 8 == 0;
}

static uint32_t rights_of(int64_t off, unsigned bytes)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(fields); i++) {
        if (fields[i].off == off && fields[i].bytes == bytes)
            return fields[i].rights;
    }
    if (off >= 0 && limit_field((uint64_t)off, bytes))
        return MAY_LOAD | OURS;
    return off >= 0 && segment_field((uint64_t)off, bytes) ? MAY_LOAD : 0;
}

static bool vcpu(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    int64_t off = access->op->value;
    if (access->write && off >= 0 && segment_field((uint64_t)off, access->bytes)) {
        uint64_t at = (uint64_t)off - offsetof(struct vx_vcpu, seg);
        bool base = at % sizeof(struct vx_seg) == offsetof(struct vx_seg, base);
        return vf_segment_store(v, s, in, (unsigned)(at / sizeof(struct vx_seg)), base, access->value);
    }
    uint32_t rights = rights_of(off, access->bytes);
    if (!(rights & (access->write ? MAY_STORE : MAY_LOAD)))
        return vf_fail(v, RULE_VCPU, in, "%s of %u bytes at vCPU + %lld", access->write ? "store" : "load",
                       access->bytes, (long long)off);
    if (!access->write) {
        unsigned bits = (rights & IS_BOOL) ? 1 : access->bytes * 8;
        bool of_segment = segment_field((uint64_t)off, access->bytes) || limit_field((uint64_t)off, access->bytes);
        vf_term since = of_segment ? s->segments : s->epoch;
        vf_term of = (rights & OURS) ? v->vcpu : 0;
        access->result = vf_term_make(&v->terms, T_FIELD, since, of, (uint64_t)off, bits);
        return true;
    }
    if (!(rights & OURS) && vf_is_host(v, access->value))
        return vf_fail(v, RULE_HOST, in, "a value of the host's goes to vCPU + %lld", (long long)off);
    if ((rights & IS_BOOL) && vf_at(v, access->value)->bits > 1)
        return vf_fail(v, RULE_VCPU, in, "the byte at vCPU + %lld is 0 or 1", (long long)off);
    s->committed |= (rights & COMMITS) != 0;
    if (rights & COMMITS)
        s->epoch = vf_opaque(&v->terms, 64);
    return true;
}

/* ---- the TLB */

static bool tag_or_addend(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    const struct vf_op *op = access->op;
    vf_term lin = 0, probed;
    uint32_t bytes;
    bool write;
    if (access->write || op->index >= 16 || !vf_is_index(v, s->reg[op->index], &lin))
        return vf_fail(v, RULE_TLB, in, "the index is not a masked page number, or a store");
    bool read_tag = op->value == offsetof(struct vx_tlb, read_tag),
         write_tag = op->value == offsetof(struct vx_tlb, write_tag);
    if (op->scale == 2 && access->bytes == 4 && (read_tag || write_tag)) {
        access->result = vf_term_make(&v->terms, T_TAG, lin, s->epoch, write_tag, 32);
        return true;
    }
    if (op->scale != 3 || access->bytes != 8 || op->value != offsetof(struct vx_tlb, addend))
        return vf_fail(v, RULE_TLB, in, "neither a tag nor an addend");
    if (s->hit == 0 || !vf_is_miss(v, s->hit, &probed, &bytes, &write) || probed != lin)
        return vf_fail(v, RULE_MEMORY, in, "the addend of an address that no probe has hit");
    access->result = vf_term_make(&v->terms, T_ADDEND, lin, 0, bytes | (uint64_t)write << 16, 64);
    return true;
}

/* ---- the frame */

static bool frame(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    int64_t off = access->op->value;
    if (access->op->index != VF_NO_REG || off < 0 || off + access->bytes > BT_FRAME_BYTES)
        return vf_fail(v, RULE_FRAME, in, "[rsp %+lld], %u bytes, of %d", (long long)off, access->bytes,
                       BT_FRAME_BYTES);
    unsigned first = (unsigned)off / 8, last = (unsigned)(off + access->bytes - 1) / 8;
    uint64_t mask = (access->bytes >= 64 ? UINT64_MAX : (1ull << access->bytes) - 1) << off;
    if (access->write) {
        s->clean = vf_is_host(v, access->value) ? s->clean & ~mask : s->clean | mask;
        for (unsigned i = first; i <= last; i++)
            s->slot[i] = 0;
        if (off % 8 == 0 && access->bytes >= 4) {
            s->slot[first] = access->value;
            s->slot_bytes[first] = (uint8_t)access->bytes;
        }
        return true;
    }
    bool whole = off % 8 == 0 && s->slot[first] != 0 && s->slot_bytes[first] == access->bytes;
    if (whole)
        access->result = s->slot[first];
    else
        access->result = (s->clean & mask) == mask ? vf_opaque(&v->terms, access->bytes * 8)
                                                   : vf_opaque_host(&v->terms, access->bytes * 8);
    return true;
}

/* ---- attention and the jump cache */

const struct bt_site *vf_site_of(const struct bt_verifier *v, uint32_t off)
{
    const struct bt_tu *tu = v->claim->tu;
    for (unsigned i = 0; i < tu->site_count; i++) {
        if (off >= tu->sites[i].start && off < bt_site_end(&tu->sites[i]))
            return &tu->sites[i];
    }
    return NULL;
}

/* A load that faults when attention is wanted: at a boundary between guest instructions, which its site names. */
static bool poll_site(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    const struct bt_site *site = vf_site_of(v, in->off);
    unsigned count = v->claim->tu->insns;
    if (site == NULL || (site->kind != SITE_POLL && site->kind != SITE_POLL_INDIRECT))
        return vf_fail(v, RULE_SITE, in, "a poll without a site for attention");
    if (site->kind == SITE_POLL_INDIRECT) {
        if (vf_is_host(v, s->reg[H_R8]))
            return vf_fail(v, RULE_HOST, in, "r8 is a value of the host's");
        if (vf_at(v, s->reg[H_R8])->bits > 32)
            return vf_fail(v, RULE_SITE, in, "r8 is no eip");
        if (s->insn == VF_BEFORE || s->insn + 1u < count)
            return vf_fail(v, RULE_SITE, in, "an indirect branch inside the unit");
        return vf_at_end(v, s, in);
    }
    unsigned i = s->insn == VF_BEFORE ? 0 : s->insn < count ? s->insn : count - 1;
    const struct vf_guest *at = &v->guest[i];
    if (site->eip == at->eip && s->insn != count)
        return vf_at_start(v, s, in);
    while (site->eip != v->guest[i].next && i + 1 < count && v->claim->start[i + 1] == v->claim->start[i + 2])
        i++; /* past instructions without code */
    if (site->eip == v->guest[i].next || (i == count - 1 && at->has_target && site->eip == at->target))
        return vf_at_end(v, s, in);
    return vf_fail(v, RULE_SITE, in, "the site's eip %" PRIx64 " is not of this boundary", site->eip);
}

static bool jump_cache(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in,
                       struct vf_access *access)
{
    const struct vf_op *op = access->op;
    vf_term eip = s->reg[H_R8];
    bool indexed = op->index < 16 && op->scale == 3 && op->value == 0 && !access->write && access->bytes == 8;
    if (!indexed || s->reg[op->index] != vf_low(&v->terms, eip, 16) || vf_at(v, eip)->bits > 32)
        return vf_fail(v, RULE_POLL, in, "an entry of the jump cache for something else than the eip in r8");
    access->result = vf_term_make(&v->terms, T_JCENTRY, eip, 0, 0, 64);
    return poll_site(v, s, in);
}

static bool through_field(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access,
                          uint64_t field)
{
    if (field == (uint64_t)AREA(jc_base))
        return jump_cache(v, s, in, access);
    bool plain = access->op->index == VF_NO_REG && access->op->value == 0 && !access->write && access->bytes == 4;
    if (!plain || (field != (uint64_t)AREA(poll_ptr) && field != (uint64_t)AREA(if_poll_ptr)))
        return vf_fail(v, RULE_POLL, in, "not the load of a poll");
    access->result = vf_opaque_host(&v->terms, 32);
    return poll_site(v, s, in);
}

/* ---- absolute addresses */

static bool own_bytes(struct bt_verifier *v, const struct vf_insn *in, struct vf_access *access, uint64_t hva)
{
    const struct bt_tu *tu = v->claim->tu;
    bool inside = hva >= tu->hva && hva + access->bytes <= tu->hva + tu->guest_bytes;
    if (access->write || !tu->self_checking || !inside)
        return vf_fail(v, RULE_SELF_CHECK, in, "%u bytes at %llx, the unit has %u at %llx", access->bytes,
                       (unsigned long long)hva, tu->guest_bytes, (unsigned long long)tu->hva);
    access->result = vf_term_make(&v->terms, T_OWN, 0, 0, (hva - tu->hva) | access->bytes << 16, access->bytes * 8);
    return true;
}

static bool own_count(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    if (access->bytes != 8 || s->insn != VF_BEFORE || s->entered)
        return vf_fail(v, RULE_ENTERED, in, "%u bytes of the unit's count%s", access->bytes,
                       s->entered ? ", which has been counted" : "");
    if (!access->write) {
        access->result = vf_term_make(&v->terms, T_ENTERED, 0, 0, 0, 64);
        return true;
    }
    if (vf_at(v, access->value)->op != T_ENTERED || vf_at(v, access->value)->c != 1)
        return vf_fail(v, RULE_ENTERED, in, "what is stored is not the count and one more");
    s->entered = true;
    return true;
}

static bool absolute(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access,
                     uint64_t hva)
{
    if (v->config->count_units && hva == (uint64_t)(uintptr_t)v->claim->tu->entered)
        return own_count(v, s, in, access);
    return own_bytes(v, in, access, hva);
}

/* ---- guest memory */

/* An access at `lin` that may be made so far as the shadow is concerned. */
static bool access_at(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access,
                      vf_term lin)
{
    if (access->write && s->by_c)
        return vf_fail(v, RULE_COMMIT, in, "a store after C has done the instruction");
    if (access->write && vf_is_host(v, access->value))
        return vf_fail(v, RULE_HOST, in, "a value of the host's goes to guest memory");
    if (!vf_operand_address(v, s, in, access, lin))
        return false;
    if (access->write) {
        s->committed = true;
        s->stored = access->value;
    }
    access->result =
        vf_term_make(&v->terms, T_LOAD, lin, s->insn, access->bytes, access->bytes >= 8 ? 64 : access->bytes * 8);
    return true;
}

static bool within(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access,
                   vf_term addend, int64_t off)
{
    const struct vf_node *node = vf_at(v, addend);
    uint32_t probed = (uint32_t)node->c & 0xFFFF;
    if (off < 0 || off + access->bytes > probed)
        return vf_fail(v, RULE_MEMORY, in, "bytes %lld to %lld of %u that were probed", (long long)off,
                       (long long)off + access->bytes - 1, probed);
    if (access->write && !s->by_c && !vf_is_host(v, access->value) && !(node->c >> 16))
        return vf_fail(v, RULE_MEMORY, in, "a store, but the probe was for reading");
    return access_at(v, s, in, access, vf_off32(&v->terms, node->a, (uint32_t)off));
}

/* ---- through the window */

static bool window_site(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    const struct bt_site *site = vf_site_of(v, in->off);
    if (site == NULL || site->kind != SITE_WINDOW)
        return vf_fail(v, RULE_SITE, in, "an access through the window has no site");
    if (site->eip != v->guest[s->insn].eip)
        return vf_fail(v, RULE_SITE, in, "its site names %" PRIx64, site->eip);
    return vf_at_start(v, s, in);
}

static bool window(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    const struct bt_tu *tu = v->claim->tu;
    const struct vf_op *op = access->op;
    struct vf_terms *t = &v->terms;
    if (!(tu->mode & MODE_WINDOW) || s->insn >= tu->insns)
        return vf_fail(v, RULE_WINDOW, in, "not in a mode with a window, or outside of a guest instruction");
    uint64_t eip = v->guest[s->insn].eip;
    if (bt_is_soft(v->claim->pages, bt_page_of(tu, eip), (uint32_t)((eip + tu->cs_base) & VX_PAGE_MASK)) ||
        access->bytes > 16)
        return vf_fail(v, RULE_WINDOW, in, "the instruction at %" PRIx64 " has to be probed", eip);
    vf_term base = op->base < 16 ? s->reg[op->base] : vf_const(t, 0), index = op->index < 16 ? s->reg[op->index] : 0;
    if (vf_at(v, base)->bits > 32 || (index != 0 && vf_at(v, index)->bits > 32))
        return vf_fail(v, RULE_WINDOW, in, "a register of the address has more than 32 bits");
    if (!window_site(v, s, in))
        return false;
    vf_term sum = index != 0 ? vf_add32(t, base, index, op->scale) : base;
    return access_at(v, s, in, access, vf_off32(t, sum, (uint32_t)op->value));
}

/* ---- all */

static bool is_op(const struct bt_verifier *v, vf_term term, enum vf_term_op op)
{
    return term != 0 && vf_at(v, term)->op == op;
}

static bool guest(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    const struct vf_op *op = access->op;
    vf_term base = op->base < 16 ? s->reg[op->base] : 0, index = op->index < 16 ? s->reg[op->index] : 0;
    if (index == 0 && is_op(v, base, T_HVA))
        return within(v, s, in, access, vf_at(v, base)->a, (int64_t)vf_at(v, base)->c + op->value);
    if (op->scale == 0 && is_op(v, index, T_ADDEND) && vf_at(v, index)->a == base)
        return within(v, s, in, access, index, op->value);
    if (op->scale == 0 && is_op(v, base, T_ADDEND) && vf_at(v, base)->a == index)
        return within(v, s, in, access, base, op->value);
    return vf_fail(v, RULE_MEMORY, in, "the address is not a probed one with its addend");
}

bool vf_memory(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access)
{
    const struct vf_op *op = access->op;
    vf_term base = op->base < 16 ? s->reg[op->base] : 0;
    if (op->window && access->bytes != 0)
        return window(v, s, in, access);
    if (op->odd && op->seg == VX_GS && (v->claim->tu->mode & MODE_WINDOW))
        return vf_fail(v, RULE_WINDOW, in, "through GS by an address of 64 bits");
    if (op->odd || access->bytes == 0)
        return vf_fail(v, RULE_MEMORY, in, "an address in other than plain 64-bit registers");
    if (base == v->vcpu && op->index == VF_NO_REG)
        return vcpu(v, s, in, access);
    if (base == v->tlb)
        return tag_or_addend(v, s, in, access);
    if (base == v->frame)
        return frame(v, s, in, access);
    if (is_op(v, base, T_FIELD) && vf_at(v, base)->bits == 64)
        return through_field(v, s, in, access, vf_at(v, base)->c);
    if (is_op(v, base, T_CONST) && op->index == VF_NO_REG)
        return absolute(v, s, in, access, vf_at(v, base)->c + (uint64_t)op->value);
    return guest(v, s, in, access);
}
