/* compare.c - the first difference between the states of two machines. */
#include <stdarg.h>

#include "diff.h"
#include "world_map.h"

struct comparison {
    const struct rig *a, *b;
    struct difference *found;
};

VX_PRINTF(2, 3) static bool differ(const struct comparison *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->found->text, sizeof c->found->text, format, args);
    va_end(args);
    return true;
}

static bool values(const struct comparison *c, const char *name, uint64_t a, uint64_t b)
{
    return a != b && differ(c, "%s: %llx, not %llx", name, (unsigned long long)b, (unsigned long long)a);
}

static bool registers(const struct comparison *c)
{
    static const char *const names[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
    const struct vx_vcpu *a = c->a->vcpu, *b = c->b->vcpu;
    if (values(c, "eip", a->rip, b->rip) || values(c, "eflags", vx_eflags(a), vx_eflags(b)))
        return true;
    for (unsigned i = 0; i < VX_ARRAY_LEN(names); i++)
        if (values(c, names[i], a->gpr[i], b->gpr[i]))
            return true;
    return false;
}

static bool segment(const struct comparison *c, const char *name, const struct vx_seg *a, const struct vx_seg *b)
{
    if (a->sel == b->sel && a->base == b->base && a->limit == b->limit && a->attr == b->attr &&
        a->unusable == b->unusable)
        return false;
    return differ(c, "%s: %04x %llx+%x %04x%s, not %04x %llx+%x %04x%s", name, b->sel, (unsigned long long)b->base,
                  b->limit, b->attr, b->unusable ? " unusable" : "", a->sel, (unsigned long long)a->base, a->limit,
                  a->attr, a->unusable ? " unusable" : "");
}

static bool segments(const struct comparison *c)
{
    static const char *const names[] = { "es", "cs", "ss", "ds", "fs", "gs" };
    const struct vx_vcpu *a = c->a->vcpu, *b = c->b->vcpu;
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        if (segment(c, names[i], &a->seg[i], &b->seg[i]))
            return true;
    return segment(c, "ldtr", &a->ldtr, &b->ldtr) || segment(c, "tr", &a->tr, &b->tr) ||
           values(c, "gdtr base", a->gdtr.base, b->gdtr.base) ||
           values(c, "gdtr limit", a->gdtr.limit, b->gdtr.limit) ||
           values(c, "idtr base", a->idtr.base, b->idtr.base) || values(c, "idtr limit", a->idtr.limit, b->idtr.limit);
}

static bool control(const struct comparison *c)
{
    const struct vx_vcpu *a = c->a->vcpu, *b = c->b->vcpu;
    for (unsigned i = 0; i < 8; i++)
        if (values(c, "debug register", a->dr[i], b->dr[i]))
            return true;
    return values(c, "cr0", a->cr0, b->cr0) || values(c, "cr2", a->cr2, b->cr2) || values(c, "cr3", a->cr3, b->cr3) ||
           values(c, "cr4", a->cr4, b->cr4) || values(c, "efer", a->efer, b->efer) ||
           values(c, "cpl", a->cpl, b->cpl) || values(c, "halted", a->halted, b->halted) ||
           values(c, "shutdown", a->shutdown, b->shutdown) || values(c, "interrupt shadow", a->inhibit, b->inhibit) ||
           values(c, "nmi blocking", a->nmi_blocked, b->nmi_blocked);
}

/* Of the FXSAVE image: all but MXCSR_MASK, and the registers' meaningful bytes. */
static bool fp_byte_counts(unsigned i)
{
    if (i < 32)
        return i < 28;
    return i < 160 ? (i & 15) < 10 : i < 288;
}

static bool fp_state(const struct comparison *c)
{
    const uint8_t *a = c->a->vcpu->fx, *b = c->b->vcpu->fx;
    for (unsigned i = 0; i < 288; i++)
        if (fp_byte_counts(i) && a[i] != b[i])
            return differ(c, "FXSAVE image at %u: %02x, not %02x", i, b[i], a[i]);
    return false;
}

/* With interrupts at random times, ring 0's stack and the counter of interrupts are not the program's. */
static bool byte_counts(const struct setup *setup, uint32_t phys)
{
    if (!setup->interrupts)
        return true;
    return !(phys >= INTR_COUNT && phys < INTR_COUNT + 4) && !(phys >= WORLD_STACK0 - 0x1000 && phys < WORLD_STACK0);
}

static bool memory(const struct comparison *c, const struct setup *setup)
{
    for (uint32_t page = 0; page < RIG_PAGES; page++) {
        const uint8_t *a = vx_pmap_page_hva(c->a->pmap, page), *b = vx_pmap_page_hva(c->b->pmap, page);
        if (memcmp(a, b, VX_PAGE_BYTES) == 0)
            continue;
        for (uint32_t i = 0; i < VX_PAGE_BYTES; i++)
            if (a[i] != b[i] && byte_counts(setup, page * VX_PAGE_BYTES + i))
                return differ(c, "memory at %x: %02x, not %02x", page * VX_PAGE_BYTES + i, b[i], a[i]);
    }
    return false;
}

void difference_find(const struct rig *expected, const struct rig *got, const struct setup *setup,
                     struct difference *found)
{
    struct comparison c = { .a = expected, .b = got, .found = found };
    found->text[0] = '\0';
    if (got->exact && values(&c, "instructions", expected->retired, got->retired))
        return;
    if (registers(&c) || segments(&c) || control(&c) || fp_state(&c))
        return;
    (void)memory(&c, setup);
}
