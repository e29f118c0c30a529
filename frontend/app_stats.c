/* app_stats.c - see app_stats.h. */
#include "app_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool app_stats_wanted(const struct options *options)
{
    return options->value[VX_OPT_stats].given || options->value[VX_OPT_stats_file].given;
}

vx_err app_stats_open(struct app_stats *stats, const struct options *options, struct vx_log *log,
                      struct vx_files *files)
{
    struct vx_why why;
    const char *path = options->value[VX_OPT_stats_file].text;
    if (path == NULL)
        return VX_ERR_OK;
    int fd = vx_files_open_output(files, VX_FILE_ANYWHERE, path, "--stats-file", &why);
    stats->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (stats->file != NULL) {
        setvbuf(stats->file, NULL, _IOFBF, BUFSIZ); /* for the reason of std_streams_prepare() */
        return VX_ERR_OK;
    }
    if (fd >= 0)
        why.reason = errno;
    vx_log_error(log, VX_LOG_GENERAL, "--stats-file: %s: %s; %s", path, fd >= 0 ? strerror(why.reason) : why.text,
                 vx_err_remedy(why.reason, "name another file"));
    return VX_ERR_ACCESS;
}

void app_stats_collect(struct app_stats *stats, const struct options *options, const struct stats_report *report)
{
    FILE *memory = open_memstream(&stats->text, &stats->bytes);
    if (memory == NULL)
        return;
    if (options->value[VX_OPT_stats].number != 0)
        stats_print_json(memory, report);
    else
        stats_print_text(memory, report);
    fclose(memory);
}

/* Returns 0 or an errno. */
static int write_out(FILE *out, const char *text, size_t bytes)
{
    int reason = 0;
    if (text != NULL && (fwrite(text, 1, bytes, out) != bytes || fflush(out) != 0))
        reason = errno;
    if (out != stderr && fclose(out) != 0 && reason == 0)
        reason = errno;
    return reason;
}

bool app_stats_show(struct app_stats *stats, const struct options *options, struct vx_log *log,
                    struct vx_blocking *blocking)
{
    bool to_file = stats->file != NULL;
    int reason = write_out(to_file ? stats->file : stderr, stats->text, stats->bytes);
    free(stats->text);
    *stats = (struct app_stats){ 0 };
    if (!to_file || reason == 0 || vx_blocking_ending(blocking))
        return true;
    vx_log_error(log, VX_LOG_GENERAL, "--stats-file: %s: could not be written: %s; %s",
                 options->value[VX_OPT_stats_file].text, strerror(reason), vx_err_remedy(reason, "name another file"));
    return false;
}
