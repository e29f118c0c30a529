/* shrink.c - makes a failing program small, and prints it. */
#include <Zydis/Zydis.h>

#include "diff.h"

#include "world_map.h"

static bool fails(struct engines *engines, const struct program *program, struct difference *found)
{
    struct difference now;
    if (engines->bt.bt != NULL)
        vx_bt_flush(engines->bt.bt);
    if (engines_agree(engines, program, &now))
        return false;
    *found = now;
    return true;
}

/* Tries to do without pieces first..first+count-1. */
static bool drop(struct engines *engines, struct program *program, unsigned first, unsigned count,
                 struct difference *found)
{
    struct program smaller = *program;
    bool any = false;
    for (unsigned i = first; i < first + count && i < program->count; i++) {
        any |= !smaller.piece[i].dropped;
        smaller.piece[i].dropped = true;
    }
    if (!any || !fails(engines, &smaller, found))
        return false;
    *program = smaller;
    return true;
}

bool program_shrink(struct engines *engines, struct program *program, struct difference *found)
{
    if (!fails(engines, program, found))
        return false;
    for (unsigned size = program->count; size > 0; size /= 2)
        for (unsigned first = 0; first < program->count; first += size)
            drop(engines, program, first, size, found);
    bool progress = true;
    while (progress) {
        progress = false;
        for (unsigned i = 0; i < program->count; i++)
            progress |= drop(engines, program, i, 1, found);
    }
    return fails(engines, program, found);
}

/* ---- printing */

static const char *kind_name(const struct setup *setup)
{
    switch (setup->kind) {
    case SETUP_REAL: return "real mode";
    case SETUP_VM86: return "VM86 mode";
    case SETUP_PROTECTED: return setup->flat ? "protected mode, flat" : "protected mode";
    }
    return "";
}

static void print_setup(FILE *to, const struct program *program)
{
    static const char *const paging[] = { "no paging", "paging", "PAE paging" };
    const struct setup *s = &program->setup;
    fprintf(to, "  %s, code %u, stack %u, CPL %u, IOPL %u, %s%s%s, seed %#llx, start %#x\n", kind_name(s),
            s->code32 ? 32 : 16, s->stack32 ? 32 : 16, s->cpl, s->iopl, paging[s->paging], s->single_step ? ", TF" : "",
            s->interrupts ? ", interrupts" : "", (unsigned long long)s->seed, program->start);
}

static void print_bytes(FILE *to, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < 10; i++)
        i < count ? fprintf(to, " %02x", bytes[i]) : fprintf(to, "   ");
}

void piece_print(FILE *to, const struct setup *setup, uint32_t off, const uint8_t *bytes, unsigned len)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecoderInit(&decoder, setup->code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                     setup->stack32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    for (unsigned at = 0; at < len;) {
        ZydisDecodedInstruction insn;
        ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
        char text[96] = "(not decoded)";
        unsigned size = 1;
        uint32_t eip = setup_code_eip0(setup) + off + at;
        if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes + at, 15, &insn, operands))) {
            ZydisFormatterFormatInstruction(&formatter, &insn, operands, insn.operand_count_visible, text, sizeof text,
                                            eip, NULL);
            size = insn.length;
        }
        fprintf(to, "  %6x ", eip);
        print_bytes(to, bytes + at, size);
        fprintf(to, "  %s\n", text);
        at += size;
    }
}

void program_print(FILE *to, const struct world *world, const struct program *program)
{
    const uint32_t *offset = world_offsets(world);
    print_setup(to, program);
    for (unsigned i = 0; i < program->count; i++)
        if (!program->piece[i].dropped)
            piece_print(to, &program->setup, offset[i], world_code(world) + offset[i], program->piece[i].len);
}

/* One line an event that the handlers have noted, and how often it came in a row. */
static void print_events(FILE *to, const char *who, const struct rig *rig)
{
    const uint8_t *log = vx_pmap_page_hva(rig->pmap, WORLD_LOG >> VX_PAGE_SHIFT);
    uint32_t count;
    memcpy(&count, log, 4);
    fprintf(to, "  %s:", who);
    for (uint32_t i = 0; i < count && i < LOG_MAX; i++) {
        uint32_t e[8];
        memcpy(e, log + (LOG_ENTRIES - WORLD_LOG) + 32 * i, sizeof e);
        fprintf(to, " %u(%x) at %x:%x flags %x cr2 %x;", e[0], e[1], e[3], e[2], e[4], e[5]);
    }
    fprintf(to, "\n");
}

void events_print(FILE *to, const struct engines *engines)
{
    print_events(to, "interpreter", &engines->interp);
    print_events(to, "translator", &engines->bt);
}
