/* Statistics: rates that add up, JSON that is JSON, everything that was counted in both forms. */
#include <criterion/criterion.h>
#include <string.h>

#include "json_check.h"
#include "stats_report.h"

typedef void printer(FILE *out, const struct stats_report *report);

static char *printed(printer *print, const struct stats_report *report)
{
    char *buffer = NULL;
    size_t bytes;
    FILE *out = open_memstream(&buffer, &bytes);
    print(out, report);
    fclose(out);
    char *text = strdup(buffer);
    free(buffer);
    return text;
}

Test(stats_report, hit_rates_add_up)
{
    static const uint64_t rows[][4] = {
        { 0, 0, 0, 0 },
        { 1, 0, 0, 0 },
        { 1, 1, 1, 0 },
        { 1, 1, 1, 4 },
        { 636784569, 21142393, 2412660, 102793 },
        { UINT64_MAX / 4, UINT64_MAX / 4, UINT64_MAX / 4, 3 },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX, 1 },
        { 9999999, 1, 0, 0 },
        { 7, 7, 7, 7 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct vx_stats stats = { .entry_chain = rows[i][0],
                                  .entry_jump_cache = rows[i][1],
                                  .entry_hash = rows[i][2],
                                  .entry_miss = rows[i][3] };
        struct vx_stats_entry entries[VX_STATS_ENTRIES];
        unsigned sum = 0;
        vx_stats_entries(&stats, entries);
        for (unsigned level = 0; level < VX_STATS_ENTRIES; level++) {
            sum += entries[level].hundredths;
            cr_assert_eq(entries[level].count, rows[i][level]);
            cr_assert(rows[i][level] != 0 || entries[level].hundredths == 0, "row %zu: a share of nothing", i);
        }
        cr_assert_eq(sum, i == 0 ? 0 : 10000, "row %zu: %u", i, sum);
    }
}

Test(stats_report, opcodes_in_order)
{
    struct vx_stats stats = { 0 };
    struct vx_stats_opcode opcodes[VX_STATS_OPCODES];
    char text[16];
    cr_assert_eq(vx_stats_opcodes(&stats, opcodes), 0);
    stats.interp_by_opcode[0][0xF4] = 5;
    stats.interp_by_opcode[1][0xA2] = 9;
    stats.interp_by_opcode[3][0x0F] = 5;
    cr_assert_eq(vx_stats_opcodes(&stats, opcodes), 3);
    vx_stats_format_opcode(&opcodes[0], text, sizeof text);
    cr_assert_str_eq(text, "0F A2");
    vx_stats_format_opcode(&opcodes[1], text, sizeof text);
    cr_assert_str_eq(text, "F4");
    vx_stats_format_opcode(&opcodes[2], text, sizeof text);
    cr_assert_str_eq(text, "0F 3A 0F");
}

static uint64_t read_two(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque, (void)off, (void)size;
    return 2;
}

/* Each counter gets a value of its own and must be found again under its name. */
Test(stats_report, everything_is_in_the_json)
{
    struct vx_stats stats = { 0 };
    struct vx_bus *bus;
    struct vx_log *log = vx_log_create(stderr);
    struct vx_region region = {
        .name = "odd \"chip\"\\", .space = VX_SPACE_IO, .base = 0x123, .size = 1, .read = read_two
    };
    size_t rows;
    const struct vx_stat_desc *table = vx_stats_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        uint64_t value = 1000 + i;
        memcpy((char *)&stats + table[i].offset, &value, sizeof value);
    }
    stats.exceptions_by_vector[14] = 77;
    stats.interp_by_opcode[1][0x31] = 4242;
    struct vx_stats bus_stats = { 0 };
    cr_assert_eq(vx_bus_create(log, &bus_stats, &bus), VX_ERR_OK);
    cr_assert_eq(vx_bus_add(bus, &region), VX_ERR_OK);
    vx_bus_read(bus, VX_SPACE_IO, 0x123, 1);

    struct stats_report report = {
        .stats = &stats, .bus = bus, .engine = "bt", .wall_ns = 123456789, .exit_status = 3
    };
    char *text = printed(stats_print_json, &report);
    cr_assert(json_is_valid(text), "%s", text);
    for (size_t i = 0; i < rows; i++)
        cr_assert_eq(json_u64(text, table[i].name), 1000 + i, "%s", table[i].name);
    cr_assert_eq(json_u64(text, "exit_status"), 3);
    cr_assert_eq(json_u64(text, "wall_ns"), 123456789);
    cr_assert_not_null(strstr(text, "{\"opcode\": \"0F 31\", \"name\": \"RDTSC\", \"count\": 4242}"));
    cr_assert_not_null(strstr(text, "{\"vector\": 14, \"count\": 77}"));
    cr_assert_not_null(strstr(
        text, "{\"name\": \"odd \\\"chip\\\"\\\\\", \"space\": \"io\", \"base\": 291, \"reads\": 1, \"writes\": 0}"));
    free(text);

    text = printed(stats_print_text, &report);
    for (size_t i = 0; i < rows; i++)
        cr_assert_not_null(strstr(text, table[i].text), "%s", table[i].text);
    cr_assert_not_null(strstr(text, "4,242  0F 31    RDTSC"));
    cr_assert_not_null(strstr(text, "77  #PF"));
    cr_assert_not_null(strstr(text, "odd \"chip\""));
    free(text);
    vx_bus_remove(bus, &region);
    vx_bus_destroy(bus);
    vx_log_destroy(log);
}

Test(stats_report, nothing_counted)
{
    struct vx_stats stats = { 0 };
    struct stats_report report = { .stats = &stats, .engine = "interp" };
    char *text = printed(stats_print_json, &report);
    cr_assert(json_is_valid(text), "%s", text);
    cr_assert_null(strstr(text, "nan"));
    free(text);
    text = printed(stats_print_text, &report);
    cr_assert_null(strstr(text, "nan"));
    free(text);
}

Test(stats_report, the_checker_finds_mistakes)
{
    static const char *const wrong[] = { "",      "{",    "{\"a\": }", "{\"a\": 1,}", "[1 2]", "{a: 1}",
                                         "{} {}", "[01]", "\"\n\"",    "[nan]",       "[1.]",  "{\"a\": 1]" };
    static const char *const right[] = { "{}", "[]", " {\"a\": [1, -2.5e3, \"x\\u00e9\", true, null]} ", "0" };
    for (size_t i = 0; i < VX_ARRAY_LEN(wrong); i++)
        cr_assert_not(json_is_valid(wrong[i]), "%s", wrong[i]);
    for (size_t i = 0; i < VX_ARRAY_LEN(right); i++)
        cr_assert(json_is_valid(right[i]), "%s", right[i]);
}
