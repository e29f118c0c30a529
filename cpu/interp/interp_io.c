/* interp_io.c - IN OUT INS OUTS. Rights come from vx_cpu_io_allowed(), the access from the machine.
 *
 *   I1  INS checks its destination before it reads the port: a port read cannot be taken back. */
#include "debug_registers.h"
#include "interp_operand.h"
#include "interp_string.h"
#include "interp_table.h"

static bool port_allowed(struct insn *in, uint16_t port, unsigned size)
{
    if (VX_UNLIKELY(in->watch))
        in->dr6_hits |= dr_port_hits(in->cpu, port, size);
    return vx_cpu_io_allowed(in->cpu, port, size);
}

static bool port_in(struct insn *in, uint16_t port)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->opcode & 1 ? in->op_size : 1;
    if (!port_allowed(in, port, size))
        return false;
    set_reg(cpu, VX_RAX, size, cpu->ops->port_read(cpu->ops_opaque, port, size));
    return true;
}

static bool port_out(struct insn *in, uint16_t port)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->opcode & 1 ? in->op_size : 1;
    if (!port_allowed(in, port, size))
        return false;
    cpu->ops->port_write(cpu->ops_opaque, port, size, get_reg(cpu, VX_RAX, size));
    return true;
}

bool interp_in_ib(struct insn *in)
{
    uint8_t port;
    return insn_imm8(in, &port) && port_in(in, port);
}

bool interp_out_ib(struct insn *in)
{
    uint8_t port;
    return insn_imm8(in, &port) && port_out(in, port);
}

bool interp_in_dx(struct insn *in)
{
    return port_in(in, (uint16_t)in->cpu->gpr[VX_RDX]);
}

bool interp_out_dx(struct insn *in)
{
    return port_out(in, (uint16_t)in->cpu->gpr[VX_RDX]);
}

static bool ins_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t di = get_reg(cpu, VX_RDI, in->addr_size);
    if (!insn_probe_write(in, VX_ES, di, size)) /* I1 */
        return false;
    uint32_t value = cpu->ops->port_read(cpu->ops_opaque, (uint16_t)cpu->gpr[VX_RDX], size);
    if (!mem_write(in, VX_ES, di, size, value))
        return false;
    string_advance(in, VX_RDI, size, 1);
    return true;
}

static bool outs_one(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value;
    if (!mem_read(in, in->seg, get_reg(cpu, VX_RSI, in->addr_size), size, &value))
        return false;
    cpu->ops->port_write(cpu->ops_opaque, (uint16_t)cpu->gpr[VX_RDX], size, value);
    string_advance(in, VX_RSI, size, 1);
    return true;
}

/* Upwards into one page that the shadow has, if the port's chip moves blocks. */
static uint32_t ins_bulk(struct insn *in, unsigned size, uint32_t max)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t di = get_reg(cpu, VX_RDI, in->addr_size);
    if (cpu->dflag || cpu->ops->port_read_block == NULL)
        return 0;
    uint32_t n = string_reach(in, VX_ES, di, size, max);
    uint8_t *dst = n < 2 ? NULL : string_element(in, in->tlb->write_tag, VX_ES, di, size);
    if (dst == NULL)
        return 0;
    n = (uint32_t)cpu->ops->port_read_block(cpu->ops_opaque, (uint16_t)cpu->gpr[VX_RDX], size, dst, n);
    string_advance(in, VX_RDI, size, n);
    return n;
}

static uint32_t outs_bulk(struct insn *in, unsigned size, uint32_t max)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t si = get_reg(cpu, VX_RSI, in->addr_size);
    if (cpu->dflag || cpu->ops->port_write_block == NULL)
        return 0;
    uint32_t n = string_reach(in, in->seg, si, size, max);
    const uint8_t *src = n < 2 ? NULL : string_element(in, in->tlb->read_tag, in->seg, si, size);
    if (src == NULL)
        return 0;
    n = (uint32_t)cpu->ops->port_write_block(cpu->ops_opaque, (uint16_t)cpu->gpr[VX_RDX], size, src, n);
    string_advance(in, VX_RSI, size, n);
    return n;
}

bool interp_ins(struct insn *in)
{
    static const struct string_op op = { .one = ins_one, .bulk = ins_bulk, .is_port = true };
    return port_allowed(in, (uint16_t)in->cpu->gpr[VX_RDX], string_size(in)) && string_repeat(in, &op);
}

bool interp_outs(struct insn *in)
{
    static const struct string_op op = { .one = outs_one, .bulk = outs_bulk, .is_port = true };
    return port_allowed(in, (uint16_t)in->cpu->gpr[VX_RDX], string_size(in)) && string_repeat(in, &op);
}
