/* priv_report.c - from a program that the engines differ on to what a person wants to see: the smallest such program,
 * the first instruction after which the states differ, the listing. */
#include <Zydis/Zydis.h>

#include "priv.h"

static bool fails(struct pf_pair *pair, const struct pf_program *program, uint64_t limit, struct difference *found)
{
    struct difference now;
    pf_pair_renew(pair, &pair->options);
    if (pf_pair_run(pair, program, limit, &now) != PF_DIFFER)
        return false;
    *found = now;
    return true;
}

/* ---- smaller */

static bool drop(struct pf_pair *pair, struct pf_program *program, unsigned block, unsigned first, unsigned count,
                 struct difference *found)
{
    struct pf_program smaller = *program;
    struct program *p = &smaller.block[block].program;
    bool any = false;
    for (unsigned i = first; i < first + count && i < p->count; i++) {
        any |= !p->piece[i].dropped;
        p->piece[i].dropped = true;
    }
    if (!any || !fails(pair, &smaller, smaller.budget, found))
        return false;
    *program = smaller;
    return true;
}

static void drop_events(struct pf_pair *pair, struct pf_program *program, struct difference *found)
{
    for (unsigned i = 0; i < program->events;) {
        struct pf_program smaller = *program;
        memmove(&smaller.event[i], &smaller.event[i + 1], (smaller.events - i - 1) * sizeof smaller.event[0]);
        smaller.events--;
        if (fails(pair, &smaller, smaller.budget, found))
            *program = smaller;
        else
            i++;
    }
}

static void drop_turns(struct pf_pair *pair, struct pf_program *program, struct difference *found)
{
    for (unsigned i = program->turns; i-- > 0 && program->turns > 1;) {
        struct pf_program smaller = *program;
        memmove(&smaller.order[i], &smaller.order[i + 1], smaller.turns - i - 1);
        smaller.turns--;
        if (fails(pair, &smaller, smaller.budget, found))
            *program = smaller;
    }
}

static void shrink(struct pf_pair *pair, struct pf_program *program, struct difference *found)
{
    drop_events(pair, program, found);
    drop_turns(pair, program, found);
    for (unsigned size = PF_BLOCK_PIECES; size > 0; size /= 2)
        for (unsigned block = 0; block < program->blocks; block++)
            for (unsigned first = 0; first < program->block[block].program.count; first += size)
                drop(pair, program, block, first, size, found);
}

/* ---- the first differing instruction */

/* Number of instructions after which the states differ for the first time, by halving; 0: only at the end. */
static uint64_t first_difference(struct pf_pair *pair, const struct pf_program *program, struct difference *found)
{
    uint64_t low = 0, high = program->budget;
    struct difference now;
    if (!fails(pair, program, high, &now))
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (fails(pair, program, middle, &now)) {
            high = middle;
            *found = now;
        } else {
            low = middle;
        }
    }
    return high;
}

static void print_instruction(FILE *to, const struct vx_vcpu *vcpu)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t bytes[15] = { 0 };
    uint64_t phys;
    char text[96] = "(not decoded)";
    bool wide = (vcpu->seg[VX_CS].attr & VX_ATTR_DB) != 0;
    for (unsigned i = 0; i < 15 && vx_mmu_peek(vcpu->mmu, (uint32_t)(vx_cs_lin(vcpu) + i), &phys); i++)
        bytes[i] = (uint8_t)vx_pmap_load(vcpu->mmu->pmap, phys, 1);
    ZydisDecoderInit(&decoder, wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, 15, &insn, operands)))
        ZydisFormatterFormatInstruction(&formatter, &insn, operands, insn.operand_count_visible, text, sizeof text,
                                        vcpu->rip, NULL);
    fprintf(to, "%04x:%08llx ", vcpu->seg[VX_CS].sel, (unsigned long long)vcpu->rip);
    for (unsigned i = 0; i < 8; i++)
        fprintf(to, " %02x", bytes[i]);
    fprintf(to, "  %s\n", text);
}

static void print_state(FILE *to, const char *who, const struct vx_vcpu *v)
{
    fprintf(to, "    %s: eip %llx eflags %x cpl %u cr0 %llx cr2 %llx cr3 %llx cr4 %llx retired %llu\n      ", who,
            (unsigned long long)v->rip, vx_eflags(v), v->cpl, (unsigned long long)v->cr0, (unsigned long long)v->cr2,
            (unsigned long long)v->cr3, (unsigned long long)v->cr4, (unsigned long long)v->retired);
    for (unsigned i = 0; i < 8; i++)
        fprintf(to, " %llx", (unsigned long long)v->gpr[i]);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        fprintf(to, " %04x:%llx+%x/%04x", v->seg[i].sel, (unsigned long long)v->seg[i].base, v->seg[i].limit,
                v->seg[i].attr);
    fprintf(to, "\n");
}

/* The last instructions before the difference, as the interpreter sees them. */
static void print_way(FILE *to, struct pf_pair *pair, const struct pf_program *program, uint64_t count)
{
    for (uint64_t n = count > 8 ? count - 8 : 1; n <= count; n++) {
        pf_world_start(pair->world, &pair->interp, program);
        pf_run(&pair->interp, program, n - 1);
        fprintf(to, "    %5llu  ", (unsigned long long)n);
        print_instruction(to, pair->interp.vcpu);
    }
    print_state(to, "before", pair->interp.vcpu);
    struct difference ignored;
    fails(pair, program, count, &ignored);
    print_state(to, "interpreter", pair->interp.vcpu);
    print_state(to, "translator", pair->bt.vcpu);
}

/* ---- listing */

static void print_block(FILE *to, struct pf_program *program, unsigned index, const struct world *world)
{
    static const char *const kinds[] = { "real", "VM86", "protected" }, *const paging[] = { "off", "32 bit", "PAE" };
    struct program *p = &program->block[index].program;
    const struct setup *s = &p->setup;
    fprintf(to, "  block %u at %x: %s%s, code %u, stack %u, CPL %u, IOPL %u, paging %s%s\n", index, p->start,
            kinds[s->kind], s->flat ? " flat" : "", s->code32 ? 32 : 16, s->stack32 ? 32 : 16, s->cpl, s->iopl,
            paging[s->paging], s->single_step ? ", TF" : "");
    for (unsigned i = 0; i < p->count; i++) {
        uint32_t at = pf_piece_at(program, index, i);
        if (!p->piece[i].dropped)
            piece_print(to, s, at, world->image + PF_CODE + at, p->piece[i].len);
    }
}

static void print_log(FILE *to, const char *who, const struct rig *rig)
{
    const uint8_t *log = vx_pmap_page_hva(rig->pmap, PF_LOG >> VX_PAGE_SHIFT);
    uint32_t count;
    memcpy(&count, log + (V_LOG_COUNT & VX_PAGE_MASK), 4);
    fprintf(to, "  %s noted %u events:", who, count);
    for (uint32_t i = 0; i < count && i < PF_LOG_ROWS; i++) {
        uint32_t e[8];
        memcpy(e, log + (PF_LOG & VX_PAGE_MASK) + 32 * i, sizeof e);
        fprintf(to, " %u(%x) at %x:%x", e[0], e[1], e[3], e[2]);
    }
    fprintf(to, "\n");
}

static void print_program(FILE *to, struct pf_pair *pair, struct pf_program *program)
{
    for (unsigned i = 0; i < program->blocks; i++)
        print_block(to, program, i, pair->world);
    fprintf(to, "  turns:");
    for (unsigned i = 0; i < program->turns; i++)
        fprintf(to, " %u", program->order[i]);
    fprintf(to, "\n");
    for (unsigned i = 0; i < program->events; i++)
        fprintf(to, "  before instruction %u: vector %d\n", program->event[i].at, program->event[i].vector);
    print_log(to, "interpreter", &pair->interp);
    print_log(to, "translator", &pair->bt);
}

void pf_report(FILE *to, struct pf_program *program, const struct vx_bt_config *options)
{
    struct pf_pair pair;
    struct difference found = { "" };
    pf_pair_create(&pair, options);
    if (!fails(&pair, program, program->budget, &found)) {
        fprintf(to, "  not by itself: only after the programs before it\n");
        pf_pair_destroy(&pair);
        return;
    }
    shrink(&pair, program, &found);
    fprintf(to, "  smallest: %s\n", found.text);
    fails(&pair, program, program->budget, &found);
    print_program(to, &pair, program);
    struct vx_bt_config counting = *options;
    counting.exact_count = true;
    pair.options = counting;
    uint64_t count = first_difference(&pair, program, &found);
    if (count != 0) {
        fprintf(to, "  first after instruction %llu: %s\n", (unsigned long long)count, found.text);
        print_way(to, &pair, program, count);
    }
    pf_pair_destroy(&pair);
}
