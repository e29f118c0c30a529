/* test_sys_debug.c - what a debugger hears of changes of mode: the new one, while the old one is still in the vCPU. */
#include <criterion/criterion.h>

#include "sys_world.h"

enum { HANDLER = 0x9000, INT32 = 0x8E, MODES_MAX = 8 };

struct heard {
    struct vx_vcpu *cpu;
    uint32_t old[MODES_MAX], new[MODES_MAX];
    unsigned count;
};

static void hear(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail)
{
    struct heard *heard = opaque;
    (void)detail;
    if (event != VX_DEBUG_EVENT_MODE)
        return;
    cr_assert_lt(heard->count, MODES_MAX);
    heard->old[heard->count] = vx_mode_bits(heard->cpu->cr0, heard->cpu->eflags);
    heard->new[heard->count++] = (uint32_t)value;
}

static bool no_stop_here(void *opaque)
{
    (void)opaque;
    return false;
}

static bool no_stop_in(void *opaque, uint64_t lin, const uint8_t *hva, uint32_t bytes)
{
    (void)opaque, (void)lin, (void)hva, (void)bytes;
    return false;
}

/* IRET's frame at the top of ring 0's stack. */
static void return_frame(struct world *w, uint32_t eflags)
{
    const uint32_t frame[] = { 0, 0x0800, eflags, 0x0FFE, 0x2000, 0x1111, 0x3333, 0x4444, 0x5555 };
    uint32_t esp = W_STACK0 - sizeof frame;
    for (unsigned i = 0; i < VX_ARRAY_LEN(frame); i++)
        world_put(w, esp + i * 4, 4, frame[i]);
    w->cpu->gpr[VX_RSP] = esp;
}

Test(debug, modes_are_told)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    struct heard heard = { .cpu = cpu };
    const struct vx_vcpu_debug hooks = {
        .opaque = &heard, .event = hear, .stops_here = no_stop_here, .stops_in = no_stop_in
    };
    world_protected(w, 0);
    world_idt(w, 0x40, CODE_SEL(0), HANDLER, INT32 | DPL(3));
    cpu->debug = &hooks;
    const uint32_t protected = vx_mode_bits(cpu->cr0, 0);

    return_frame(w, VX_FL_VM | 3u << 12 | 2);
    cr_assert(vx_cpu_iret(cpu, 4, 0) && vx_vm86(cpu));
    cr_assert(vx_cpu_software_int(cpu, 0x40, VX_INT_N, 0) && !vx_vm86(cpu));
    cr_assert(vx_cpu_software_int(cpu, 0x40, VX_INT_N, 0), "from ring 0 to ring 0: no change");
    cr_assert(vx_cpu_write_cr(cpu, 0, (uint32_t)cpu->cr0 ^ VX_CR0_TS), "TS is no mode");
    cr_assert(vx_cpu_write_cr(cpu, 0, (uint32_t)cpu->cr0 & ~(uint32_t)(VX_CR0_PE | VX_CR0_PG)));

    const uint32_t modes[] = { protected, protected | VX_FL_VM, protected, 0 };
    cr_assert_eq(heard.count, VX_ARRAY_LEN(modes) - 1);
    for (unsigned i = 0; i < heard.count; i++)
        cr_expect(heard.old[i] == modes[i] && heard.new[i] == modes[i + 1], "%u: %x -> %x", i, heard.old[i],
                  heard.new[i]);
    cpu->debug = NULL;
    world_destroy(w);
}
