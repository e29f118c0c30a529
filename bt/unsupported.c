/* unsupported.c - the whole translator on hosts without an emitter: it says so, and the interpreter runs.
 *
 * Built instead of everything else in this folder unless the host is x86-64. */
#include "vx86/bt.h"

const char *vx_bt_unavailable(void)
{
    return "the translator needs an x86-64 host";
}

const char *vx_bt_refusal(uint64_t cache_bytes)
{
    (void)cache_bytes;
    return vx_bt_unavailable();
}

const char *vx_bt_lacks_windows(void)
{
    return vx_bt_unavailable();
}

vx_err vx_bt_create(const struct vx_bt_config *config, struct vx_bt **out)
{
    *out = NULL;
    vx_log_error(config->log, VX_LOG_BT, "%s; use --engine interp", vx_bt_unavailable());
    return VX_ERR_UNSUPPORTED;
}

void vx_bt_destroy(struct vx_bt *bt)
{
    (void)bt;
}

vx_err vx_bt_cpu_create(struct vx_bt *bt, struct vx_vcpu *vcpu, struct vx_bt_cpu **out)
{
    (void)bt, (void)vcpu;
    *out = NULL;
    return VX_ERR_UNSUPPORTED;
}

enum vx_stop vx_bt_run(struct vx_bt_cpu *cpu)
{
    (void)cpu;
    return VX_STOP_ATTENTION;
}

void vx_bt_forget(struct vx_bt *bt, uint64_t lin, const uint8_t *hva)
{
    (void)bt, (void)lin, (void)hva;
}

void vx_bt_flush(struct vx_bt *bt)
{
    (void)bt;
}

void vx_bt_count_exactly(struct vx_bt *bt, bool exact)
{
    (void)bt, (void)exact;
}

void vx_bt_count_units(struct vx_bt *bt, bool on)
{
    (void)bt, (void)on;
}

bool vx_bt_counts_units(const struct vx_bt *bt)
{
    (void)bt;
    return false;
}

void vx_bt_each_unit(const struct vx_bt *bt, vx_bt_unit_fn *fn, void *opaque)
{
    (void)bt, (void)fn, (void)opaque;
}

bool vx_bt_unit_site(const struct vx_bt_unit *unit, uint32_t off, uint64_t *eip, const char **what)
{
    (void)unit, (void)off, (void)eip, (void)what;
    return false;
}

bool vx_bt_unit_part(const struct vx_bt *bt, const struct vx_bt_unit *unit, unsigned index, struct vx_bt_part *part)
{
    (void)bt, (void)unit, (void)index, (void)part;
    return false;
}

bool vx_bt_unit_names(const struct vx_bt *bt, const struct vx_bt_unit *unit, uint32_t off, char *text, size_t room)
{
    (void)bt, (void)unit, (void)off, (void)text, (void)room;
    return false;
}

bool vx_bt_departure(const struct vx_bt_cpu *cpu, unsigned age, struct vx_bt_departure *departure)
{
    (void)cpu, (void)age, (void)departure;
    return false;
}

void vx_bt_mode_text(uint32_t mode, char *text, size_t room)
{
    (void)mode;
    if (room != 0)
        text[0] = '\0';
}
