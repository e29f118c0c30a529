/* fragments.c - see fragments.h. */
#include "fragments.h"

#include "smc.h" /* of bt/ */
#include "state.h"
#include "translate.h"

enum { CODE_AT = 0x1000, SMC_WRITES_MAX = 100000 };

static const struct {
    const char *bytes;
    bool real, count_units, window;
} programs[FRAGMENT_COUNT] = {
    [FRAGMENT_MEMORY] = { .bytes = "8b 03 "       /* mov eax, [ebx] */
                                   "89 06 "       /* mov [esi], eax */
                                   "8b 4f 04 "    /* mov ecx, [edi + 4] */
                                   "01 4f 08 "    /* add [edi + 8], ecx */
                                   "50 5a "       /* push eax; pop edx */
                                   "f7 f1 "       /* div ecx */
                                   "8d 54 8b 10 " /* lea edx, [ebx + ecx*4 + 10h] */
                                   "75 e9" },     /* jnz -23 */
    [FRAGMENT_REAL] = { .bytes = "8b 07 "         /* mov ax, [bx] */
                                 "89 44 02 "      /* mov [si + 2], ax */
                                 "a4 "            /* movsb */
                                 "ff 37 "         /* push word [bx] */
                                 "8e d8 "         /* mov ds, ax */
                                 "07 "            /* pop es */
                                 "c3",            /* ret */
                        .real = true },
    [FRAGMENT_FP] = { .bytes = "d9 03 "                                 /* fld dword [ebx] */
                               "0f 28 06 "                              /* movaps xmm0, [esi] */
                               "de c1 "                                 /* faddp */
                               "d9 1f "                                 /* fstp dword [edi] */
                               "ff e0" },                               /* jmp eax */
    [FRAGMENT_SYSTEM] = { .bytes = "fa fb 90 "                          /* cli; sti; nop */
                                   "9c 9d "                             /* pushf; popf */
                                   "e4 10 "                             /* in al, 10h */
                                   "f3 a5 "                             /* rep movsd */
                                   "00 23 "                             /* add [ebx], ah */
                                   "8e d8 "                             /* mov ds, eax */
                                   "c3" },                              /* ret */
    [FRAGMENT_LOOP] = { .bytes = "40 e1 fd" },                          /* inc eax; loope -3 */
    [FRAGMENT_SELF] = { .bytes = "b8 01 02 03 04 47 eb f7" },           /* mov eax, 4030201h; inc edi; jmp -9 */
    [FRAGMENT_UNITS] = { .bytes = "89 06 eb fc", .count_units = true }, /* mov [esi], eax; jmp -4 */
    [FRAGMENT_WINDOW] = { .bytes = "8b 03 "                             /* mov eax, [ebx] */
                                   "89 06 "                             /* mov [esi], eax */
                                   "01 4f 08 "                          /* add [edi + 8], ecx */
                                   "50 5a "                             /* push eax; pop edx */
                                   "a4 "                                /* movsb */
                                   "75 f6",                             /* jnz -10 */
                          .window = true },
    [FRAGMENT_BYTES] = { .bytes = "f6 3a "       /* idiv byte [edx] */
                                  "0f 9e 42 06 " /* setle [edx + 6] */
                                  "f6 62 01 "    /* mul byte [edx + 1] */
                                  "f6 6a 02 "    /* imul byte [edx + 2] */
                                  "88 42 03 "    /* mov [edx + 3], al */
                                  "c3" },        /* ret */
};

static void flat_segments(struct vx_vcpu *vcpu)
{
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        vcpu->seg[i] = (struct vx_seg){ .limit = UINT32_MAX, .sel = 0x10, .attr = 0xC093 };
    vcpu->seg[VX_CS] = (struct vx_seg){ .limit = UINT32_MAX, .sel = 0x08, .attr = 0xC09B };
}

static void load_code(struct rig *rig, enum fragment_id id)
{
    uint8_t code[64];
    size_t n = 0;
    const char *hex = programs[id].bytes;
    unsigned byte;
    int used;
    while (n < sizeof code && sscanf(hex, "%2x %n", &byte, &used) == 1) {
        code[n++] = (uint8_t)byte;
        hex += used;
    }
    code[n] = 0xCC;
    vx_pmap_write(rig->pmap, CODE_AT, code, n + 1);
}

/* Of the unit at CODE_AT. */
static struct bt_key key_of(const struct rig *rig)
{
    const struct vx_seg *cs = &rig->vcpu->seg[VX_CS];
    return (struct bt_key){ .hva = (uint64_t)(uintptr_t)vx_pmap_page_hva(rig->pmap, CODE_AT >> VX_PAGE_SHIFT),
                            .eip = CODE_AT,
                            .cs_base = cs->base,
                            .cs_limit = cs->limit,
                            .mode = rig->cpu->mode };
}

/* As a guest does that stores beside its code again and again. */
static void wear_out(struct rig *rig)
{
    uint32_t page = CODE_AT >> VX_PAGE_SHIFT;
    const struct bt_key key = key_of(rig);
    for (unsigned i = 0; i < SMC_WRITES_MAX && !bt_page_self_checking(&rig->bt->pages, page); i++) {
        if (bt_lookup_find(&rig->bt->lookup, &key) == NULL)
            bt_translate(rig->cpu);
        bt_smc_on_write(rig->bt, page, 0, 1);
    }
}

static struct bt_tu *make(struct rig *rig, enum fragment_id id)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    bool ready = vx_cpu_write_cr(vcpu, 4, VX_CR4_OSFXSR) && vx_cpu_far_jump(vcpu, 0, CODE_AT, 0);
    if (ready && !programs[id].real) {
        ready = vx_cpu_write_cr(vcpu, 0, VX_CR0_PE | VX_CR0_ET | VX_CR0_NE);
        flat_segments(vcpu);
    }
    load_code(rig, id);
    vx_mmu_sync_window(vcpu->mmu, VX_VIEW_SUPERVISOR);
    bt_sync(rig->cpu, bt_mode_of(vcpu));
    const struct bt_jc_view view = { .cs_base = vcpu->seg[VX_CS].base,
                                     .cs_limit = vcpu->seg[VX_CS].limit,
                                     .mode = rig->cpu->mode };
    bt_jc_select(&rig->cpu->jc, &view, vcpu->mmu);
    if (id == FRAGMENT_SELF)
        wear_out(rig);
    struct bt_tu *tu = ready ? bt_translate(rig->cpu) : NULL;
    if (tu == NULL)
        abort();
    return tu;
}

static struct vx_bt_config config_of(enum fragment_id id)
{
    return (struct vx_bt_config){ .count = true,
                                  .count_units = programs[id].count_units,
                                  .lowering = programs[id].window ? VX_LOWERING_AUTO : VX_LOWERING_SOFT };
}

struct bt_tu *fragment_make(struct rig *rig, enum fragment_id id)
{
    const struct vx_bt_config config = config_of(id);
    rig_create(rig, &config);
    return make(rig, id);
}

struct bt_tu *fragment_make_plain(struct rig *rig, enum fragment_id id)
{
    const struct vx_bt_config config = config_of(id);
    rig_create_plain(rig, &config);
    return make(rig, id);
}
