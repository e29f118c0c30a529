/* rig.c - see rig.h. */
#include "rig.h"

#include <signal.h>

#include "bare.h"

static uint64_t bus_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    (void)opaque, (void)size;
    return phys * 0x0101010101010101ull; /* recognisable, the same for both engines */
}

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    return (port + 0x1234u) * 0x9E3779B9u + size;
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    struct rig *rig = opaque;
    (void)size;
    switch (port) {
    case RIG_PORT_INTR:
        rig->vector = (int)(value & 0xFF);
        vx_vcpu_set_intr(rig->vcpu, true);
        break;
    case RIG_PORT_NMI:
        rig->vcpu->nmi_pending = true;
        vx_vcpu_raise(rig->vcpu, VX_ATTN_NMI);
        break;
    case RIG_PORT_SMI: vx_vcpu_smi(rig->vcpu); break;
    case RIG_PORT_A20:
        if (vx_pmap_a20(rig->pmap) != ((value & 2) != 0))
            vx_pmap_set_a20(rig->pmap, (value & 2) != 0);
        break;
    default: break;
    }
}

static int ack_interrupt(void *opaque)
{
    struct rig *rig = opaque;
    int vector = rig->vector;
    rig->vcpu->intr_line = false;
    rig->interrupts++;
    return vector;
}

static uint64_t input(void *opaque, enum vx_vcpu_input what)
{
    const struct rig *rig = opaque;
    if (what == VX_INPUT_IGNNE)
        return 0;
    return rig->tsc_counts ? rig->vcpu->retired : 42;
}

static const struct vx_vcpu_ops ops = {
    .port_read = port_read,
    .port_write = port_write,
    .ack_interrupt = ack_interrupt,
    .input = input,
    .apic_base = bare_apic_base,
    .ferr = bare_ferr,
};

static void on_watchdog(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    vx_vcpu_raise(info->si_value.sival_ptr, VX_ATTN_STOP);
}

static bool create_watchdog(struct rig *rig)
{
    struct sigaction action = { .sa_sigaction = on_watchdog, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                              .sigev_signo = SIGALRM,
                              .sigev_value.sival_ptr = rig->vcpu };
    return sigaction(SIGALRM, &action, NULL) == 0 &&
           timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &rig->watchdog) == 0;
}

void rig_watchdog(struct rig *rig, unsigned ms)
{
    struct itimerspec when = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L } };
    timer_settime(rig->watchdog, 0, &when, NULL);
}

static bool create_parts(struct rig *rig, const struct vx_bt_config *options)
{
    struct bare_config bare = {
        .log = rig->log,
        .stats = &rig->stats,
        .ram_bytes = RIG_RAM,
        .bus = { bus_read, bare_bus_write },
        .ops = &ops,
        .ops_opaque = rig,
    };
    struct vx_cpu_model *model;
    char problem[80];
    if (vx_cpu_model_create(RIG_CPU, problem, sizeof problem, &model) != VX_ERR_OK)
        return false;
    bare.model = model;
    bool created = bare_create(&bare, &rig->pmap, &rig->vcpu);
    vx_cpu_model_destroy(model);
    if (!created || !create_watchdog(rig))
        return false;
    if (options == NULL)
        return true;
    struct vx_bt_config config = *options;
    config.log = rig->log;
    config.stats = &rig->stats;
    config.pmap = rig->pmap;
    rig->units = config.one_unit;
    rig->exact = config.exact_count;
    rig->slice = config.exact_count ? config.stress_seed : 0;
    return vx_bt_create(&config, &rig->bt) == VX_ERR_OK && vx_bt_cpu_create(rig->bt, rig->vcpu, &rig->cpu) == VX_ERR_OK;
}

void rig_create(struct rig *rig, const struct vx_bt_config *options)
{
    struct vx_bt_config verified;
    if (options != NULL) {
        verified = *options;
        verified.verify = true;
        options = &verified;
    }
    rig_create_plain(rig, options);
}

void rig_create_plain(struct rig *rig, const struct vx_bt_config *options)
{
    memset(rig, 0, sizeof *rig);
    rig->vector = -1;
    rig->log = vx_log_create(stderr);
    if (!create_parts(rig, options))
        abort();
}

void rig_destroy(struct rig *rig)
{
    timer_delete(rig->watchdog);
    vx_bt_destroy(rig->bt);
    vx_cpu_destroy(rig->vcpu);
    vx_pmap_destroy(rig->pmap);
    vx_log_destroy(rig->log);
}

void rig_interrupt_soon(struct rig *rig)
{
    atomic_store(&rig->wanted, true);
    vx_vcpu_raise(rig->vcpu, VX_ATTN_WORK);
}

/* Between two turns of the engine: what a machine does with its CPU. */
static void look_at_events(struct rig *rig)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    if (atomic_exchange(&rig->wanted, false) && rig->vector >= 0)
        vx_vcpu_set_intr(vcpu, true);
    vx_cpu_take_events(vcpu);
    if (vcpu->inhibit != VX_INHIBIT_NONE && atomic_load(&vcpu->attention) != 0)
        vx_interp_step(vcpu); /* what is in the shadow comes first */
}

/* Has the translator stopped where it was told to, and not at the end of the budget? */
static bool goes_on(const struct rig *rig)
{
    return rig->units || (rig->slice != 0 && rig->vcpu->retired == rig->vcpu->retire_limit);
}

enum rig_end rig_run(struct rig *rig, uint64_t max_insns)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    uint64_t start_insns = rig->stats.interp_insns, start_retired = vcpu->retired;
    enum rig_end end = RIG_ENDLESS;
    if (rig->bt != NULL)
        rig_watchdog(rig, 1000 * RIG_SECONDS);
    for (;;) {
        if (atomic_exchange(&vcpu->attention, 0) & VX_ATTN_STOP)
            break;
        look_at_events(rig);
        if (rig->slice != 0)
            vcpu->retire_limit = vcpu->retired + rig->slice;
        uint64_t done = rig->stats.interp_insns - start_insns;
        enum vx_stop stop = rig->bt != NULL ? vx_bt_run(rig->cpu) : vx_interp_run(vcpu, max_insns - done);
        if (stop == VX_STOP_SHUTDOWN || (stop == VX_STOP_HALT && !vx_cpu_event_ready(vcpu))) {
            end = stop == VX_STOP_HALT ? RIG_HALT : RIG_SHUTDOWN;
            break;
        }
        if (stop == VX_STOP_BUDGET && !goes_on(rig))
            break;
    }
    rig->retired = vcpu->retired - start_retired;
    if (rig->bt != NULL)
        rig_watchdog(rig, 0);
    return end;
}
