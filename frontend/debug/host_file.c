/* host_file.c - the one door to the host's files: what the user's own commands name, and what somebody else's may.
 *
 *   I1  No command opens a file but through here. A client of the GDB stub reaches what is below the directory that the
 *       user has named for that, or nothing. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbg.h"

static enum vx_file_reach reach(const struct debugger *dbg)
{
    return dbg->foreign ? dbg->config.peer_reach : dbg->config.reach;
}

static FILE *open_as(struct debugger *dbg, const char *path, int fd, const struct vx_why *why, const char *mode)
{
    FILE *file = fd >= 0 ? fdopen(fd, mode) : NULL;
    if (file != NULL)
        return file;
    dbg_fail(dbg, "%s: %s", path, fd >= 0 ? strerror(errno) : why->text);
    if (fd >= 0)
        close(fd);
    return NULL;
}

FILE *dbg_open_to_read(struct debugger *dbg, const char *path)
{
    struct vx_why why;
    return open_as(dbg, path, vx_files_open_input(dbg->config.files, reach(dbg), path, &why), &why, "r");
}

FILE *dbg_open_to_write(struct debugger *dbg, const char *path)
{
    struct vx_why why;
    int fd = vx_files_open_output(dbg->config.files, reach(dbg), path, "a file of the debugger's", &why);
    return open_as(dbg, path, fd, &why, "w");
}

bool dbg_close_written(struct debugger *dbg, FILE *file)
{
    bool failed = ferror(file) != 0;
    int reason = errno;
    vx_files_release(dbg->config.files, fileno(file));
    if (fclose(file) != 0)
        return false;
    errno = reason;
    return !failed;
}

#define CUT_SHORT "it cannot be read any further"
#define TOO_LONG  "this file is longer than 64 MiB"
_Static_assert(DBG_TEXT_MAX == 64u << 20, "TOO_LONG says so");

bool dbg_text_begin(struct dbg_text *text, FILE *file)
{
    struct stat st;
    *text = (struct dbg_text){ .file = file };
    if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > DBG_TEXT_MAX)
        text->problem = TOO_LONG;
    return text->problem == NULL;
}

bool dbg_text_line(struct dbg_text *text, char *line, size_t room)
{
    size_t length = 0;
    int c = text->problem == NULL ? getc(text->file) : EOF;
    if (c == EOF && ferror(text->file))
        text->problem = CUT_SHORT;
    if (c == EOF)
        return false;
    text->number++;
    for (; c != EOF && c != '\n' && length + 1 < room; c = getc(text->file))
        line[length++] = (char)c;
    text->bytes += length + 1;
    if (ferror(text->file))
        text->problem = CUT_SHORT;
    else if (c != EOF && c != '\n')
        text->problem = "this line is too long";
    else if (text->bytes > DBG_TEXT_MAX)
        text->problem = TOO_LONG;
    line[length] = '\0';
    line[strcspn(line, "\r")] = '\0';
    return text->problem == NULL;
}
