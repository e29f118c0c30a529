/* disasm.c - one instruction, decoded by Zydis: as text, and as what stepping needs to know of it. */
#include <Zydis/Zydis.h>
#include <string.h>

#include "debug_private.h"

/* What the formatter's hook needs: where offsets lie in linear space, and who names them. */
struct naming {
    const struct vx_disassembler *how;
    const struct vx_vcpu *vcpu; /* NULL: all bases are 0 */
    ZydisFormatterFunc print_address;
};

/* Linear address of the operand's offset; in the host's code, offset and address are one. */
static uint64_t linear(const struct naming *naming, const ZydisDecodedOperand *operand, uint64_t off)
{
    if (naming->how->code64)
        return off;
    if (naming->vcpu == NULL)
        return vx_lin_wrap(off);
    enum vx_segment seg = VX_CS;
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
        seg = (enum vx_segment)(operand->mem.segment - ZYDIS_REGISTER_ES);
    return vx_lin_wrap(seg < VX_SEG_COUNT ? naming->vcpu->seg[seg].base + off : off);
}

/* The string's vector is the caller's buffer and counts the NUL. */
static ZyanStatus append(ZyanString *string, const char *text)
{
    size_t bytes = strlen(text);
    if (bytes > string->vector.capacity - string->vector.size)
        return ZYAN_STATUS_INSUFFICIENT_BUFFER_SIZE;
    memcpy((char *)string->vector.data + string->vector.size - 1, text, bytes + 1);
    string->vector.size += bytes;
    return ZYAN_STATUS_SUCCESS;
}

static ZyanStatus print_address(const ZydisFormatter *formatter, ZydisFormatterBuffer *buffer,
                                ZydisFormatterContext *context)
{
    struct naming *naming = context->user_data;
    char name[96], text[104];
    ZyanU64 off;
    ZyanString *string;
    ZYAN_CHECK(naming->print_address(formatter, buffer, context));
    if (naming->how->symbolizer == NULL ||
        ZYAN_FAILED(ZydisCalcAbsoluteAddress(context->instruction, context->operand, context->runtime_address, &off)) ||
        !naming->how->symbolizer(naming->how->opaque, linear(naming, context->operand, off), name, sizeof name))
        return ZYAN_STATUS_SUCCESS;
    snprintf(text, sizeof text, " <%s>", name);
    ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
    ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &string));
    return append(string, text);
}

static void init_formatter(ZydisFormatter *formatter, struct naming *naming)
{
    bool att = naming->how->syntax == VX_SYNTAX_ATT;
    ZydisFormatterInit(formatter, att ? ZYDIS_FORMATTER_STYLE_ATT : ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    ZydisFormatterSetProperty(formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(formatter, ZYDIS_FORMATTER_PROP_FORCE_RELATIVE_BRANCHES, ZYAN_FALSE);
    naming->print_address = print_address;
    ZydisFormatterSetHook(formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, (const void **)&naming->print_address);
}

bool insn_decode(const struct vx_disassembler *how, const uint8_t *bytes, size_t count, struct decoded *d)
{
    ZydisDecoder decoder;
    if (how->code64)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    else if (how->code32)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    else
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, count, &d->z, d->operand));
}

static void format(const struct vx_disassembler *how, const struct vx_vcpu *vcpu, const struct decoded *d, uint64_t off,
                   char *text, size_t room)
{
    struct naming naming = { .how = how, .vcpu = vcpu };
    ZydisFormatter formatter;
    init_formatter(&formatter, &naming);
    if (ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, &d->z, d->operand, d->z.operand_count_visible, text,
                                                    room, off, &naming)))
        snprintf(text, room, "(too long)");
}

unsigned vx_disassemble(const struct vx_disassembler *how, const uint8_t *bytes, size_t count, uint64_t off, char *text,
                        size_t room)
{
    struct decoded d;
    if (!insn_decode(how, bytes, count, &d)) {
        snprintf(text, room, "(bad)");
        return 0;
    }
    format(how, NULL, &d, off, text, room);
    return d.z.length;
}

/* ---- what stepping needs ----------------------------------------------------------------------------------------- */

static enum vx_insn_kind kind_of(const ZydisDecodedInstruction *z)
{
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_CALL: return VX_INSN_CALL;
    case ZYDIS_CATEGORY_INTERRUPT: return VX_INSN_INT;
    case ZYDIS_CATEGORY_RET: return VX_INSN_RETURN;
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR: return VX_INSN_BRANCH;
    case ZYDIS_CATEGORY_SYSCALL: return VX_INSN_CALL;
    case ZYDIS_CATEGORY_SYSRET: return VX_INSN_RETURN;
    default: break;
    }
    if (z->mnemonic == ZYDIS_MNEMONIC_IRET || z->mnemonic == ZYDIS_MNEMONIC_IRETD)
        return VX_INSN_RETURN;
    if (z->mnemonic == ZYDIS_MNEMONIC_HLT)
        return VX_INSN_HALT;
    return z->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE) ? VX_INSN_REPEAT
                                                                                                   : VX_INSN_PLAIN;
}

static uint64_t gpr(const struct vx_vcpu *vcpu, ZydisRegister reg)
{
    int id = reg == ZYDIS_REGISTER_NONE ? -1 : ZydisRegisterGetId(reg);
    uint64_t value = id >= 0 && id < 8 ? vcpu->gpr[id] : 0;
    return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR16 ? value & 0xFFFF : value;
}

static void take_memory(const struct vx_vcpu *vcpu, const struct decoded *d, struct vx_insn *insn)
{
    for (unsigned i = 0; i < d->z.operand_count && !insn->has_memory; i++) {
        const ZydisDecodedOperand *op = &d->operand[i];
        if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->encoding == ZYDIS_OPERAND_ENCODING_NONE)
            continue;
        uint64_t off =
            gpr(vcpu, op->mem.base) + gpr(vcpu, op->mem.index) * op->mem.scale + (uint64_t)op->mem.disp.value;
        insn->has_memory = true;
        insn->memory_seg = (enum vx_segment)(op->mem.segment - ZYDIS_REGISTER_ES);
        insn->memory_off = d->z.address_width == 16 ? off & 0xFFFF : vx_off_wrap(off);
        insn->memory_bytes = op->mem.type == ZYDIS_MEMOP_TYPE_AGEN ? 0 : op->size / 8u;
    }
}

static void take_target(const struct decoded *d, uint64_t off, struct vx_insn *insn)
{
    ZyanU64 target;
    if (d->z.operand_count == 0 || d->operand[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !d->operand[0].imm.is_relative)
        return;
    insn->has_target = ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&d->z, &d->operand[0], off, &target));
    insn->target = insn->has_target ? vx_off_wrap(target) : 0;
}

unsigned insn_length(const struct vx_debug *debug)
{
    struct vx_disassembler how = { .code32 = vx_code32(debug->vcpu) };
    struct decoded d;
    uint8_t bytes[15];
    size_t count = vx_debug_read(debug, vx_cs_lin(debug->vcpu), bytes, sizeof bytes);
    return insn_decode(&how, bytes, count, &d) ? d.z.length : 0;
}

bool vx_debug_disassemble(const struct vx_debug *debug, const struct vx_disassembler *how, uint64_t lin, uint64_t off,
                          struct vx_insn *insn)
{
    struct decoded d;
    memset(insn, 0, sizeof *insn);
    size_t count = vx_debug_read(debug, lin, insn->bytes, sizeof insn->bytes);
    if (count == 0)
        return false;
    if (!insn_decode(how, insn->bytes, count, &d)) {
        insn->length = 1;
        snprintf(insn->text, sizeof insn->text, "(bad)");
        return true;
    }
    insn->length = d.z.length;
    insn->kind = kind_of(&d.z);
    take_memory(debug->vcpu, &d, insn);
    take_target(&d, off, insn);
    format(how, debug->vcpu, &d, off, insn->text, sizeof insn->text);
    return true;
}
