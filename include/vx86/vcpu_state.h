/* vcpu_state.h - the rows of vcpu_state.def at run time: a vCPU's state by name, and saved and loaded as a whole.
 *
 * Saved, a vCPU is (all numbers little-endian):
 *
 *     8 bytes "vx86vcpu" | u16 version | u16 rows | u32 signature, u64 features, u8 physical address bits of the model
 *     then each row: u8 length of its name, name, u16 bytes, value
 *
 * Thread rule: the vCPU's, at an instruction boundary, with nothing of the x87 and SSE state in the host's registers
 * (I3 of vcpu.h). */
#ifndef VX86_VCPU_STATE_H
#define VX86_VCPU_STATE_H

#include "vx86/vcpu.h"

/* Uses of a row, see vcpu_state.def. */
enum {
    VX_STATE_COMPARED = 1u << 0,
    VX_STATE_HASHED = 1u << 1,
    VX_STATE_MAIN = 1u << 2,
    VX_STATE_SETTABLE = 1u << 3,
};

struct vx_state_row {
    const char *name;
    uint64_t max; /* 0: no limit */
    uint16_t off, bytes;
    uint8_t uses; /* VX_STATE_* */
    uint8_t bits; /* as a register of the debugger, 0: it is none */
};

/* Row n in the table's order, NULL behind the last; by name, NULL when there is none. Static storage. */
const struct vx_state_row *vx_state_row(unsigned n);
const struct vx_state_row *vx_state_find(const char *name);

/* Where the row is in the vCPU: `bytes` of it. */
static inline uint8_t *vx_state_at(struct vx_vcpu *vcpu, const struct vx_state_row *row)
{
    return (uint8_t *)vcpu + row->off;
}

/* A row of up to 8 bytes. */
static inline uint64_t vx_state_get(const struct vx_vcpu *vcpu, const struct vx_state_row *row)
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)vcpu + row->off, row->bytes < sizeof value ? row->bytes : sizeof value);
    return value; /* little-endian host: checked in base */
}

/* Sets a row of up to 8 bytes as a debugger does: control and segment registers by the CPU's own rules at CPL 0, so
 * that hidden parts and modes follow. False: it is not VX_STATE_SETTABLE, the value is over its maximum, or the CPU
 * would raise mmu->fault; nothing has changed then. */
bool vx_state_set(struct vx_vcpu *vcpu, const struct vx_state_row *row, uint64_t value);

/* The x87 tag word in full, two bits a register (SDM 1 "x87 FPU Tag Word"), from the abridged one and the registers;
 * and the abridged one from it. */
uint16_t vx_x87_tags(const struct vx_vcpu *vcpu);
void vx_x87_set_tags(struct vx_vcpu *vcpu, uint16_t tags);

/* Writes the state to `out` if it fits into `room`. Returns its length. */
size_t vx_vcpu_save(const struct vx_vcpu *vcpu, uint8_t *out, size_t room);

/* Loads what vx_vcpu_save() has made of a vCPU of the same model; drops all translations, raises attention for what is
 * pending. The input is not trusted: a value that no CPU could have is refused. VX_ERR_BAD_FORMAT, with one line in
 * `problem` (of `room` bytes): the vCPU is as it was. Wires that the CPU drives (SMIACT#, FERR#) are not driven: their
 * other ends keep their levels. */
VX_MUST_USE vx_err vx_vcpu_load(struct vx_vcpu *vcpu, const uint8_t *bytes, size_t count, char *problem, size_t room);

#endif
