/* defined.c - did the outcome of a program hang on what the manual leaves undefined?
 *
 * Asked only when the engines differ: the program runs again by the interpreter, instruction by instruction, and the
 * flags left undefined are followed until an instruction that defines them. Reading one before, or having it pushed by
 * an event, makes the program worthless as a comparison; so does leaving the code that was generated (a far transfer
 * through random memory leads anywhere). */
#include <Zydis/Zydis.h>

#include "diff.h"

#include "world_map.h"

struct watch {
    struct vx_vcpu *vcpu;
    ZydisDecoder decoder[2];
    const uint8_t *code;  /* as it was generated */
    unsigned stores_left; /* see look_at_pointers() */
    uint32_t undefined;   /* flags whose value is undefined now */
    bool ok;
};

/* False when the page tables no longer lead to code that runs: the program has destroyed them, and lives on stale
 * translations. */
static bool fetch(struct watch *w, uint8_t bytes[15])
{
    struct vx_vcpu *vcpu = w->vcpu;
    uint64_t phys;
    memset(bytes, 0, 15);
    for (unsigned i = 0; i < 15 && vx_mmu_peek(vcpu->mmu, (uint32_t)(vx_cs_lin(vcpu) + i), &phys); i++)
        bytes[i] = (uint8_t)vx_pmap_load(vcpu->mmu->pmap, phys, 1);
    return vx_mmu_peek(vcpu->mmu, vx_cs_lin(vcpu), &phys) || vx_cs_lin(vcpu) >= WORLD_CODE;
}

static bool in_known_code(const struct vx_vcpu *vcpu)
{
    uint32_t lin = (uint32_t)vx_cs_lin(vcpu);
    return (lin >= WORLD_CODE && lin < WORLD_CODE + CODE_BYTES) || (lin >= WORLD_HANDLERS && lin < WORLD_LOG);
}

/* FNSTENV, FNSAVE, FXSAVE store what is not compared. The program's own ones have stores of zeros behind them, which
 * must not have been overwritten, and must not fault. */
static void look_at_pointers(struct watch *w, const ZydisDecodedInstruction *z)
{
    uint32_t off = (uint32_t)vx_cs_lin(w->vcpu) - WORLD_CODE;
    const uint8_t *now = vx_pmap_page_hva(w->vcpu->mmu->pmap, WORLD_CODE >> VX_PAGE_SHIFT) + off;
    bool zeros = z->mnemonic == ZYDIS_MNEMONIC_MOV && z->raw.imm[0].size != 0 && z->raw.imm[0].value.u == 0;
    if (w->stores_left > 0) {
        w->ok &= zeros && off < CODE_BYTES && memcmp(now, w->code + off, z->length) == 0;
        w->stores_left--;
    }
    if (z->mnemonic == ZYDIS_MNEMONIC_FNSTENV || z->mnemonic == ZYDIS_MNEMONIC_FNSAVE)
        w->stores_left = 4;
    else if (z->mnemonic == ZYDIS_MNEMONIC_FXSAVE)
        w->stores_left = 5;
}

static uint32_t flags_of(ZydisAccessedFlagsMask mask)
{
    return mask & VX_FL_ARITH;
}

static bool repeats(const ZydisDecodedInstruction *z)
{
    return (z->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
}

/* Shifts by zero and repeated comparisons of nothing write no flag at all. */
static bool writes_for_certain(const ZydisDecodedInstruction *z)
{
    bool shift =
        z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && ((z->opcode & 0xFE) == 0xC0 || (z->opcode & 0xFC) == 0xD0);
    bool shift_double = z->opcode_map == ZYDIS_OPCODE_MAP_0F && ((z->opcode & 0xF6) == 0xA4);
    return !shift && !shift_double && !repeats(z);
}

static bool pushes_flags(const ZydisDecodedInstruction *z)
{
    return z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
           (z->opcode == 0x9C || (z->opcode >= 0xCC && z->opcode <= 0xCE) || z->opcode == 0xF1);
}

static void look_at(struct watch *w, const ZydisDecodedInstruction *z)
{
    unsigned map = z->opcode_map == ZYDIS_OPCODE_MAP_0F ? 1 : z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ? 0 : 2;
    unsigned modrm = z->raw.modrm.mod << 6 | z->raw.modrm.reg << 3 | z->raw.modrm.rm;
    unsigned mandatory = z->attributes & ZYDIS_ATTRIB_HAS_REP ? 0xF3 : 0;
    uint32_t undefined = undefined_flags(map, z->opcode, z->raw.modrm.reg);
    if (undefined_result(map, z->opcode, modrm, mandatory))
        w->ok = false;
    look_at_pointers(w, z);
    if (z->cpu_flags != NULL && (w->undefined & flags_of(z->cpu_flags->tested)) != 0)
        w->ok = false;
    if (w->undefined != 0 && pushes_flags(z))
        w->ok = false;
    if (z->cpu_flags != NULL && writes_for_certain(z))
        w->undefined &= ~flags_of(z->cpu_flags->modified | z->cpu_flags->set_0 | z->cpu_flags->set_1);
    w->undefined |= undefined;
}

static bool changed(const struct watch *w, uint32_t lin, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t phys;
        if (!vx_mmu_peek(w->vcpu->mmu, lin + i, &phys) || vx_pmap_load(w->vcpu->mmu->pmap, phys, 1) != bytes[i])
            return true;
    }
    return false;
}

static void step(struct watch *w)
{
    struct vx_vcpu *vcpu = w->vcpu;
    uint8_t bytes[15];
    ZydisDecodedInstruction z;
    uint64_t exceptions = vcpu->stats->exceptions;
    uint32_t before = w->undefined;
    unsigned stores_before = w->stores_left;
    w->ok &= in_known_code(vcpu) && fetch(w, bytes);
    bool wide = (vcpu->seg[VX_CS].attr & VX_ATTR_DB) != 0;
    bool decoded =
        w->ok && ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&w->decoder[wide], NULL, bytes, sizeof bytes, &z));
    if (decoded)
        look_at(w, &z);
    else if ((vx_cs_lin(vcpu) & VX_PAGE_MASK) > VX_PAGE_BYTES - sizeof bytes)
        w->ok = false; /* how much of a wrong instruction is fetched, and so the A bit of the next page, too */
    uint64_t rip = vcpu->rip, base = vcpu->seg[VX_CS].base;
    vx_interp_step(vcpu);
    if (decoded && repeats(&z) && changed(w, (uint32_t)(base + rip), bytes, z.length))
        w->ok = false; /* how many iterations run before the new bytes are seen is the implementation's choice */
    if (vcpu->stats->exceptions != exceptions) { /* the instruction did nothing, the frame has the flags */
        w->ok &= before == 0 && stores_before == 0 && w->stores_left == 0;
        w->undefined = before;
        w->stores_left = 0;
    }
}

/* Page tables that were changed behind the TLB's back, other than by the CPU and by the handler. */
static bool tables_are_whole(const struct engines *engines)
{
    enum { TABLE_BYTES = 0x4000 };
    const uint32_t expected = 0x80000067; /* P, R/W, U/S, A, D; NX in an upper half */
    const uint8_t *now = vx_pmap_page_hva(engines->interp.pmap, WORLD_TABLES >> VX_PAGE_SHIFT);
    for (unsigned i = 0; i < TABLE_BYTES; i += 4) {
        uint32_t a, b;
        memcpy(&a, now + i, 4);
        memcpy(&b, world_code(engines->world) - WORLD_CODE + WORLD_TABLES + i, 4);
        if (((a ^ b) & ~expected) != 0)
            return false;
    }
    return true;
}

bool program_is_defined(struct engines *engines, const struct program *program)
{
    struct watch w = { .vcpu = engines->interp.vcpu, .code = world_code(engines->world), .ok = true };
    ZydisDecoderInit(&w.decoder[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&w.decoder[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    world_start(engines->world, &engines->interp, program);
    for (unsigned i = 0; i < ENGINES_BUDGET && w.ok && !w.vcpu->halted && !w.vcpu->shutdown; i++)
        step(&w);
    bool whole = program->setup.paging == PAGING_OFF || tables_are_whole(engines);
    return w.ok && w.undefined == 0 && whole;
}
