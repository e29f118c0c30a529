/* Error texts and the table of counters. */
#include <criterion/criterion.h>
#include <string.h>

#include "vx86/err.h"
#include "vx86/stats.h"

Test(err, every_code_has_its_own_text)
{
    for (int a = 0; a < VX_ERR_COUNT; a++) {
        const char *text = vx_err_text((vx_err)a);
        cr_assert(text != NULL && text[0] != '\0' && strcmp(text, "unknown error") != 0, "code %d", a);
        for (int b = 0; b < a; b++)
            cr_assert(strcmp(text, vx_err_text((vx_err)b)) != 0, "codes %d and %d", a, b);
    }
    cr_assert_str_eq(vx_err_text(VX_ERR_COUNT), "unknown error");
    cr_assert_str_eq(vx_err_text((vx_err)-1), "unknown error");
}

static vx_err pass_up(vx_err err, bool *reached_end)
{
    VX_TRY(err);
    *reached_end = true;
    return VX_ERR_OK;
}

Test(err, try_returns_early)
{
    bool reached_end = false;
    cr_assert_eq(pass_up(VX_ERR_IO, &reached_end), VX_ERR_IO);
    cr_assert(!reached_end);
    cr_assert_eq(pass_up(VX_ERR_OK, &reached_end), VX_ERR_OK);
    cr_assert(reached_end);
}

Test(stats, table_names_every_counter_once)
{
    size_t count;
    const struct vx_stat_desc *table = vx_stats_table(&count);
    struct vx_stats stats;
    memset(&stats, 0, sizeof stats);
    for (size_t i = 0; i < count; i++) {
        uint64_t *value = (uint64_t *)(void *)((char *)&stats + table[i].offset);
        cr_assert(table[i].offset + sizeof *value <= sizeof stats && *value == 0, "%s", table[i].name);
        cr_assert(table[i].group[0] != '\0' && table[i].text[0] != '\0', "%s", table[i].name);
        *value = 1;
    }
    cr_assert_eq(stats.tlb_misses, 1);
    cr_assert_eq(stats.time_idle_ns, 1);
}
