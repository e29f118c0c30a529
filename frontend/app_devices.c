/* app_devices.c - from the words behind --device to the machine's configuration. */
#include "app_devices.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/suggest.h"

enum { MAX_PROPERTIES = 2, PORTS = 0x10000 };

struct property {
    const char *name;
    uint32_t low, high, initial;
    const char *help;
};

struct device {
    const char *name, *help;
    struct property property[MAX_PROPERTIES]; /* up to the first without a name */
    /* `values` are the properties'. False: there is no room for another one. */
    bool (*add)(const uint32_t values[MAX_PROPERTIES], struct vx_machine_config *config);
};

static bool add_debug_exit(const uint32_t values[MAX_PROPERTIES], struct vx_machine_config *config)
{
    for (unsigned i = 0; i < VX_MAX_DEBUG_EXITS; i++) {
        if (config->debug_exit[i].count != 0)
            continue;
        config->debug_exit[i] = (struct vx_ports){ (uint16_t)values[0], (uint16_t)values[1] };
        return true;
    }
    return false;
}

static bool add_testdev(const uint32_t values[MAX_PROPERTIES], struct vx_machine_config *config)
{
    (void)values;
    bool first = !config->pc_testdev;
    config->pc_testdev = true;
    return first;
}

static const struct device devices[] = {
    { "isa-debug-exit",
      "a write to its ports ends vx86 with exit status (value << 1) | 1",
      { { "iobase", 0, PORTS - 1, 0x501, "first port" }, { "iosize", 1, 256, 2, "number of ports" } },
      add_debug_exit },
    { "pc-testdev",
      "what test kernels for QEMU use: interrupt lines at ports 2000h-2017h, storage at E0h and E8h and at memory "
      "FF000000h, page flush at E4h",
      { { 0 } },
      add_testdev },
};

bool app_devices_wants_help(const struct options *options)
{
    const struct option_value *given = &options->value[VX_OPT_device];
    for (unsigned i = 0; i < given->count; i++)
        if (strcmp(given->list[i], "help") == 0)
            return true;
    return false;
}

void app_devices_print_help(FILE *out)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(devices); i++) {
        fprintf(out, "%s: %s\n", devices[i].name, devices[i].help);
        for (const struct property *p = devices[i].property; p < devices[i].property + MAX_PROPERTIES; p++)
            if (p->name != NULL)
                fprintf(out, "    %s=0x%x to 0x%x: %s (default 0x%x)\n", p->name, p->low, p->high, p->help, p->initial);
    }
}

/* The first `length` characters of `text` name `word`. */
static bool is_word(const char *word, const char *text, size_t length)
{
    return word != NULL && strlen(word) == length && memcmp(word, text, length) == 0;
}

static void log_unknown(struct vx_log *log, const char *what, const char *text, size_t length, const char *const *words,
                        size_t count)
{
    char typed[VX_SUGGEST_CHARS + 2];
    snprintf(typed, sizeof typed, "%.*s", (int)(length < sizeof typed ? length : sizeof typed - 1), text);
    const char *near = vx_suggest(typed, words, count);
    if (near != NULL)
        vx_log_error(log, VX_LOG_GENERAL, "--device: there is no %s '%s'; did you mean '%s'?", what, typed, near);
    else
        vx_log_error(log, VX_LOG_GENERAL, "--device: there is no %s '%s'; --device help lists what there is", what,
                     typed);
}

static const struct device *find_device(struct vx_log *log, const char *text, size_t length)
{
    const char *words[VX_ARRAY_LEN(devices)];
    for (size_t i = 0; i < VX_ARRAY_LEN(devices); i++) {
        words[i] = devices[i].name;
        if (is_word(devices[i].name, text, length))
            return &devices[i];
    }
    log_unknown(log, "device", text, length, words, VX_ARRAY_LEN(words));
    return NULL;
}

static vx_err take_value(struct vx_log *log, const struct property *property, const char *text, uint32_t *value)
{
    char *end = NULL;
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]);
    errno = 0;
    unsigned long long number = isdigit((unsigned char)text[0]) ? strtoull(text, &end, hexadecimal ? 16 : 10) : 0;
    if (end == NULL || errno != 0 || (*end != '\0' && *end != ',') || number < property->low ||
        number > property->high) {
        vx_log_error(log, VX_LOG_GENERAL, "--device: %s: '%.*s' is not a number from 0x%x to 0x%x", property->name,
                     (int)strcspn(text, ","), text, property->low, property->high);
        return VX_ERR_BAD_ARGUMENT;
    }
    *value = (uint32_t)number;
    return VX_ERR_OK;
}

/* "PROPERTY=VALUE", to the next comma. */
static vx_err take_property(struct vx_log *log, const struct device *device, const char *text,
                            uint32_t values[MAX_PROPERTIES])
{
    const char *words[MAX_PROPERTIES];
    size_t length = strcspn(text, "=,");
    for (unsigned i = 0; i < MAX_PROPERTIES; i++) {
        words[i] = device->property[i].name;
        if (is_word(words[i], text, length))
            return take_value(log, &device->property[i], text[length] == '=' ? text + length + 1 : "", &values[i]);
    }
    log_unknown(log, "property", text, length, words, MAX_PROPERTIES);
    return VX_ERR_BAD_ARGUMENT;
}

static vx_err add(struct vx_log *log, const char *text, struct vx_machine_config *config)
{
    uint32_t values[MAX_PROPERTIES];
    size_t length = strcspn(text, ",");
    const struct device *device = find_device(log, text, length);
    if (device == NULL)
        return VX_ERR_BAD_ARGUMENT;
    for (unsigned i = 0; i < MAX_PROPERTIES; i++)
        values[i] = device->property[i].initial;
    for (const char *at = text + length; *at != '\0'; at += 1 + strcspn(at + 1, ","))
        VX_TRY(take_property(log, device, at + 1, values));
    if (device->add(values, config))
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_GENERAL, "--device: the machine has no room for another %s", device->name);
    return VX_ERR_RANGE;
}

vx_err app_devices_configure(const struct options *options, struct vx_log *log, struct vx_machine_config *config)
{
    const struct option_value *given = &options->value[VX_OPT_device];
    if (options->value[VX_OPT_debug_exit].given)
        VX_TRY(add(log, "isa-debug-exit,iobase=0xf4,iosize=4", config));
    for (unsigned i = 0; i < given->count; i++)
        VX_TRY(add(log, given->list[i], config));
    return VX_ERR_OK;
}
