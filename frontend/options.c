/* options.c - the table as data, and the parser that walks argv. Values are taken in options_value.c. */
#include "options.h"

#include <string.h>

#include "vx86/suggest.h"

static const struct option_desc table[] = {
#define VX_OPTION(id, name, letter, argument, group, kind, initial, low, high, help) \
    [VX_OPT_##id] = { name, letter, argument, VX_GROUP_##group, VX_KIND_##kind, initial, low, high, help },
#include "options.def"
#undef VX_OPTION
};

const struct option_desc *option_of(enum option_id id)
{
    VX_ASSERT((unsigned)id < VX_OPT_COUNT);
    return &table[id];
}

const char *option_group_title(enum option_group group)
{
    static const char *const titles[VX_GROUP_COUNT] = {
        [VX_GROUP_MACHINE] = "Machine",
        [VX_GROUP_DRIVES] = "Drives and what is booted",
        [VX_GROUP_FRONT] = "Screen and serial line",
        [VX_GROUP_ENGINE] = "Engine",
        [VX_GROUP_DEBUG] = "Debugger",
        [VX_GROUP_END] = "The end",
        [VX_GROUP_OUTPUT] = "What vx86 tells",
        [VX_GROUP_HIDDEN] = "",
    };
    VX_ASSERT((unsigned)group < VX_GROUP_COUNT);
    return titles[group];
}

static bool takes_value(const struct option_desc *option)
{
    return option->kind != VX_KIND_FLAG;
}

static bool value_is_optional(const struct option_desc *option)
{
    return option->kind == VX_KIND_OPTIONAL_NUMBER || option->kind == VX_KIND_OPTIONAL_CHOICE;
}

static int find_long(const char *name, size_t length)
{
    for (unsigned id = 0; id < VX_OPT_COUNT; id++)
        if (strlen(table[id].name) == length && memcmp(table[id].name, name, length) == 0)
            return (int)id;
    return -1;
}

static int find_short(char letter)
{
    for (unsigned id = 0; id < VX_OPT_COUNT; id++)
        if (letter != '\0' && table[id].short_name == letter)
            return (int)id;
    return -1;
}

static vx_err unknown_long(const char *name, size_t length, struct options *options)
{
    const char *words[VX_OPT_COUNT];
    for (unsigned id = 0; id < VX_OPT_COUNT; id++)
        words[id] = table[id].group == VX_GROUP_HIDDEN ? NULL : table[id].name;
    char typed[VX_SUGGEST_CHARS + 2];
    snprintf(typed, sizeof typed, "%.*s", (int)(length < sizeof typed ? length : sizeof typed - 1), name);
    const char *near = vx_suggest(typed, words, VX_ARRAY_LEN(words));
    if (near != NULL)
        snprintf(options->error, sizeof options->error, "unknown option '--%s'; did you mean '--%s'?", typed, near);
    else
        snprintf(options->error, sizeof options->error, "unknown option '--%s'; vx86 --help lists all options", typed);
    return VX_ERR_BAD_ARGUMENT;
}

struct walk {
    int argc, at;
    char *const *argv;
};

/* The value that `option` needs: `attached` or the next word. */
static vx_err take(const struct option_desc *option, const char *attached, struct walk *walk, struct options *options)
{
    const char *value = attached;
    if (!takes_value(option) && attached != NULL) {
        snprintf(options->error, sizeof options->error, "--%s takes no value; leave '=%.80s' away", option->name,
                 attached);
        return VX_ERR_BAD_ARGUMENT;
    }
    if (takes_value(option) && !value_is_optional(option) && attached == NULL) {
        if (walk->at + 1 >= walk->argc) {
            snprintf(options->error, sizeof options->error, "--%s needs a value: --%s %s", option->name, option->name,
                     option->argument);
            return VX_ERR_BAD_ARGUMENT;
        }
        value = walk->argv[++walk->at];
    }
    return option_take((enum option_id)(option - table), value, options);
}

static vx_err take_long(struct walk *walk, struct options *options)
{
    const char *name = walk->argv[walk->at] + 2;
    size_t length = strcspn(name, "=");
    int id = find_long(name, length);
    if (id < 0)
        return unknown_long(name, length, options);
    return take(&table[id], name[length] == '=' ? name + length + 1 : NULL, walk, options);
}

static vx_err take_short(struct walk *walk, struct options *options)
{
    const char *word = walk->argv[walk->at];
    int id = find_short(word[1]);
    if (find_long(word + 1, strcspn(word + 1, "=")) >= 0) {
        snprintf(options->error, sizeof options->error, "unknown option '%.80s'; did you mean '-%.80s'?", word, word);
        return VX_ERR_BAD_ARGUMENT;
    }
    if (id < 0) {
        snprintf(options->error, sizeof options->error, "unknown option '%.80s'; vx86 --help lists all options", word);
        return VX_ERR_BAD_ARGUMENT;
    }
    const char *attached = word[2] == '\0' ? NULL : word + 2 + (word[2] == '=');
    return take(&table[id], attached, walk, options);
}

static vx_err take_image(const char *path, struct options *options)
{
    if (path[0] == '\0') {
        snprintf(options->error, sizeof options->error, "the name of the disk image is empty; name a file");
        return VX_ERR_BAD_ARGUMENT;
    }
    if (options->image != NULL) {
        snprintf(options->error, sizeof options->error, "'%.120s' is a second disk image; use --disk for further disks",
                 path);
        return VX_ERR_BAD_ARGUMENT;
    }
    options->image = path;
    return VX_ERR_OK;
}

static void set_defaults(struct options *options)
{
    memset(options, 0, sizeof *options);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++) {
        if (table[id].initial[0] == '\0')
            continue;
        VX_ASSERT(option_take((enum option_id)id, table[id].initial, options) == VX_ERR_OK);
        options->value[id].given = false;
    }
}

vx_err options_parse(int argc, char *const argv[], struct options *options)
{
    struct walk walk = { .argc = argc, .at = 1, .argv = argv };
    bool only_images = false;
    set_defaults(options);
    for (; walk.at < argc; walk.at++) {
        const char *word = argv[walk.at];
        if (only_images || word[0] != '-' || word[1] == '\0')
            VX_TRY(take_image(word, options));
        else if (strcmp(word, "--") == 0)
            only_images = true;
        else if (word[1] == '-')
            VX_TRY(take_long(&walk, options));
        else
            VX_TRY(take_short(&walk, options));
    }
    return VX_ERR_OK;
}
