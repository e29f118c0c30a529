/* host.c - the translator's host is x86-64: what host.h asks for, so far as it has no file of its own. */
#include "host.h"

#include <stdlib.h>

#include "core.h"
#include "fragment.h"
#include "vx86/host.h"

const char *bt_host_unavailable(void)
{
    enum { EBX = 1, BMI2 = 1 << 8 }; /* SDM 2A "CPUID", leaf 07H */
    uint32_t regs[4];
    vx_host_cpuid(7, 0, regs);
    return regs[EBX] & BMI2 ? NULL : "this processor lacks BMI2, which the translator needs";
}

const char *bt_host_lacks_windows(void)
{
    return vx_host_gs_base_is_free() ? NULL : "its system does not allow WRGSBASE";
}

void bt_host_set_window(const uint8_t *base)
{
    __asm__ volatile("wrgsbase %0" : : "r"(base));
}

struct bt_host *bt_host_create(void)
{
    struct bt_host *host = calloc(1, sizeof *host);
    if (host == NULL)
        return NULL;
    host->cg = calloc(1, sizeof *host->cg);
    if (host->cg != NULL)
        return host;
    free(host);
    return NULL;
}

void bt_host_destroy(struct bt_host *host)
{
    if (host == NULL)
        return;
    free(host->cg);
    free(host);
}

void bt_host_make_stubs(struct vx_bt *bt)
{
    bt_stubs_make(&bt->host->stub, bt->code.rw, &bt->config);
}

const char *bt_host_stub_name(const struct bt_host *host, uint32_t off)
{
    const struct {
        uint32_t off;
        const char *name;
    } stubs[] = {
#define STUB(name) { host->stub.name, #name }
        STUB(exit_direct), STUB(exit_indirect), STUB(exit_interp), STUB(exit_boundary), STUB(exit_budget),
        STUB(exit_stale),  STUB(mem_slow),      STUB(share_slow),  STUB(insn),          STUB(rep),
        STUB(seg),         STUB(rdtsc),         STUB(rdtscp),      STUB(port),          STUB(software_int),
        STUB(iret),        STUB(sysenter),      STUB(sysexit),     STUB(fp_load),
#undef STUB
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(stubs); i++)
        if (stubs[i].off == off)
            return stubs[i].name;
    return NULL;
}

bool bt_host_emit(struct vx_bt *bt, struct bt_tu *tu, uint32_t base, struct bt_fragment *fragment)
{
    struct cg *cg = bt->host->cg;
    cg->config = &bt->config;
    cg->stub = &bt->host->stub;
    cg->draft = &bt->draft;
    if (!bt_fragment_emit(cg, tu, base))
        return false;
    *fragment = (struct bt_fragment){
        .code = cg->buffer, .bytes = cg->a.len, .start = cg->start, .sites = cg->site, .site_count = cg->site_count
    };
    return true;
}

/* One aligned-or-not 4-byte store: x86 hosts fetch it whole as long as no thread runs these bytes meanwhile. */
void bt_host_patch_exit(struct bt_code *code, const struct bt_exit *exit, uint32_t target)
{
    bt_code_patch32(code, exit->patch_off, target - (exit->patch_off + 4));
}

uint64_t bt_host_cycles(void)
{
    return __builtin_ia32_rdtsc();
}
