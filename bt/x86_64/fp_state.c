/* fp_state.c - FXSAVE and FXRSTOR of the guest's state, with pointers that are the guest's.
 *
 * Compiled for general registers only, as callout.c is: it runs while the host's registers hold that state. */
#include "fp_state.h"

/* The C ABI's floating-point environment, after the guest's was saved. */
static void host_fp_defaults(void)
{
    static const uint32_t mxcsr = 0x1F80;
    __asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(mxcsr));
}

/* The guest's FOP, FIP, FCS, FDP and FDS in place of the host's, which are of the translator's code. */
static void tell_pointers(struct vx_vcpu *vcpu)
{
    struct bt_area *area = bt_area(vcpu);
    bool always = bt_cpu_of(vcpu)->fp_pointers_always, error = (vcpu->fx[FX_FSW] & FSW_ES) != 0;
    uint8_t *last = (uint8_t *)area->fp_last;
    const uint8_t *operand = always || error ? last : (const uint8_t *)area->fp_kept;
    if (!always)
        __builtin_memset(last + FX_FCS, 0, 2), __builtin_memset(last + FX_FDS, 0, 2);
    __builtin_memcpy(vcpu->fx + FX_FOP, operand + FX_FOP, 2);
    __builtin_memcpy(vcpu->fx + FX_FIP, last + FX_FIP, 8);
    __builtin_memcpy(vcpu->fx + FX_FDP, operand + FX_FDP, 4);
    __builtin_memcpy(vcpu->fx + FX_FDS, last + FX_FDS, 4);
}

static void keep_pointers(struct vx_vcpu *vcpu)
{
    struct bt_area *area = bt_area(vcpu);
    __builtin_memcpy(area->fp_last, vcpu->fx, sizeof area->fp_last);
    __builtin_memcpy(area->fp_kept, vcpu->fx, sizeof area->fp_kept);
}

void bt_fp_home(struct vx_vcpu *vcpu)
{
    struct bt_area *area = bt_area(vcpu);
    if (area->fp_away)
        return;
    __asm__ volatile("fxsave %0" : "=m"(vcpu->fx));
    tell_pointers(vcpu);
    host_fp_defaults();
    area->fp_away = 1;
}

void bt_fp_load(struct vx_vcpu *vcpu)
{
    keep_pointers(vcpu);
    __asm__ volatile("fxrstor %0" : : "m"(vcpu->fx));
    bt_area(vcpu)->fp_away = 0;
}
