/* test_state.c - a vCPU whose every row of vcpu_state.def has been filled comes back whole from what was saved of it,
 * and what was tampered with is refused or harmless. That no member lacks a row is test_state_cover.c's. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "sys_world.h"
#include "vx86/vcpu_state.h"

enum { ROOM = 1 << 14 };

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 16 ^ *seed << 32;
}

/* No row is left at zero; those that a CPU ties to others get values that go together. */
static void fill(struct vx_vcpu *cpu, uint64_t seed)
{
    const struct vx_state_row *row;
    for (unsigned n = 0; (row = vx_state_row(n)) != NULL; n++) {
        uint8_t *at = vx_state_at(cpu, row);
        uint64_t value = 1 + (row->max != 0 && row->max != UINT64_MAX ? next(&seed) % row->max : next(&seed) >> 1);
        for (unsigned b = 0; b < row->bytes; b++)
            at[b] = (uint8_t)(next(&seed) | 1);
        if (row->bytes <= sizeof value && row->max != 0)
            memcpy(at, &value, row->bytes);
    }
    cpu->eflags = VX_FL_1 | VX_FL_ARITH | VX_FL_TF | VX_FL_IOPL | VX_FL_NT | VX_FL_RF | VX_FL_AC | VX_FL_ID;
    cpu->cr0 = VX_CR0_PE | VX_CR0_ET | VX_CR0_NE | VX_CR0_WP | VX_CR0_PG;
    cpu->cr4 = VX_CR4_PSE | VX_CR4_PAE | VX_CR4_PGE | VX_CR4_OSFXSR;
    cpu->efer = VX_EFER_NXE;
    cpu->cpl = 3;
    for (unsigned i = 0; i < VX_ARRAY_LEN(cpu->pdpte); i++)
        cpu->pdpte[i] = (uint64_t)(i + 1) << VX_PAGE_SHIFT | 1;
    cpu->monitor.phys = 0x12340;
}

static void wipe(struct vx_vcpu *cpu)
{
    const struct vx_state_row *row;
    vx_cpu_reset(cpu, false);
    for (unsigned n = 0; (row = vx_state_row(n)) != NULL; n++)
        memset(vx_state_at(cpu, row), 0, row->bytes);
}

/* The row whose bytes are not those of the copy; NULL: all are. */
static const char *differs(struct vx_vcpu *cpu, struct vx_vcpu *copy)
{
    const struct vx_state_row *row;
    for (unsigned n = 0; (row = vx_state_row(n)) != NULL; n++)
        if (memcmp(vx_state_at(cpu, row), vx_state_at(copy, row), row->bytes) != 0)
            return row->name;
    return NULL;
}

static struct vx_vcpu *copy_of(const struct vx_vcpu *cpu)
{
    struct vx_vcpu *copy = aligned_alloc(64, (sizeof *copy + 63) & ~(size_t)63);
    cr_assert_not_null(copy);
    memcpy(copy, cpu, sizeof *copy);
    return copy;
}

Test(state, every_row_comes_back)
{
    struct world *w = world_create();
    static uint8_t saved[ROOM], again[ROOM];
    char problem[128] = "";
    for (uint64_t seed = 1; seed <= 16; seed++) {
        fill(w->cpu, seed);
        struct vx_vcpu *before = copy_of(w->cpu);
        size_t bytes = vx_vcpu_save(w->cpu, saved, sizeof saved);
        cr_assert(bytes > 0 && bytes <= sizeof saved);
        wipe(w->cpu);
        cr_assert_not_null(differs(w->cpu, before));
        cr_assert_eq(vx_vcpu_load(w->cpu, saved, bytes, problem, sizeof problem), VX_ERR_OK, "%s", problem);
        const char *wrong = differs(w->cpu, before);
        cr_assert_null(wrong, "%s has not come back", wrong);
        cr_assert_eq(vx_vcpu_save(w->cpu, again, sizeof again), bytes);
        cr_assert_eq(memcmp(saved, again, bytes), 0);
        free(before);
    }
    world_destroy(w);
}

/* A row that is not carried over is seen: each in turn keeps what the wiped vCPU had. */
Test(state, a_row_that_is_not_loaded_is_noticed)
{
    struct world *w = world_create();
    const struct vx_state_row *row;
    fill(w->cpu, 99);
    struct vx_vcpu *before = copy_of(w->cpu);
    for (unsigned n = 0; (row = vx_state_row(n)) != NULL; n++) {
        memcpy(w->cpu, before, sizeof *before);
        memset(vx_state_at(w->cpu, row), 0, row->bytes);
        const char *wrong = differs(w->cpu, before);
        cr_assert(wrong != NULL && strcmp(wrong, row->name) == 0, "%s", row->name);
    }
    free(before);
    world_destroy(w);
}

/* Cut off anywhere it is refused, and the vCPU is as it was. */
Test(state, cut_off)
{
    struct world *w = world_create();
    static uint8_t saved[ROOM];
    char problem[128];
    fill(w->cpu, 7);
    size_t bytes = vx_vcpu_save(w->cpu, saved, sizeof saved);
    fill(w->cpu, 8);
    struct vx_vcpu *before = copy_of(w->cpu);
    for (size_t count = 0; count < bytes; count++) {
        problem[0] = '\0';
        cr_assert_eq(vx_vcpu_load(w->cpu, saved, count, problem, sizeof problem), VX_ERR_BAD_FORMAT, "%zu", count);
        cr_assert(problem[0] != '\0' && differs(w->cpu, before) == NULL, "%zu", count);
    }
    free(before);
    world_destroy(w);
}

/* Each byte in turn is another one: what is refused has changed nothing, what is taken is what was written there. */
Test(state, damaged)
{
    struct world *w = world_create();
    static uint8_t saved[ROOM], again[ROOM];
    char problem[128];
    unsigned refused = 0, taken = 0;
    fill(w->cpu, 7);
    size_t bytes = vx_vcpu_save(w->cpu, saved, sizeof saved);
    for (size_t at = 0; at < bytes; at++) {
        fill(w->cpu, 8);
        struct vx_vcpu *before = copy_of(w->cpu);
        saved[at] ^= 0xA5;
        if (vx_vcpu_load(w->cpu, saved, bytes, problem, sizeof problem) == VX_ERR_OK) {
            taken++;
            vx_vcpu_save(w->cpu, again, sizeof again);
            cr_assert_eq(memcmp(saved, again, bytes), 0, "byte %zu", at);
        } else {
            refused++;
            cr_assert_null(differs(w->cpu, before), "byte %zu", at);
        }
        saved[at] ^= 0xA5;
        free(before);
    }
    cr_assert(refused > 1000 && taken > 500, "%u refused, %u taken", refused, taken);
    world_destroy(w);
}
