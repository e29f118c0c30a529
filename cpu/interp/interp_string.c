/* interp_string.c - MOVS CMPS STOS LODS SCAS, and the repeat loop.
 *
 *   I1  Every iteration is committed before the next begins, so a fault or an event between them restarts the rest.
 *   I2  The bulk paths do what as many single iterations would: a chunk ends at the page's end, at the segment's
 *       limit, where the offset wraps, and they are not taken where an access is watched or checked for alignment.
 *   I3  The instruction is fetched once: when an iteration changes its own bytes, it goes on to the end of its count in
 *       this step, since the next would fetch what stands there then; for SELF_MAX iterations, so that no guest keeps
 *       the host. A fault, a trap, or the end of the machine's run ends it before, and what follows is fetched anew, as
 *       on silicon. */
#include "interp_string.h"

#include "interp_flags.h"
#include "interp_table.h"

enum { SELF_MAX = 256 * STRING_STEP_MAX };

/* The instruction's own bytes: where they are, in one page or two, and what they were when it began. */
struct own_code {
    const uint8_t *at[2]; /* at[0] NULL: not in pages that the shadow has; at[1] NULL: all in the first */
    uint32_t bytes[2];
    uint8_t was[16];
};

static uint64_t own_lin(const struct insn *in, uint32_t off)
{
    return vx_lin_wrap(in->cpu->seg[VX_CS].base + in->start_eip + off);
}

/* Host address of `bytes` bytes of code from offset `off` of the instruction on, which lie in one page; NULL: the
 * shadow has not got it. */
static const uint8_t *own_hva(const struct insn *in, uint32_t off, uint32_t bytes)
{
    return vx_tlb_probe(in->tlb, in->tlb->fetch_tag, own_lin(in, off), bytes);
}

static uint32_t bytes_in_first_page(const struct insn *in)
{
    uint32_t bytes = (uint32_t)(in->next_eip - in->start_eip);
    uint32_t room = VX_PAGE_BYTES - (uint32_t)(own_lin(in, 0) & VX_PAGE_MASK);
    return bytes < room ? bytes : room;
}

static struct own_code own_code(const struct insn *in)
{
    uint32_t first = bytes_in_first_page(in), second = (uint32_t)(in->next_eip - in->start_eip) - first;
    struct own_code own = { .bytes = { first, second } };
    own.at[0] = own_hva(in, 0, first);
    own.at[1] = second != 0 ? own_hva(in, first, second) : NULL;
    if (second != 0 && own.at[1] == NULL)
        own.at[0] = NULL;
    if (own.at[0] == NULL)
        return own;
    memcpy(own.was, own.at[0], first);
    if (second != 0)
        memcpy(own.was + first, own.at[1], second);
    return own;
}

static bool has_changed(const struct own_code *own)
{
    return own->at[0] != NULL &&
           (memcmp(own->at[0], own->was, own->bytes[0]) != 0 ||
            (own->at[1] != NULL && memcmp(own->at[1], own->was + own->bytes[0], own->bytes[1]) != 0));
}

/* How many iterations the step may have. One, where nobody would see that the code has changed. */
static uint32_t step_max(const struct insn *in, const struct own_code *own)
{
    if (in->single_step || own->at[0] == NULL)
        return 1;
    return in->cpu->rep_max != 0 ? in->cpu->rep_max : STRING_STEP_MAX;
}

/* keeps I3: what the step, at its end, may do besides. */
static uint32_t step_more(const struct insn *in, const struct own_code *own, uint32_t *spare)
{
    const struct vx_vcpu *cpu = in->cpu;
    bool stops = in->single_step || cpu->rep_max != 0 ||
                 (atomic_load_explicit(&cpu->attention, memory_order_relaxed) & VX_ATTN_STOP);
    if (stops || *spare == 0 || !has_changed(own))
        return 0;
    *spare -= STRING_STEP_MAX;
    return STRING_STEP_MAX;
}

/* What a chip does for one access may take a millisecond: what wants attention does not wait for thousands. A step
 * whose length is given (rep_max) is as long as it is said to be; I3 stays. */
static bool stops_at_port(const struct insn *in, const struct string_op *op, const struct own_code *own)
{
    const struct vx_vcpu *cpu = in->cpu;
    return op->is_port && cpu->rep_max == 0 && atomic_load_explicit(&cpu->attention, memory_order_relaxed) != 0 &&
           !has_changed(own);
}

bool string_repeat(struct insn *in, const struct string_op *op)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = string_size(in);
    if (in->rep == REP_NONE)
        return op->one(in, size);

    uint32_t count = get_reg(cpu, VX_RCX, in->addr_size);
    struct own_code own = own_code(in);
    uint32_t left = step_max(in, &own), spare = SELF_MAX;
    while (count != 0 && left != 0) {
        uint32_t n = op->bulk == NULL ? 0 : op->bulk(in, size, count < left ? count : left);
        if (n == 0) {
            if (!op->one(in, size))
                return false;
            n = 1;
        }
        count -= n;
        left -= n;
        set_reg(cpu, VX_RCX, in->addr_size, count);
        bool zf = cpu->eflags & VX_FL_ZF;
        if (op->by_zf && zf != (in->rep == REP_E))
            return true;
        if (in->dr6_hits != 0 || stops_at_port(in, op, &own)) /* a data breakpoint traps after its iteration */
            break;
        if (left == 0)
            left = step_more(in, &own, &spare);
    }
    if (count != 0) {
        in->next_eip = in->start_eip;
        cpu->retired--; /* counts with its last part */
        insn_mode_changed(in);
        cpu->eflags |=
            VX_FL_RF; /* SDM 3B "Instruction-Breakpoint Exception Condition": not again on this instruction */
    }
    return true;
}

uint32_t string_reach(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t max)
{
    const struct vx_seg *s = &in->cpu->seg[seg];
    uint32_t in_page = (uint32_t)(s->base + off) & VX_PAGE_MASK;
    uint64_t bytes;
    if (in->careful || !seg_is_plain(s, off, size) || in_page + size > VX_PAGE_BYTES)
        return 0;
    if (in->cpu->dflag) {
        bytes = (in_page < off ? in_page : off) + (uint64_t)size;
    } else {
        uint32_t last = s->limit < size_mask(in->addr_size) ? s->limit : size_mask(in->addr_size);
        if (off > last)
            return 0;
        bytes = (uint64_t)last - off + 1;
        if (bytes > VX_PAGE_BYTES - in_page)
            bytes = VX_PAGE_BYTES - in_page;
    }
    uint64_t n = bytes / size;
    return n < max ? (uint32_t)n : max;
}

uint8_t *string_element(struct insn *in, const uint32_t *tags, unsigned seg, uint64_t off, unsigned size)
{
    return vx_tlb_probe(in->tlb, tags, in->cpu->seg[seg].base + off, size);
}

static bool movs_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value;
    if (!mem_read(in, in->seg, get_reg(cpu, VX_RSI, in->addr_size), size, &value) ||
        !mem_write(in, VX_ES, get_reg(cpu, VX_RDI, in->addr_size), size, value))
        return false;
    string_advance(in, VX_RSI, size, 1);
    string_advance(in, VX_RDI, size, 1);
    return true;
}

/* Copies `n` elements one after the other as MOVS does: a source that overlaps the destination sees earlier stores. */
static void copy_elements(uint8_t *dst, const uint8_t *src, unsigned size, uint32_t n, bool down)
{
    size_t bytes = (size_t)n * size;
    ptrdiff_t step = down ? -(ptrdiff_t)size : (ptrdiff_t)size;
    uintptr_t low_dst = (uintptr_t)dst, low_src = (uintptr_t)src;
    bool sees_own =
        down ? low_dst < low_src && low_src - low_dst < bytes : low_dst > low_src && low_dst - low_src < bytes;
    if (!sees_own) {
        size_t back = down ? bytes - size : 0;
        memmove(dst - back, src - back, bytes);
        return;
    }
    for (; n != 0; n--, dst += step, src += step) {
        uint8_t element[4];
        memcpy(element, src, size);
        memcpy(dst, element, size);
    }
}

static uint32_t movs_bulk(struct insn *in, unsigned size, uint32_t max)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t si = get_reg(cpu, VX_RSI, in->addr_size), di = get_reg(cpu, VX_RDI, in->addr_size);
    uint32_t n = string_reach(in, in->seg, si, size, max);
    n = string_reach(in, VX_ES, di, size, n);
    if (n < 2)
        return 0;
    const uint8_t *src = string_element(in, in->tlb->read_tag, in->seg, si, size);
    uint8_t *dst = string_element(in, in->tlb->write_tag, VX_ES, di, size);
    if (src == NULL || dst == NULL)
        return 0;
    copy_elements(dst, src, size, n, cpu->dflag);
    string_advance(in, VX_RSI, size, n);
    string_advance(in, VX_RDI, size, n);
    return n;
}

bool interp_movs(struct insn *in)
{
    static const struct string_op op = { .one = movs_one, .bulk = movs_bulk };
    return string_repeat(in, &op);
}

static bool stos_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    if (!mem_write(in, VX_ES, get_reg(cpu, VX_RDI, in->addr_size), size, get_reg(cpu, VX_RAX, size)))
        return false;
    string_advance(in, VX_RDI, size, 1);
    return true;
}

static uint32_t stos_bulk(struct insn *in, unsigned size, uint32_t max)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t di = get_reg(cpu, VX_RDI, in->addr_size);
    uint32_t n = string_reach(in, VX_ES, di, size, max);
    uint8_t *dst = n < 2 ? NULL : string_element(in, in->tlb->write_tag, VX_ES, di, size);
    if (dst == NULL)
        return 0;
    if (cpu->dflag)
        dst -= (size_t)(n - 1) * size;
    uint32_t value = get_reg(cpu, VX_RAX, size);
    if (size == 1)
        memset(dst, (int)value, n);
    else if (size == 2)
        for (uint32_t i = 0; i < n; i++)
            memcpy(dst + (size_t)i * 2, &value, 2);
    else
        for (uint32_t i = 0; i < n; i++)
            memcpy(dst + (size_t)i * 4, &value, 4);
    string_advance(in, VX_RDI, size, n);
    return n;
}

bool interp_stos(struct insn *in)
{
    static const struct string_op op = { .one = stos_one, .bulk = stos_bulk };
    return string_repeat(in, &op);
}

static bool lods_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value;
    if (!mem_read(in, in->seg, get_reg(cpu, VX_RSI, in->addr_size), size, &value))
        return false;
    set_reg(cpu, VX_RAX, size, value);
    string_advance(in, VX_RSI, size, 1);
    return true;
}

bool interp_lods(struct insn *in)
{
    static const struct string_op op = { .one = lods_one };
    return string_repeat(in, &op);
}

/* ES:EDI is read first, as silicon does: visible when both fault. */
static bool cmps_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t src, dst;
    if (!mem_read(in, VX_ES, get_reg(cpu, VX_RDI, in->addr_size), size, &dst) ||
        !mem_read(in, in->seg, get_reg(cpu, VX_RSI, in->addr_size), size, &src))
        return false;
    alu_cmp(&cpu->eflags, src, dst, size);
    string_advance(in, VX_RSI, size, 1);
    string_advance(in, VX_RDI, size, 1);
    return true;
}

/* The loops below are inlined once for each size, so that an element is one load. */
#define PER_SIZE static inline __attribute__((always_inline))

PER_SIZE uint32_t load_element(const uint8_t *p, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, p, size);
    return value;
}

struct compared {
    uint32_t a, b; /* the last pair */
    uint32_t done;
};

PER_SIZE struct compared compare_run(const uint8_t *src, const uint8_t *dst, unsigned size, uint32_t n, ptrdiff_t step,
                                     bool while_equal)
{
    struct compared c = { 0, 0, 0 };
    do {
        c.a = load_element(src + (ptrdiff_t)c.done * step, size);
        c.b = load_element(dst + (ptrdiff_t)c.done * step, size);
        c.done++;
    } while (c.done < n && (c.a == c.b) == while_equal);
    return c;
}

PER_SIZE struct compared scan_run(uint32_t a, const uint8_t *dst, unsigned size, uint32_t n, ptrdiff_t step,
                                  bool while_equal)
{
    struct compared c = { a, 0, 0 };
    do {
        c.b = load_element(dst + (ptrdiff_t)c.done * step, size);
        c.done++;
    } while (c.done < n && (a == c.b) == while_equal);
    return c;
}

/* Compares until the repeat condition ends it; the last comparison gives the flags. */
static uint32_t cmps_bulk(struct insn *in, unsigned size, uint32_t max)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t si = get_reg(cpu, VX_RSI, in->addr_size), di = get_reg(cpu, VX_RDI, in->addr_size);
    uint32_t n = string_reach(in, in->seg, si, size, max);
    n = string_reach(in, VX_ES, di, size, n);
    const uint8_t *src = n < 2 ? NULL : string_element(in, in->tlb->read_tag, in->seg, si, size);
    const uint8_t *dst = n < 2 ? NULL : string_element(in, in->tlb->read_tag, VX_ES, di, size);
    if (src == NULL || dst == NULL)
        return 0;
    ptrdiff_t step = cpu->dflag ? -(ptrdiff_t)size : (ptrdiff_t)size;
    bool equal = in->rep == REP_E;
    struct compared c = size == 1   ? compare_run(src, dst, 1, n, step, equal)
                        : size == 2 ? compare_run(src, dst, 2, n, step, equal)
                                    : compare_run(src, dst, 4, n, step, equal);
    alu_cmp(&cpu->eflags, c.a, c.b, size);
    string_advance(in, VX_RSI, size, c.done);
    string_advance(in, VX_RDI, size, c.done);
    return c.done;
}

bool interp_cmps(struct insn *in)
{
    static const struct string_op op = { .one = cmps_one, .bulk = cmps_bulk, .by_zf = true };
    return string_repeat(in, &op);
}

static bool scas_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t dst;
    if (!mem_read(in, VX_ES, get_reg(cpu, VX_RDI, in->addr_size), size, &dst))
        return false;
    alu_cmp(&cpu->eflags, get_reg(cpu, VX_RAX, size), dst, size);
    string_advance(in, VX_RDI, size, 1);
    return true;
}

static uint32_t scas_bulk(struct insn *in, unsigned size, uint32_t max)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t di = get_reg(cpu, VX_RDI, in->addr_size);
    uint32_t n = string_reach(in, VX_ES, di, size, max);
    const uint8_t *dst = n < 2 ? NULL : string_element(in, in->tlb->read_tag, VX_ES, di, size);
    if (dst == NULL)
        return 0;
    ptrdiff_t step = cpu->dflag ? -(ptrdiff_t)size : (ptrdiff_t)size;
    bool equal = in->rep == REP_E;
    uint32_t a = get_reg(cpu, VX_RAX, size);
    struct compared c = size == 1   ? scan_run(a, dst, 1, n, step, equal)
                        : size == 2 ? scan_run(a, dst, 2, n, step, equal)
                                    : scan_run(a, dst, 4, n, step, equal);
    alu_cmp(&cpu->eflags, c.a, c.b, size);
    string_advance(in, VX_RDI, size, c.done);
    return c.done;
}

bool interp_scas(struct insn *in)
{
    static const struct string_op op = { .one = scas_one, .bulk = scas_bulk, .by_zf = true };
    return string_repeat(in, &op);
}
