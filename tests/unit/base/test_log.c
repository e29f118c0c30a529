/* What is printed, in which form, and how often. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/log.h"

/* A log into memory; text() hands back what was written so far. */
struct rig {
    struct vx_log *log;
    FILE *file;
    char *text;
    size_t bytes;
};

static void rig_open(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    rig->file = open_memstream(&rig->text, &rig->bytes);
    rig->log = vx_log_create(rig->file);
}

static const char *text(struct rig *rig)
{
    fflush(rig->file);
    return rig->text;
}

static void rig_close(struct rig *rig)
{
    vx_log_destroy(rig->log);
    fclose(rig->file);
    free(rig->text);
}

static unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

Test(log, form_of_a_line)
{
    struct rig rig;
    rig_open(&rig);
    vx_log_info(rig.log, VX_LOG_GENERAL, "%d MiB", 256);
    vx_log_error(rig.log, VX_LOG_BLOCK, "a\x1b[2J\tb\nc\x9b\n");
    vx_log_debug(rig.log, VX_LOG_BT, "not shown");
    cr_assert_str_eq(text(&rig), "vx86: 256 MiB\nvx86: block: a\\x1b[2J\tb\\x0ac\\x9b\n");
    rig_close(&rig);
}

Test(log, filters)
{
    /* Which of error, warn, info, debug of class bt, and debug of class cpu, print under each filter. */
    static const struct {
        const char *filter;
        const char *printed;
    } row[] = {
        { "info", "ewi" },   { "debug", "ewidD" },        { "bt", "ewid" },      { "bt=debug", "ewid" },
        { "bt=warn", "ew" }, { "bt=error", "ew" },        { "cpu", "ewiD" },     { "cpu=debug,bt=warn", "ewD" },
        { "warn", "ew" },    { "debug,bt=info", "ewiD" }, { "warn,bt", "ewid" }, { "bt,bt=info", "ewi" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(row); i++) {
        struct rig rig;
        rig_open(&rig);
        size_t bad = 99;
        cr_assert_eq(vx_log_set_filter(rig.log, row[i].filter, &bad), VX_ERR_OK, "%s", row[i].filter);
        vx_log_error(rig.log, VX_LOG_BT, "e");
        vx_log_warn(rig.log, VX_LOG_BT, "w");
        vx_log_info(rig.log, VX_LOG_BT, "i");
        vx_log_debug(rig.log, VX_LOG_BT, "d");
        vx_log_debug(rig.log, VX_LOG_CPU, "D");
        char got[16] = "";
        for (const char *c = text(&rig); *c != '\0'; c++)
            if (c[1] == '\n')
                strncat(got, c, 1);
        cr_assert_str_eq(got, row[i].printed, "%s: %s", row[i].filter, got);
        rig_close(&rig);
    }
}

Test(log, wrong_filters_change_nothing)
{
    static const struct {
        const char *filter;
        size_t bad;
    } row[] = {
        { "", 0 },    { "bt=loud", 3 }, { "nonsense", 0 },  { "bt,nonsense", 3 }, { "bt=debug,cpu=", 13 },
        { "bt=", 3 }, { "=debug", 0 },  { "bt,,cpu", 3 },   { "bt,", 3 },         { "debug=bt", 0 },
        { "btx", 0 }, { "b", 0 },       { "bt=debugx", 3 }, { "BT", 0 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(row); i++) {
        struct rig rig;
        rig_open(&rig);
        size_t bad = 99;
        cr_assert_eq(vx_log_set_filter(rig.log, row[i].filter, &bad), VX_ERR_BAD_ARGUMENT, "%s", row[i].filter);
        cr_assert_eq(bad, row[i].bad, "%s: %zu", row[i].filter, bad);
        vx_log_debug(rig.log, VX_LOG_BT, "shown?");
        cr_assert_str_eq(text(&rig), "", "%s", row[i].filter);
        rig_close(&rig);
    }
}

Test(log, guest_lines_are_limited_and_counted)
{
    struct rig rig;
    rig_open(&rig);
    size_t bad;
    vx_log_guest(rig.log, "off by default");
    cr_assert_str_eq(text(&rig), "");
    cr_assert_eq(vx_log_set_filter(rig.log, "guest", &bad), VX_ERR_OK);
    for (int i = 0; i < 1000; i++)
        vx_log_guest(rig.log, "port %x", i);
    for (int i = 0; i < 20; i++)
        vx_log_warn(rig.log, VX_LOG_DEVICE, "others are not limited");
    unsigned printed = lines(text(&rig)) - 20;
    cr_assert(printed >= 10 && printed <= 21, "%u lines", printed); /* a slow host may begin a second window */
    vx_log_destroy(rig.log);
    fflush(rig.file);
    uint64_t left_out = 0;
    for (const char *at = rig.text; (at = strstr(at, "guest: ")) != NULL; at++) {
        uint64_t count;
        if (sscanf(at, "guest: %" SCNu64 " more messages left out", &count) == 1)
            left_out += count;
    }
    unsigned shown = 0;
    for (const char *at = rig.text; (at = strstr(at, "guest: port")) != NULL; at++)
        shown++;
    cr_assert_eq(shown + left_out, 1000, "%u shown, %" PRIu64 " left out", shown, left_out);
    fclose(rig.file);
    free(rig.text);
}

static void before(void *opaque)
{
    fputs("<", opaque);
}
static void after(void *opaque)
{
    fputs(">", opaque);
}

Test(log, brackets_surround_each_line)
{
    struct rig rig;
    rig_open(&rig);
    vx_log_set_brackets(rig.log, before, after, rig.file);
    vx_log_info(rig.log, VX_LOG_GENERAL, "one");
    cr_assert_eq(vx_log_set_trace(rig.log, "pm_event"), VX_ERR_OK);
    vx_trace(rig.log, pm_event, "two");
    cr_assert_str_eq(text(&rig), "<vx86: one\n><pm_event: two\n>");
    rig_close(&rig);
}

Test(log, traces_by_glob)
{
    struct rig rig;
    rig_open(&rig);
    for (int id = 0; id < VX_TRACE_COUNT; id++)
        cr_assert(!vx_trace_on(rig.log, (enum vx_trace_id)id));
    cr_assert_eq(vx_log_set_trace(rig.log, "no_such_*"), VX_ERR_NOT_FOUND);
    cr_assert_eq(vx_log_set_trace(rig.log, "mmu_*"), VX_ERR_OK);
    cr_assert(vx_trace_on(rig.log, VX_TRACE_mmu_flush) && vx_trace_on(rig.log, VX_TRACE_mmu_page_fault));
    cr_assert(!vx_trace_on(rig.log, VX_TRACE_bt_translate));
    vx_trace(rig.log, bt_evict, 1u, 2u);
    vx_trace(rig.log, mmu_page_fault, UINT64_C(0xC0001234), 6u);
    cr_assert_str_eq(text(&rig), "mmu_page_fault: lin c0001234 error 6\n");
    rig_close(&rig);
}

static void *log_many(void *log)
{
    for (int i = 0; i < 500; i++)
        vx_log_info(log, VX_LOG_CPU, "0123456789");
    return NULL;
}

Test(log, lines_of_threads_stay_whole)
{
    struct rig rig;
    pthread_t thread[4];
    rig_open(&rig);
    for (size_t i = 0; i < VX_ARRAY_LEN(thread); i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, log_many, rig.log), 0);
    for (size_t i = 0; i < VX_ARRAY_LEN(thread); i++)
        pthread_join(thread[i], NULL);
    static const char line[] = "vx86: cpu: 0123456789\n";
    const char *got = text(&rig);
    cr_assert_eq(strlen(got), 2000 * (sizeof line - 1));
    for (size_t at = 0; at < rig.bytes; at += sizeof line - 1)
        cr_assert(memcmp(got + at, line, sizeof line - 1) == 0, "at %zu", at);
    rig_close(&rig);
}
