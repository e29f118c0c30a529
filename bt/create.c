/* create.c - the translator of a machine, and its part for each processor: made and taken down. */
#include <stdlib.h>

#include "cache.h"
#include "control.h"
#include "decode.h"
#include "hostfault.h"
#include "news.h"
#include "verify.h"
#include "vx86/host.h"
#include "vx86/loop.h"

const char *vx_bt_unavailable(void)
{
    return bt_host_unavailable();
}

const char *vx_bt_refusal(uint64_t cache_bytes)
{
    struct vx_host_code code;
    const char *why = bt_host_unavailable();
    if (why != NULL)
        return why;
    if (!vx_host_code_create((cache_bytes != 0 ? cache_bytes : BT_CACHE_DEFAULT) + BT_STUB_BYTES, &code, &why))
        return why;
    vx_host_code_destroy(&code);
    return NULL;
}

const char *vx_bt_lacks_windows(void)
{
    const char *why = bt_host_unavailable();
    return why != NULL ? why : bt_host_lacks_windows();
}

static vx_err check_host(struct vx_log *log)
{
    const char *reason = bt_host_unavailable();
    if (reason == NULL)
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_BT, "%s; use --engine interp", reason);
    return VX_ERR_UNSUPPORTED;
}

static void fill_in(struct vx_bt_config *config)
{
    config->no_chain |= config->one_unit;
    config->no_jump_cache |= config->one_unit;
    if (config->stress)
        config->interpret_first = 0;
    if (config->tu_max == 0)
        config->tu_max = config->stress ? 1 : BT_TU_MAX_DEFAULT;
    if (config->cache_bytes == 0)
        config->cache_bytes = config->stress ? BT_CACHE_STRESS : BT_CACHE_DEFAULT;
}

static vx_err create_verifier(struct vx_bt *bt)
{
    if (!bt->config.verify)
        return VX_ERR_OK;
    bt->verifier = bt_verifier_create(&bt->config, &bt->code, bt->host);
    return bt->verifier != NULL ? VX_ERR_OK : VX_ERR_NO_MEMORY;
}

static vx_err init(struct vx_bt *bt)
{
    bt->host = bt_host_create();
    bt->decoder = bt_decoder_create();
    if (bt->host == NULL || bt->decoder == NULL)
        return VX_ERR_NO_MEMORY;
    VX_TRY(create_verifier(bt));
    VX_TRY(bt_code_create(&bt->code, bt->config.cache_bytes, bt->log));
    VX_TRY(bt_lookup_create(&bt->lookup));
    VX_TRY(bt_pages_create(&bt->pages, bt->config.pmap));
    VX_TRY(bt_hostfault_install(bt->log));
    if (bt->config.time_split)
        bt->stats->split.signal_ticks = bt_hostfault_ticks();
    bt->chains = (struct bt_chains){
        .off = bt->config.no_chain, .code = &bt->code, .verifier = bt->verifier, .log = bt->log, .stats = bt->stats
    };
    bt_make_stubs(bt);
    return VX_ERR_OK;
}

vx_err vx_bt_create(const struct vx_bt_config *config, struct vx_bt **out)
{
    VX_TRY(check_host(config->log));
    struct vx_bt *bt = calloc(1, sizeof *bt);
    if (bt == NULL)
        return VX_ERR_NO_MEMORY;
    bt->config = *config;
    fill_in(&bt->config);
    bt->stats = config->stats;
    bt->log = config->log;
    vx_err err = init(bt);
    if (err != VX_ERR_OK) {
        vx_bt_destroy(bt);
        return err;
    }
    bt_news_attach(bt);
    *out = bt;
    return VX_ERR_OK;
}

static void destroy_cpu(struct vx_bt_cpu *cpu)
{
    bt_hostfault_forget(cpu);
    bt_news_detach_cpu(cpu);
    bt_jc_destroy(&cpu->jc);
    free(cpu);
}

void vx_bt_destroy(struct vx_bt *bt)
{
    if (bt == NULL)
        return;
    bt_news_detach(bt);
    if (bt->pages.page != NULL)
        bt_cache_evict_all(bt);
    for (struct vx_bt_cpu *cpu = bt->cpus, *next; cpu != NULL; cpu = next) {
        next = cpu->next;
        destroy_cpu(cpu);
    }
    bt_code_destroy(&bt->code);
    bt_lookup_destroy(&bt->lookup);
    bt_pages_destroy(&bt->pages);
    bt_decoder_destroy(bt->decoder);
    bt_host_destroy(bt->host);
    bt_verifier_destroy(bt->verifier);
    free(bt);
}

static void attach(struct vx_bt_cpu *cpu)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    memset(vcpu->engine_area, 0, sizeof vcpu->engine_area);
    cpu->area = bt_area(vcpu);
    cpu->area->cpu = (uint64_t)(uintptr_t)cpu;
    cpu->area->fp_away = 1;
    cpu->next = cpu->bt->cpus;
    cpu->bt->cpus = cpu;
    bt_news_attach_cpu(cpu);
}

vx_err vx_bt_cpu_create(struct vx_bt *bt, struct vx_vcpu *vcpu, struct vx_bt_cpu **out)
{
    _Static_assert(sizeof(struct bt_area) <= VX_ENGINE_AREA_BYTES, "engine area too small");
    struct vx_bt_cpu *cpu = calloc(1, sizeof *cpu);
    if (cpu == NULL)
        return VX_ERR_NO_MEMORY;
    cpu->bt = bt;
    cpu->vcpu = vcpu;
    cpu->stats = vcpu->stats;
    cpu->fp_pointers_always = vx_cpu_fp_pointers_always(vcpu->model);
    cpu->rng = bt->config.stress_seed * 2 + 1;
    vx_err err = bt_jc_create(&cpu->jc, bt->config.no_jump_cache);
    if (err != VX_ERR_OK) {
        bt_jc_destroy(&cpu->jc);
        free(cpu);
        return err;
    }
    attach(cpu);
    *out = cpu;
    return bt_windows_open(cpu);
}
