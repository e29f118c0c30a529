/* interp_fetch.c - instruction bytes beyond the code window, and all bytes of an instruction at once, for faults that
 * come after the fetch of its last byte.
 *
 * What finds the length knows nothing of legality: an instruction that no CPU model has, or has not in this form, is
 * fetched to its last byte before it is refused, and a fault of that fetch comes first (SDM 3A "Priority Among
 * Concurrent Events"). The handlers refuse as early as they can; here the instruction is measured again from its first
 * byte. */
#include "fault.h"
#include "interp.h"
#include "isa.h"

bool insn_fetch_slow(struct insn *in, void *buf, unsigned bytes)
{
    struct vx_vcpu *cpu = in->cpu;
    for (uint8_t *to = buf; bytes != 0; bytes--, to++) {
        if (in->fetch != in->fetch_end) {
            *to = *in->fetch++;
        } else {
            uint64_t phys;
            uint64_t eip = vx_off_wrap(in->next_eip);
            if (in->next_eip - in->start_eip >= INSN_BYTES_MAX || eip > cpu->seg[VX_CS].limit)
                return fault_code(cpu, VX_GP, 0);
            if (!vx_mmu_translate(cpu->mmu, cpu->seg[VX_CS].base + eip, VX_ACCESS_FETCH, in->view, &phys))
                return false;
            *to = (uint8_t)vx_pmap_cpu_load(cpu->mmu->pmap, cpu->mmu->cpu, phys, 1);
        }
        in->next_eip++;
    }
    return true;
}

static bool fetch_byte(struct insn *in, uint8_t *value)
{
    return insn_fetch_slow(in, value, 1);
}

static bool skip_bytes(struct insn *in, unsigned count)
{
    uint8_t byte;
    while (count-- != 0) {
        if (!fetch_byte(in, &byte))
            return false;
    }
    return true;
}

/* Bytes behind opcode, ModRM and displacement. */
static unsigned immediate_bytes(const struct insn *in, unsigned shape)
{
    return (shape & ISA_IMM1 ? 1u : 0) + (shape & ISA_IMM2 ? 2u : 0) + (shape & ISA_IMMZ ? in->op_size : 0) +
           (shape & ISA_OFFSET ? in->addr_size : 0);
}

/* names_registers: MOV CR and DR, whose ModRM has no memory form. */
static bool skip_modrm(struct insn *in, bool names_registers, uint8_t *modrm)
{
    uint8_t sib = 0;
    if (!fetch_byte(in, modrm))
        return false;
    unsigned mod = *modrm >> 6, rm = *modrm & 7;
    if (mod == 3 || names_registers)
        return true;
    if (in->addr_size == 2)
        return skip_bytes(in, mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
    if (rm == 4 && !fetch_byte(in, &sib))
        return false;
    bool absolute = mod == 0 && (rm == 4 ? sib & 7 : rm) == 5;
    return skip_bytes(in, mod == 1 ? 1 : mod == 2 || absolute ? 4 : 0);
}

static bool fetch_whole(struct insn *in)
{
    uint8_t byte, modrm = 0;
    unsigned map = 0;
    do {
        if (!fetch_byte(in, &byte))
            return false;
    } while (isa_is_prefix(byte));
    if (byte == 0x0F) {
        map = 1;
        if (!fetch_byte(in, &byte))
            return false;
        if (byte == 0x38 || byte == 0x3A) {
            map = byte == 0x38 ? 2 : 3;
            if (!fetch_byte(in, &byte))
                return false;
        }
    }
    unsigned shape = isa_shape(map, byte, 0);
    if ((shape & ISA_MODRM) && !skip_modrm(in, shape & ISA_NAMES, &modrm))
        return false;
    return skip_bytes(in, immediate_bytes(in, isa_shape(map, byte, modrm)));
}

bool insn_fetch_whole(struct insn *in)
{
    struct insn before = *in;
    in->next_eip = in->start_eip;
    in->fetch = in->fetch_end;
    if (!fetch_whole(in))
        return false;
    in->next_eip = before.next_eip;
    in->fetch = before.fetch;
    return true;
}

bool insn_ud(struct insn *in)
{
    return insn_fetch_whole(in) && fault_plain(in->cpu, VX_UD);
}
