/* dump.c - a vCPU's state as text, for triple faults and debuggers. No side effect on the guest. */
#include "cpu_private.h"
#include "vx86/cpu.h"

static void dump_registers(struct vx_vcpu *cpu)
{
    const uint64_t *r = cpu->gpr;
    vx_log_info(cpu->log, VX_LOG_CPU, "EAX %08x EBX %08x ECX %08x EDX %08x", (unsigned)r[VX_RAX], (unsigned)r[VX_RBX],
                (unsigned)r[VX_RCX], (unsigned)r[VX_RDX]);
    vx_log_info(cpu->log, VX_LOG_CPU, "ESI %08x EDI %08x EBP %08x ESP %08x", (unsigned)r[VX_RSI], (unsigned)r[VX_RDI],
                (unsigned)r[VX_RBP], (unsigned)r[VX_RSP]);
    vx_log_info(cpu->log, VX_LOG_CPU, "EIP %08x EFLAGS %08x CPL %u%s%s%s%s", (unsigned)cpu->rip,
                (unsigned)vx_eflags(cpu), (unsigned)cpu->cpl, vx_real_mode(cpu) ? " real" : "",
                vx_vm86(cpu) ? " vm86" : "", cpu->halted ? " halted" : "", cpu->shutdown ? " shutdown" : "");
}

static void dump_segment(struct vx_vcpu *cpu, const char *name, const struct vx_seg *seg)
{
    vx_log_info(cpu->log, VX_LOG_CPU, "%-4s %04x base %08x limit %08x attr %04x%s", name, (unsigned)seg->sel,
                (unsigned)seg->base, (unsigned)seg->limit, (unsigned)seg->attr, seg->unusable ? " unusable" : "");
}

static void dump_control(struct vx_vcpu *cpu)
{
    static const char names[VX_SEG_COUNT][3] = { "ES", "CS", "SS", "DS", "FS", "GS" };
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        dump_segment(cpu, names[i], &cpu->seg[i]);
    dump_segment(cpu, "LDTR", &cpu->ldtr);
    dump_segment(cpu, "TR", &cpu->tr);
    vx_log_info(cpu->log, VX_LOG_CPU, "GDTR %08x limit %04x IDTR %08x limit %04x", (unsigned)cpu->gdtr.base,
                (unsigned)cpu->gdtr.limit, (unsigned)cpu->idtr.base, (unsigned)cpu->idtr.limit);
    vx_log_info(cpu->log, VX_LOG_CPU, "CR0 %08x CR2 %08x CR3 %08x CR4 %08x EFER %x DR6 %08x DR7 %08x",
                (unsigned)cpu->cr0, (unsigned)cpu->cr2, (unsigned)cpu->cr3, (unsigned)cpu->cr4, (unsigned)cpu->efer,
                (unsigned)cpu->dr[6], (unsigned)cpu->dr[7]);
    vx_log_info(cpu->log, VX_LOG_CPU, "last fault: vector %u error %x address %08x", (unsigned)cpu->mmu->fault.vector,
                (unsigned)cpu->mmu->fault.error, (unsigned)cpu->mmu->fault.lin);
}

/* Bytes at CS:EIP, as far as they are mapped to plain memory: reading a device would change it. */
static void dump_code(struct vx_vcpu *cpu)
{
    char text[16 * 3 + 1] = "";
    size_t at = 0;
    for (unsigned i = 0; i < 16; i++) {
        uint64_t phys, lin = (uint32_t)(vx_cs_lin(cpu) + i);
        if (!vx_mmu_peek(cpu->mmu, lin, &phys) || vx_pmap_read_page(cpu->mmu->pmap, phys) == VX_PMAP_BUS)
            break;
        at += (size_t)snprintf(text + at, sizeof(text) - at, " %02x", (unsigned)vx_pmap_load(cpu->mmu->pmap, phys, 1));
    }
    vx_log_info(cpu->log, VX_LOG_CPU, "code at EIP:%s", at != 0 ? text : " (not in memory)");
}

/* Oldest first, four to a line. */
static void dump_ring(struct vx_vcpu *cpu)
{
    const struct cpu_box *box = cpu_box(cpu);
    uint32_t count = box->ring_next < VX_RING_ENTRIES ? box->ring_next : VX_RING_ENTRIES;
    char text[4 * 15 + 1] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = (box->ring_next - count + i) % VX_RING_ENTRIES;
        at += (size_t)snprintf(text + at, sizeof(text) - at, " %04x:%08x", (unsigned)box->ring[slot].cs,
                               (unsigned)box->ring[slot].eip);
        if (i % 4 == 3 || i + 1 == count) {
            vx_log_info(cpu->log, VX_LOG_CPU, "%s%s", i < 4 ? "last instructions:" : "                  ", text);
            at = 0;
        }
    }
}

/* ---- how it shut down ------------------------------------------------------------------------------------------- */

static const char *exception_name(unsigned vector)
{
    static const char names[][4] = { "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",
                                     "#TS", "#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM" };
    return vector < VX_ARRAY_LEN(names) ? names[vector] : "";
}

/* Appends one fault; `place` is what is said of where, or "". Returns the new length. */
static size_t add_fault(char *text, size_t at, const struct vx_fault *fault, const char *place)
{
    size_t room = VX_CPU_SHUTDOWN_TEXT_BYTES - at;
    at += (size_t)snprintf(text + at, room, "%s %02x%s", exception_name(fault->vector), (unsigned)fault->vector, place);
    room = VX_CPU_SHUTDOWN_TEXT_BYTES - at;
    if (fault->has_error && fault->vector != VX_DF)
        at += (size_t)snprintf(text + at, room, ", error %x", (unsigned)fault->error);
    room = VX_CPU_SHUTDOWN_TEXT_BYTES - at;
    if (fault->vector == VX_PF)
        at += (size_t)snprintf(text + at, room, ", cr2 %08x", (unsigned)fault->lin);
    return at + (size_t)snprintf(text + at, VX_CPU_SHUTDOWN_TEXT_BYTES - at, "; then ");
}

void vx_cpu_shutdown_text(const struct vx_vcpu *cpu, char text[VX_CPU_SHUTDOWN_TEXT_BYTES])
{
    const struct cpu_chain *chain = &((const struct cpu_box *)cpu)->chain;
    char place[32];
    size_t at = 0;
    if (chain->count == 0)
        at = (size_t)snprintf(text, VX_CPU_SHUTDOWN_TEXT_BYTES, "RSM of a state that is not valid; then ");
    snprintf(place, sizeof place, " at %04x:%08x", (unsigned)chain->cs, (unsigned)chain->eip);
    for (unsigned i = 0; i < chain->count; i++) {
        if (i + 1 == chain->count && chain->left_out != 0)
            at += (size_t)snprintf(text + at, VX_CPU_SHUTDOWN_TEXT_BYTES - at, "%u more; then ", chain->left_out);
        at = add_fault(text, at, &chain->fault[i], i == 0 ? place : "");
    }
    snprintf(text + at, VX_CPU_SHUTDOWN_TEXT_BYTES - at, "shutdown");
}

static uint64_t mix(uint64_t key, uint64_t value)
{
    return (key ^ value) * 0x100000001B3u; /* FNV-1a, by words */
}

uint64_t vx_cpu_shutdown_key(const struct vx_vcpu *cpu)
{
    const struct cpu_chain *chain = &((const struct cpu_box *)cpu)->chain;
    uint64_t key = mix(mix(mix(0, chain->cs), chain->eip), chain->count);
    for (unsigned i = 0; i < chain->count; i++)
        key = mix(mix(key, chain->fault[i].vector), chain->fault[i].error);
    return key;
}

void vx_cpu_note(struct vx_vcpu *cpu)
{
    cpu_ring_note(cpu);
}

void vx_cpu_dump(struct vx_vcpu *cpu)
{
    dump_registers(cpu);
    dump_control(cpu);
    dump_code(cpu);
    dump_ring(cpu);
}
