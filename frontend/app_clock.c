/* app_clock.c - --clock=host|instructions[:MIPS] and --date. */
#include "app_clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_MIPS = 100, MAX_MIPS = 1000000, MAX_MIPS_DIGITS = 7 };

#define DEFAULT_DATE "2000-01-01T00:00:00"

/* "host" (*mips 0), "instructions" or "instructions:MIPS". */
static bool parse_clock(const char *text, uint64_t *mips)
{
    static const char counted[] = "instructions";
    size_t length = strlen(counted);
    *mips = strcmp(text, "host") == 0 ? 0 : DEFAULT_MIPS;
    if (*mips == 0 || strcmp(text, counted) == 0)
        return true;
    if (strncmp(text, counted, length) != 0 || text[length] != ':' || strlen(text + length) > MAX_MIPS_DIGITS + 1)
        return false;
    char *end;
    *mips = strtoull(text + length + 1, &end, 10);
    return *end == '\0' && text[length + 1] != '-' && *mips >= 1 && *mips <= MAX_MIPS;
}

/* What the RTC can show: 1980 to 2099, UTC. mktime() would turn the 31st of February into another day. */
static bool parse_date(const char *text, int64_t *seconds)
{
    struct tm date = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &date);
    if (end == NULL || *end != '\0' || date.tm_year < 80 || date.tm_year > 199)
        return false;
    struct tm normal = date;
    *seconds = timegm(&normal);
    return normal.tm_mday == date.tm_mday && normal.tm_sec == date.tm_sec;
}

vx_err app_clock_create(const struct options *options, struct vx_log *log, struct vx_clock **out)
{
    const struct option_value *clock = &options->value[VX_OPT_clock], *date = &options->value[VX_OPT_date];
    uint64_t mips;
    int64_t start_s;
    *out = NULL;
    if (!parse_clock(clock->text, &mips)) {
        vx_log_error(log, VX_LOG_GENERAL, "--clock: '%.40s' is not host, instructions or instructions:MIPS (1 to %u)",
                     clock->text, (unsigned)MAX_MIPS);
        return VX_ERR_BAD_ARGUMENT;
    }
    if (!parse_date(date->given ? date->text : DEFAULT_DATE, &start_s)) {
        vx_log_error(log, VX_LOG_GENERAL, "--date: '%.40s' is no date such as " DEFAULT_DATE ", from 1980 to 2099",
                     date->text);
        return VX_ERR_BAD_ARGUMENT;
    }
    if (mips != 0)
        return vx_clock_create_counted(mips, start_s, out);
    if (!date->given)
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_GENERAL, "--date is for --clock=instructions; the host's clock has its own");
    return VX_ERR_BAD_ARGUMENT;
}
