/* options_value.c - what may stand behind an option, by kind, and how values are written for the user. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "vx86/suggest.h"

#define MAX_CHOICES  8
#define CHOICE_CHARS 16

VX_PRINTF(2, 3) static vx_err wrong(struct options *options, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(options->error, sizeof options->error, fmt, args);
    va_end(args);
    return VX_ERR_BAD_ARGUMENT;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* Digits at the start of `text`, decimal or 0x; *end is behind them. False when there are none or too many. */
static bool parse_digits(const char *text, uint64_t *number, const char **end)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]);
    char *behind;
    errno = 0;
    *number = strtoull(text, &behind, hexadecimal ? 16 : 10);
    *end = behind;
    return errno == 0;
}

static unsigned suffix_shift(char suffix)
{
    switch (suffix) {
    case 'k':
    case 'K': return 10;
    case 'm':
    case 'M': return 20;
    case 'g':
    case 'G': return 30;
    default: return 0;
    }
}

static vx_err take_number(const struct option_desc *option, const char *text, uint64_t *number, struct options *options)
{
    char range[48];
    const char *end;
    option_format_range(option, range, sizeof range);
    bool is_size = option->kind == VX_KIND_SIZE;
    bool ok = parse_digits(text, number, &end);
    unsigned shift = ok && is_size ? suffix_shift(*end) : 0;
    if (!ok || end[shift != 0] != '\0')
        return wrong(options, "--%s: '%.40s' is not a %s; %s%s%s", option->name, text, is_size ? "size" : "number",
                     is_size ? "write digits with K, M or G behind them" : "write digits", range[0] != '\0' ? ", " : "",
                     range);
    bool overflow = *number > UINT64_MAX >> shift;
    *number <<= shift;
    if (overflow || *number < option->low || *number > option->high)
        return wrong(options, "--%s: %.40s is out of range, choose %s%s", option->name, text, range,
                     is_size && shift == 0 ? " (a size without K, M or G is in bytes)" : "");
    return VX_ERR_OK;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static unsigned split_choices(const char *argument, char words[MAX_CHOICES][CHOICE_CHARS])
{
    unsigned count = 0;
    for (const char *at = argument; *at != '\0' && count < MAX_CHOICES; count++) {
        size_t length = strcspn(at, "|");
        snprintf(words[count], CHOICE_CHARS, "%.*s", (int)length, at);
        at += length + (at[length] == '|');
    }
    return count;
}

static vx_err take_choice(const struct option_desc *option, const char *text, uint64_t *number, struct options *options)
{
    char words[MAX_CHOICES][CHOICE_CHARS];
    const char *pointers[MAX_CHOICES];
    unsigned count = split_choices(option->argument, words);
    for (unsigned i = 0; i < count; i++) {
        pointers[i] = words[i];
        if (strcmp(words[i], text) == 0) {
            *number = i;
            return VX_ERR_OK;
        }
    }
    const char *near = vx_suggest(text, pointers, count);
    if (near != NULL)
        return wrong(options, "--%s: there is no '%.40s'; did you mean '%s'?", option->name, text, near);
    return wrong(options, "--%s: there is no '%.40s'; choose %s", option->name, text, option->argument);
}

static vx_err append(const struct option_desc *option, const char *text, struct option_value *value,
                     struct options *options)
{
    if (value->count == VX_OPTION_REPEATS)
        return wrong(options, "--%s can be given at most %u times", option->name, VX_OPTION_REPEATS);
    value->list[value->count++] = text;
    return VX_ERR_OK;
}

static vx_err check_file(const struct option_desc *option, const char *text, struct options *options)
{
    return text[0] != '\0' ? VX_ERR_OK : wrong(options, "--%s: the name is empty; name a file", option->name);
}

/* `text` may be NULL for flags and optional values only. */
static vx_err take_value(const struct option_desc *option, const char *text, struct option_value *value,
                         struct options *options)
{
    switch (option->kind) {
    case VX_KIND_FLAG:
    case VX_KIND_TEXT: return VX_ERR_OK;
    case VX_KIND_FILE: return check_file(option, text, options);
    case VX_KIND_FILES: VX_TRY(check_file(option, text, options)); return append(option, text, value, options);
    case VX_KIND_TEXTS: return append(option, text, value, options);
    case VX_KIND_NUMBER:
    case VX_KIND_SIZE: return take_number(option, text, &value->number, options);
    case VX_KIND_CHOICE: return take_choice(option, text, &value->number, options);
    case VX_KIND_OPTIONAL_NUMBER:
        return take_number(option, text != NULL ? text : option->initial, &value->number, options);
    case VX_KIND_OPTIONAL_CHOICE:
        value->number = 0;
        if (text == NULL)
            return VX_ERR_OK;
        VX_TRY(take_choice(option, text, &value->number, options));
        value->number++;
        return VX_ERR_OK;
    }
    VX_ASSERT(!"a kind without a case");
    return VX_ERR_BAD_ARGUMENT;
}

vx_err option_take(enum option_id id, const char *text, struct options *options)
{
    struct option_value *value = &options->value[id];
    VX_TRY(take_value(option_of(id), text, value, options));
    value->given = true;
    value->text = text;
    return VX_ERR_OK;
}

/* ---- for the user to read ---------------------------------------------------------------------------------------- */

void option_format_size(uint64_t bytes, char *text, size_t room)
{
    static const char suffixes[] = "GMK";
    for (unsigned i = 0; i < 3; i++) {
        unsigned shift = 30 - 10 * i;
        if (bytes != 0 && (bytes & ((1ull << shift) - 1)) == 0) {
            snprintf(text, room, "%" PRIu64 "%c", bytes >> shift, suffixes[i]);
            return;
        }
    }
    snprintf(text, room, "%" PRIu64, bytes);
}

void option_format_range(const struct option_desc *option, char *text, size_t room)
{
    char low[24], high[24];
    text[0] = '\0';
    if (option->high == 0 || option->high == UINT64_MAX)
        return;
    if (option->kind == VX_KIND_SIZE) {
        option_format_size(option->low, low, sizeof low);
        option_format_size(option->high, high, sizeof high);
    } else {
        snprintf(low, sizeof low, "%" PRIu64, option->low);
        snprintf(high, sizeof high, "%" PRIu64, option->high);
    }
    snprintf(text, room, "%s to %s", low, high);
}

void option_format_usage(const struct option_desc *option, char *text, size_t room)
{
    char letter[8] = "";
    if (option->short_name != '\0')
        snprintf(letter, sizeof letter, "-%c, ", option->short_name);
    bool optional = option->kind == VX_KIND_OPTIONAL_NUMBER || option->kind == VX_KIND_OPTIONAL_CHOICE;
    bool plain = option->argument[0] != '\0' && !optional;
    snprintf(text, room, "%s--%s%s%s%s", letter, option->name,
             optional ? "[="
             : plain  ? " "
                      : "",
             option->argument, optional ? "]" : "");
}
