/* The command line: defaults, values, ranges, mistakes with their messages, and what is printed from the table. */
#include <criterion/criterion.h>
#include <string.h>

#include "options.h"
#include "vx86/log.h"
#include "vx86/suggest.h"

#define MIB       (1ull << 20)
#define MAX_WORDS 24

/* Parses `line`, split at spaces; "" stands for itself as ''. */
static vx_err parse(const char *line, struct options *options, char storage[1024])
{
    char *argv[MAX_WORDS + 1] = { "vx86" };
    int argc = 1;
    snprintf(storage, 1024, "%s", line);
    for (char *word = strtok(storage, " "); word != NULL; word = strtok(NULL, " ")) {
        cr_assert_lt(argc, MAX_WORDS);
        argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    return options_parse(argc, argv, options);
}

Test(options, defaults)
{
    struct options options;
    char storage[1024];
    cr_assert_eq(parse("", &options, storage), VX_ERR_OK);
    cr_assert_null(options.image);
    cr_assert_eq(options.value[VX_OPT_memory].number, 256 * MIB);
    cr_assert_eq(options.value[VX_OPT_tc_size].number, 32 * MIB);
    cr_assert_eq(options.value[VX_OPT_tu_max].number, 32);
    cr_assert_eq(options.value[VX_OPT_stress].number, 1);
    cr_assert_eq(options.value[VX_OPT_engine].number, 0);
    cr_assert_eq(options.value[VX_OPT_display].number, 1); /* none */
    cr_assert_null(options.value[VX_OPT_serial].text);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++)
        cr_assert_not(options.value[id].given, "--%s is given without having been", option_of(id)->name);
}

Test(options, the_table_is_sound)
{
    for (unsigned id = 0; id < VX_OPT_COUNT; id++) {
        const struct option_desc *a = option_of(id);
        cr_assert_eq(a->argument[0] == '\0', a->kind == VX_KIND_FLAG, "--%s", a->name);
        bool ranged = a->kind == VX_KIND_NUMBER || a->kind == VX_KIND_SIZE || a->kind == VX_KIND_OPTIONAL_NUMBER;
        cr_assert_eq(a->high != 0, ranged, "--%s", a->name);
        cr_assert_leq(a->low, a->high);
        for (unsigned other = 0; other < id; other++) {
            cr_assert_str_neq(a->name, option_of(other)->name);
            cr_assert(a->short_name == 0 || a->short_name != option_of(other)->short_name, "-%c twice", a->short_name);
        }
    }
}

Test(options, numbers_and_words)
{
    static const struct {
        const char *line;
        enum option_id id;
        uint64_t number;
    } rows[] = {
        { "-m 64M", VX_OPT_memory, 64 * MIB },
        { "-m64M", VX_OPT_memory, 64 * MIB },
        { "-m=64M", VX_OPT_memory, 64 * MIB },
        { "--memory 64M", VX_OPT_memory, 64 * MIB },
        { "--memory=64m", VX_OPT_memory, 64 * MIB },
        { "--memory=65536k", VX_OPT_memory, 64 * MIB },
        { "--memory=67108864", VX_OPT_memory, 64 * MIB },
        { "--memory=0x4000000", VX_OPT_memory, 64 * MIB },
        { "-m 1M", VX_OPT_memory, MIB },
        { "-m 3G", VX_OPT_memory, 3072 * MIB },
        { "-m 3G -m 2M", VX_OPT_memory, 2 * MIB },
        { "--tu-max 1", VX_OPT_tu_max, 1 },
        { "--tu-max 128", VX_OPT_tu_max, 128 },
        { "--tc-size 64K", VX_OPT_tc_size, 65536 },
        { "--stress", VX_OPT_stress, 1 },
        { "--stress=77", VX_OPT_stress, 77 },
        { "--lockstep", VX_OPT_lockstep, 0 },
        { "--lockstep=1000", VX_OPT_lockstep, 1000 },
        { "--stress=0xffffffffffffffff", VX_OPT_stress, UINT64_MAX },
        { "--engine bt", VX_OPT_engine, 0 },
        { "--engine interp", VX_OPT_engine, 1 },
        { "--engine=interp --stats", VX_OPT_stats, 0 },
        { "--stats=json", VX_OPT_stats, 1 },
        { "--boot cdrom", VX_OPT_boot, 1 },
        { "--boot floppy", VX_OPT_boot, 2 },
        { "--floppy-speed real", VX_OPT_floppy_speed, 1 },
        { "--keyboard-layout jp", VX_OPT_keyboard_layout, 5 },
        { "--disk-format raw", VX_OPT_disk_format, 1 },
        { "--sandbox on", VX_OPT_sandbox, 0 },
        { "--sandbox=off", VX_OPT_sandbox, 1 },
        { "--timeout 5", VX_OPT_timeout, 5 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct options options;
        char storage[1024];
        cr_assert_eq(parse(rows[i].line, &options, storage), VX_ERR_OK, "%s: %s", rows[i].line, options.error);
        cr_assert(options.value[rows[i].id].given, "%s", rows[i].line);
        cr_assert_eq(options.value[rows[i].id].number, rows[i].number, "%s", rows[i].line);
    }
}

Test(options, texts_lists_and_the_image)
{
    struct options options;
    char storage[1024];
    cr_assert_eq(parse("a.img --disk b.img --disk=c.img --append '' --log bt=debug --log=cpu --stress --serial file:x",
                       &options, storage),
                 VX_ERR_OK);
    cr_assert_str_eq(options.image, "a.img");
    cr_assert_eq(options.value[VX_OPT_disk].count, 2);
    cr_assert_str_eq(options.value[VX_OPT_disk].list[0], "b.img");
    cr_assert_str_eq(options.value[VX_OPT_disk].list[1], "c.img");
    cr_assert_str_eq(options.value[VX_OPT_append].text, "");
    cr_assert_eq(options.value[VX_OPT_log].count, 2);
    cr_assert_str_eq(options.value[VX_OPT_serial].text, "file:x");
    cr_assert_eq(parse("--snapshot -- --strange.img", &options, storage), VX_ERR_OK);
    cr_assert_str_eq(options.image, "--strange.img");
    cr_assert_eq(parse("--append --foo=1", &options, storage), VX_ERR_OK);
    cr_assert_str_eq(options.value[VX_OPT_append].text, "--foo=1");
    cr_assert_eq(parse("-", &options, storage), VX_ERR_OK);
    cr_assert_str_eq(options.image, "-");
}

Test(options, mistakes)
{
    static const struct {
        const char *line, *message; /* a part of it */
    } rows[] = {
        { "--memroy 64M", "unknown option '--memroy'; did you mean '--memory'?" },
        { "--mem=64M", "did you mean '--memory'?" },
        { "--snapshoot", "did you mean '--snapshot'?" },
        { "--no-rebot", "did you mean '--no-reboot'?" },
        { "--tu-mx 3", "did you mean '--tu-max'?" },
        { "--cpus 2", "did you mean '--cpu'?" },
        { "--manual", "lists all options" }, /* --man is hidden */
        { "--xyzzy", "unknown option '--xyzzy'; vx86 --help lists all options" },
        { "-memory 64M", "did you mean '--memory'?" },
        { "-x", "unknown option '-x'" },
        { "--=3", "unknown option '--'" },
        { "-m", "--memory needs a value: --memory SIZE" },
        { "--kernel", "--kernel needs a value: --kernel FILE" },
        { "-m 512K", "--memory: 512K is out of range, choose 1M to 3G" },
        { "-m 3073M", "out of range" },
        { "-m 4G", "1M to 3G" },
        { "-m 256", "without K, M or G is in bytes" },
        { "-m 99999999999999999999", "is not a size" },
        { "-m 18446744073709551615G", "out of range" },
        { "-m 17179869185G", "out of range" }, /* wraps to 1G */
        { "-m -5M", "is not a size" },
        { "-m 5MB", "is not a size" },
        { "-m ''", "is not a size" },
        { "-m 0x", "is not a size" },
        { "--tu-max 0", "choose 1 to 128" },
        { "--tu-max 129", "choose 1 to 128" },
        { "--tu-max 5K", "is not a number" },
        { "--tc-size 1K", "choose 64K to 1G" },
        { "--stress=x", "is not a number" },
        { "--timeout 0", "out of range" },
        { "--engine jit", "--engine: there is no 'jit'; choose bt|interp" },
        { "--engine intrep", "did you mean 'interp'?" },
        { "--stats=xml", "choose json" },
        { "--stats=jsno", "did you mean 'json'?" },
        { "--snapshot=yes", "--snapshot takes no value" },
        { "--bios ''", "--bios: the name is empty" },
        { "--disk ''", "the name is empty" },
        { "''", "the name of the disk image is empty" },
        { "a.img b.img", "'b.img' is a second disk image; use --disk" },
        { "--log a --log a --log a --log a --log a --log a --log a --log a --log a", "at most 8 times" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct options options;
        char storage[1024];
        cr_assert_eq(parse(rows[i].line, &options, storage), VX_ERR_BAD_ARGUMENT, "%s", rows[i].line);
        cr_assert_not_null(strstr(options.error, rows[i].message), "%s: \"%s\"", rows[i].line, options.error);
        cr_assert_null(strchr(options.error, '\n'));
    }
}

Test(options, long_words_stay_in_their_buffers)
{
    static char word[4096], value[4096];
    memset(word, 'x', sizeof word - 1);
    memcpy(word, "--", 2);
    memset(value, '9', sizeof value - 1);
    static const char *const names[] = { "--memory", "--engine", "--stats", "--timeout", "--no-chain" };
    struct options options;
    cr_assert_eq(options_parse(2, (char *[]){ "vx86", word, NULL }, &options), VX_ERR_BAD_ARGUMENT);
    for (size_t i = 0; i < VX_ARRAY_LEN(names); i++) {
        size_t length = strlen(names[i]);
        memcpy(word, names[i], length);
        word[length] = '=';
        memset(word + length + 1, '9', sizeof word - length - 2);
        cr_assert_eq(options_parse(2, (char *[]){ "vx86", word, NULL }, &options), VX_ERR_BAD_ARGUMENT, "%s", names[i]);
        cr_assert_lt(strlen(options.error), sizeof options.error);
    }
}

/* One edit is near to anything, more to longer words: one for three letters. A swap of neighbours is one. */
Test(options, what_is_near)
{
    static const struct {
        const char *typed, *word;
        bool near;
    } rows[] = {
        { "abc", "acb", true },
        { "abc", "ab", true },
        { "ab", "abc", true },
        { "abc", "xbc", true },
        { "abcd", "abxy", false },
        { "kitten", "sitting", false },
        { "kitten", "kitsel", true },
        { "memroy", "memory", true },
        { "ca", "abc", false },
        { "tu-mx", "tu-max", true },
        { "abcdef", "badcef", true },
        { "abcdef", "badcfe", false },
        { "abcdefghi", "xyzdefghi", true },
        { "abcdefghi", "xyzdefghx", false },
        { "a", "b", false },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        const char *words[] = { NULL, rows[i].word };
        cr_assert_eq(vx_suggest(rows[i].typed, words, 2) != NULL, rows[i].near, "%s %s", rows[i].typed, rows[i].word);
    }
}

Test(options, sizes_are_written_as_they_are_read)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = { { 256 * MIB, "256M" }, { 3072 * MIB, "3G" }, { 1536 * 1024, "1536K" }, { 513, "513" }, { 0, "0" } };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        char text[24];
        option_format_size(rows[i].bytes, text, sizeof text);
        cr_assert_str_eq(text, rows[i].text);
    }
}

/* ---- what is printed --------------------------------------------------------------------------------------------- */

/* An option as the laboratory tells its own. */
static bool bench_option(size_t n, char *usage, size_t room, const char **help)
{
    snprintf(usage, room, "--sweep SETTING");
    *help = "vary one setting";
    return n == 0;
}

static void print_man(FILE *out)
{
    options_print_man(out, bench_option);
}

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    print(out);
    fclose(out);
    return text;
}

Test(options, help_and_manual_name_every_option)
{
    char *help = printed(options_print_help), *man = printed(print_man);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++) {
        const struct option_desc *option = option_of(id);
        char plain[64], escaped[128], *to = escaped;
        snprintf(plain, sizeof plain, "--%s", option->name);
        for (const char *from = plain; *from != '\0'; from++) {
            if (*from == '-')
                *to++ = '\\';
            *to++ = *from;
        }
        *to = '\0';
        bool hidden = option->group == VX_GROUP_HIDDEN;
        cr_assert_eq(strstr(help, plain) == NULL, hidden, "help and %s", plain);
        cr_assert_eq(strstr(man, escaped) == NULL, hidden, "manual and %s", plain);
    }
    for (unsigned group = 0; group < VX_GROUP_HIDDEN; group++) {
        cr_assert_not_null(strstr(help, option_group_title(group)));
        cr_assert_not_null(strstr(man, option_group_title(group)));
    }
    free(help);
    free(man);
}

Test(options, help_fits_a_hundred_columns)
{
    char *help = printed(options_print_help);
    for (char *line = strtok(help, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (line[0] == ' ') {
            cr_assert_leq(strlen(line), 100, "%s", line);
            cr_assert_neq(line[strlen(line) - 1], ' ', "%s", line);
        }
    free(help);
}

Test(options, manual_has_no_stray_troff_commands)
{
    static const char *const known[] = { ".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B ", ".I ", ".br" };
    char *man = printed(print_man);
    cr_assert_eq(strncmp(man, ".TH VX86 1 ", 11), 0);
    for (char *line = strtok(man, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        bool fine = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; i < VX_ARRAY_LEN(known); i++)
            fine = fine || strncmp(line, known[i], strlen(known[i])) == 0;
        cr_assert(fine, "%s", line);
    }
    free(man);
}

/* The manual has every command of the debugger, and every option of `vx86 bench`. */
Test(options, manual_has_debugger_and_bench)
{
    static const char *const wanted[] = {
        ".SH DEBUGGER COMMANDS",
        ".B step [N]\n",
        ".B trace\\-file [FILE]\n",
        "search 0 0xfffff \\(dqSeaBIOS\\(dq",
        ".SH OPTIONS OF VX86 BENCH",
        ".B \\-\\-sweep SETTING\n",
        "Ctrl\\-A d",
    };
    char *man = printed(print_man);
    for (size_t i = 0; i < VX_ARRAY_LEN(wanted); i++)
        cr_assert(strstr(man, wanted[i]) != NULL, "%s", wanted[i]);
    free(man);
}

/* The classes and levels that the help names are those that the log knows. */
Test(options, log_words_in_the_help_are_real)
{
    static const char *const heads[] = { "classes: ", "levels: " };
    struct vx_log *log = vx_log_create(stderr);
    for (size_t i = 0; i < VX_ARRAY_LEN(heads); i++) {
        char words[200];
        const char *start = strstr(option_of(VX_OPT_log)->help, heads[i]);
        cr_assert_not_null(start);
        start += strlen(heads[i]);
        snprintf(words, sizeof words, "%.*s", (int)strcspn(start, ";"), start);
        unsigned count = 0;
        for (char *word = strtok(words, ", "); word != NULL; word = strtok(NULL, ", "), count++)
            cr_assert_eq(vx_log_set_filter(log, word, NULL), VX_ERR_OK, "%s", word);
        cr_assert_eq(count, i == 0 ? VX_LOG_CLASS_COUNT : 4);
    }
    vx_log_destroy(log);
}
