/* decode.c - guest bytes to struct bt_insn: fetch through the mmu, decode with Zydis, reduce to what lowering needs.
 *
 * A unit stays inside one page and ends before an address where a debugger stops; an instruction that straddles two
 * pages is a unit of its own, so that only such units depend on two mappings. */
#include "decode.h"

#include <Zydis/Zydis.h>
#include <stdlib.h>

#include "lower.h"

struct bt_decoder {
    ZydisDecoder of[2]; /* 16, 32 bit */
};

struct bt_decoder *bt_decoder_create(void)
{
    struct bt_decoder *decoder = malloc(sizeof *decoder);
    if (decoder == NULL)
        return NULL;
    ZydisDecoderInit(&decoder->of[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&decoder->of[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    for (unsigned i = 0; i < 2; i++) /* without CET, 3Eh before an indirect branch is DS and not NOTRACK */
        ZydisDecoderEnableMode(&decoder->of[i], ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
    return decoder;
}

void bt_decoder_destroy(struct bt_decoder *decoder)
{
    free(decoder);
}

static uint8_t guest_gpr(ZydisRegister reg)
{
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32: return (uint8_t)ZydisRegisterGetId(reg) & 7;
    default: return REG_NONE;
    }
}

static uint8_t guest_seg(ZydisRegister reg)
{
    return reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS ? (uint8_t)(reg - ZYDIS_REGISTER_ES) : VX_DS;
}

static void take_memory_operand(struct bt_insn *in, const ZydisDecodedOperand *op)
{
    in->mem = true;
    in->mem_seg = guest_seg(op->mem.segment);
    in->mem_base = guest_gpr(op->mem.base);
    in->mem_index = guest_gpr(op->mem.index);
    in->mem_scale = op->mem.scale == 8 ? 3 : op->mem.scale == 4 ? 2 : op->mem.scale == 2 ? 1 : 0;
    in->mem_disp = (int32_t)op->mem.disp.value;
    if (op->mem.type != ZYDIS_MEMOP_TYPE_MEM)
        return; /* LEA: an address, no access */
    in->mem_bytes = (uint8_t)(op->size / 8);
    in->mem_read = (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
    in->mem_write = (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
}

static void note_written(struct bt_insn *in, const ZydisDecodedOperand *op)
{
    uint8_t reg = guest_gpr(op->reg.value);
    if (reg == REG_NONE || !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        return;
    bool byte = ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_GPR8;
    in->gpr_written |= (uint8_t)(1u << (byte ? reg & 3 : reg));
}

static void take_register_operand(struct bt_insn *in, const ZydisDecodedOperand *op)
{
    note_written(in, op);
    ZydisRegisterClass cls = ZydisRegisterGetClass(op->reg.value);
    bool gpr8 = cls == ZYDIS_REGCLASS_GPR8;
    bool gpr = gpr8 || cls == ZYDIS_REGCLASS_GPR16 || cls == ZYDIS_REGCLASS_GPR32;
    if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG) {
        in->reg_is_gpr8 = gpr8;
        in->reg_is_gpr = gpr;
    } else if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM) {
        in->rm_is_gpr8 = gpr8;
        in->rm_is_gpr = gpr;
    }
}

static uint8_t map_of(ZydisOpcodeMap map)
{
    switch (map) {
    case ZYDIS_OPCODE_MAP_DEFAULT: return 0;
    case ZYDIS_OPCODE_MAP_0F: return 1;
    case ZYDIS_OPCODE_MAP_0F38: return 2;
    case ZYDIS_OPCODE_MAP_0F3A: return 3;
    default: return 0xFF;
    }
}

static uint8_t seg_of_prefix(uint8_t prefix, uint8_t otherwise)
{
    switch (prefix) {
    case 0x26: return VX_ES;
    case 0x2E: return VX_CS;
    case 0x36: return VX_SS;
    case 0x3E: return VX_DS;
    case 0x64: return VX_FS;
    case 0x65: return VX_GS;
    default: return otherwise;
    }
}

/* F3 before BSF and BSR means nothing to the guest's CPU; the host's may take them for TZCNT and LZCNT. */
static bool ignores_mandatory(const struct bt_insn *in)
{
    return in->map == 1 && (in->opcode == 0xBC || in->opcode == 0xBD);
}

static void take_prefixes(struct bt_insn *in, const ZydisDecodedInstruction *z)
{
    for (unsigned i = 0; i < z->raw.prefix_count; i++) {
        uint8_t value = z->raw.prefixes[i].value;
        if (z->raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY && in->map != 0)
            in->mandatory = ignores_mandatory(in) ? 0 : value;
        else if (value == 0xF2 || value == 0xF3)
            in->rep = value;
        else
            in->mem_seg = seg_of_prefix(value, in->mem_seg);
    }
}

static void take_immediates(struct bt_insn *in, const ZydisDecodedInstruction *z)
{
    if (z->raw.imm[0].size == 0)
        return;
    in->imm_off = z->raw.imm[0].offset;
    in->imm_bytes = (uint8_t)(in->len - in->imm_off);
    in->imm = z->raw.imm[0].value.s;
}

/* The row of isa.def; NULL: the guest's CPU has not got it. Zydis knows more than any. */
static const struct vx_isa_row *row_of(const struct vx_cpu_model *model, const struct bt_insn *in,
                                       const ZydisDecodedInstruction *z)
{
    struct vx_isa_insn isa = { .map = in->map,
                               .opcode = in->opcode,
                               .modrm = in->has_modrm ? in->bytes[z->raw.modrm.offset] : 0 };
    if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || in->map > 3)
        return NULL;
    for (unsigned i = 0; i < z->raw.prefix_count; i++) {
        uint8_t value = z->raw.prefixes[i].value;
        if (value == 0xF2 || value == 0xF3)
            isa.rep = value;
        isa.prefix_66 |= value == 0x66;
        isa.lock |= value == 0xF0;
    }
    const struct vx_isa_row *row = vx_isa_find(&isa);
    return row != NULL && vx_cpu_has(model, (enum vx_cpu_feature)row->feature) ? row : NULL;
}

/* LDMXCSR on a model older than the host: DAZ is a reserved bit there. */
static bool mxcsr_differs(const struct vx_cpu_model *model, const ZydisDecodedInstruction *z)
{
    return z->mnemonic == ZYDIS_MNEMONIC_LDMXCSR && !vx_cpu_has(model, VX_F_SSE2);
}

static void reduce(struct bt_insn *in, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *ops)
{
    in->len = z->length;
    in->map = map_of(z->opcode_map);
    in->opcode = z->opcode;
    in->has_modrm = (z->attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    in->mod = z->raw.modrm.mod;
    in->reg = z->raw.modrm.reg;
    in->rm = z->raw.modrm.rm;
    in->op_bytes = z->operand_width / 8;
    in->addr_bytes = z->address_width / 8;
    in->mem_base = in->mem_index = REG_NONE;
    in->mem_seg = VX_DS;
    take_prefixes(in, z);
    take_immediates(in, z);
    for (unsigned i = 0; i < z->operand_count; i++) {
        if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY && ops[i].encoding != ZYDIS_OPERAND_ENCODING_NONE)
            take_memory_operand(in, &ops[i]);
        else if (ops[i].type == ZYDIS_OPERAND_TYPE_REGISTER)
            take_register_operand(in, &ops[i]);
    }
}

/* XCHG BX, BX, by which a guest calls its debugger, where there is one that listens. */
static bool is_magic(const struct bt_insn *in, const struct vx_vcpu_debug *debug)
{
    return VX_UNLIKELY(debug != NULL) && debug->magic && in->map == 0 && in->opcode == 0x87 && in->op_bytes == 2 &&
           in->mod == 3 && in->reg == VX_RBX && in->rm == VX_RBX;
}

static bool debugger_stops_at(const struct vx_bt_cpu *cpu, uint64_t lin, const uint8_t *hva)
{
    const struct vx_vcpu_debug *debug = cpu->vcpu->debug;
    return VX_UNLIKELY(debug != NULL) && debug->stops_in(debug->opaque, lin, hva, 1);
}

/* Decodes one instruction of at most `avail` bytes at `bytes`; ZYDIS_STATUS_NO_MORE_DATA when it is longer. */
static ZyanStatus decode_one(struct vx_bt_cpu *cpu, const uint8_t *bytes, size_t avail, uint64_t eip,
                             struct bt_insn *in)
{
    ZydisDecodedInstruction z;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    const struct vx_vcpu *vcpu = cpu->vcpu;
    const ZydisDecoder *decoder = &cpu->bt->decoder->of[(cpu->mode & MODE_CS32) ? 1 : 0];
    ZyanStatus status = ZydisDecoderDecodeFull(decoder, bytes, avail, &z, ops);
    if (ZYAN_FAILED(status))
        return status;
    memset(in, 0, sizeof *in);
    in->eip = eip;
    memcpy(in->bytes, bytes, z.length);
    reduce(in, &z, ops);
    const struct vx_isa_row *row = row_of(vcpu->model, in, &z);
    bool interpreted = row == NULL || mxcsr_differs(vcpu->model, &z) || is_magic(in, vcpu->debug);
    in->lower = interpreted ? (uint8_t)L_INTERP_END : bt_lower_of(row, in, cpu->mode);
    return ZYAN_STATUS_SUCCESS;
}

uint8_t *bt_fetch_hva(struct vx_bt_cpu *cpu, uint64_t lin)
{
    const struct vx_tlb *tlb = bt_tlb(cpu);
    uint8_t *hit = vx_tlb_probe(tlb, tlb->fetch_tag, lin, 1);
    if (hit != NULL)
        return hit;
    uint64_t phys;
    if (!vx_mmu_translate(cpu->vcpu->mmu, lin, VX_ACCESS_FETCH, vx_view_of(cpu->vcpu), &phys))
        return NULL;
    return vx_pmap_read_ptr(cpu->bt->config.pmap, phys);
}

/* Decodes the instruction of which `here` bytes are at `first` and the others at the start of the page at `second`. */
static bool decode_glued(struct vx_bt_cpu *cpu, const uint8_t *first, unsigned here, const uint8_t *second,
                         struct bt_insn *in)
{
    uint8_t glued[15];
    memcpy(glued, first, here);
    memcpy(glued + here, second, sizeof glued - here);
    return ZYAN_SUCCESS(decode_one(cpu, glued, sizeof glued, cpu->vcpu->rip, in));
}

/* The instruction at CS:rip may cross from the `here` bytes at `first` into the next page. The fetch there sets that
 * page's A bit, and what the guest's CPU does not have may be shorter to it than to Zydis: so it is looked at without a
 * trace before it is fetched, and what the interpreter would do anyway is left to it. */
static bool decode_straddling(struct vx_bt_cpu *cpu, const uint8_t *first, unsigned here, uint8_t **second,
                              struct bt_insn *in)
{
    uint64_t phys, next = vx_lin_wrap(vx_cs_lin(cpu->vcpu) + here);
    const uint8_t *seen =
        vx_mmu_peek(cpu->vcpu->mmu, next, &phys) ? vx_pmap_read_ptr(cpu->bt->config.pmap, phys) : NULL;
    if (seen == NULL || !decode_glued(cpu, first, here, seen, in) || in->lower == L_INTERP_END)
        return false;
    *second = bt_fetch_hva(cpu, next);
    return *second != NULL && (*second == seen || decode_glued(cpu, first, here, *second, in));
}

unsigned bt_decode_unit(struct vx_bt_cpu *cpu, struct bt_draft *draft, unsigned max)
{
    const struct vx_vcpu *vcpu = cpu->vcpu;
    uint64_t eip = vcpu->rip, limit = vcpu->seg[VX_CS].limit, lin = vx_cs_lin(vcpu);
    uint8_t *at = bt_fetch_hva(cpu, lin);
    unsigned n = 0;
    draft->mode = cpu->mode;
    draft->fp_pointers_always = cpu->fp_pointers_always;
    draft->pages = 1;
    draft->page_full = false;
    if (at == NULL)
        return 0;
    draft->hva[0] = at - (lin & VX_PAGE_MASK);
    while (n < max && !debugger_stops_at(cpu, lin, at)) {
        unsigned left = VX_PAGE_BYTES - (unsigned)(lin & VX_PAGE_MASK);
        struct bt_insn *in = &draft->insns[n];
        ZyanStatus status = decode_one(cpu, at, left < 15 ? left : 15, eip, in);
        if (ZYAN_FAILED(status)) { /* an instruction that is wrong already does not touch the second page */
            bool may_go_on = left < 15 && eip + left <= limit;
            draft->page_full = status == ZYDIS_STATUS_NO_MORE_DATA && n > 0;
            if (status != ZYDIS_STATUS_NO_MORE_DATA || n > 0 || !may_go_on ||
                !decode_straddling(cpu, at, left, &draft->hva[1], in))
                break;
            draft->pages = 2;
        }
        if (eip + in->len - 1 > limit)
            break;
        n++;
        eip += in->len;
        lin += in->len;
        at += in->len;
        if (bt_ends_unit(in->lower) || draft->pages == 2 || (lin & VX_PAGE_MASK) == 0)
            break;
    }
    return n;
}
