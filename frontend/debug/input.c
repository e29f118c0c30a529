/* input.c - where command lines come from: scripts that run one inside the other, then the user. On a terminal
 * editor.c reads them, otherwise they are read as they come.
 *
 *   I1  Lines come from the innermost script while there is one. */
#include <errno.h>
#include <stdlib.h>

#include "dbg.h"

enum { SCRIPTS_MAX = 8, LINE_BYTES = 8192 };

struct script {
    struct dbg_text text;
    char *path;
};

struct dbg_input {
    struct debugger *dbg;
    struct script script[SCRIPTS_MAX];
    unsigned scripts;
    struct dbg_text typed; /* what is not a terminal */
    char line[LINE_BYTES];
    char place[300];
};

/* ---- scripts and plain input ------------------------------------------------------------------------------------- */

static void pop(struct dbg_input *input)
{
    struct script *script = &input->script[--input->scripts];
    fclose(script->text.file);
    free(script->path);
}

/* NULL at the end, or when a line cannot be read, which has been said. */
static const char *plain_line(struct dbg_input *input, struct dbg_text *text)
{
    if (dbg_text_line(text, input->line, sizeof input->line))
        return input->line;
    if (text->problem != NULL)
        dbg_fail(input->dbg, "%s", text->problem);
    return NULL;
}

bool dbg_input_push(struct dbg_input *input, const char *path)
{
    if (input->scripts == SCRIPTS_MAX)
        return dbg_fail(input->dbg, "%s: scripts run one inside the other, %d deep at most", path, SCRIPTS_MAX);
    FILE *file = dbg_open_to_read(input->dbg, path);
    if (file == NULL)
        return false;
    struct script *script = &input->script[input->scripts];
    if (!dbg_text_begin(&script->text, file)) {
        fclose(file);
        return dbg_fail(input->dbg, "%s: %s", path, script->text.problem);
    }
    script->path = strdup(path);
    input->scripts++;
    return true;
}

bool dbg_input_in_script(const struct dbg_input *input)
{
    return input->scripts > 0;
}

const char *dbg_input_place(struct dbg_input *input)
{
    if (input->scripts == 0)
        return NULL;
    const struct script *script = &input->script[input->scripts - 1];
    snprintf(input->place, sizeof input->place, "%s:%u", script->path, script->text.number);
    return input->place;
}

const char *dbg_input_line(struct dbg_input *input)
{
    struct debugger *dbg = input->dbg;
    while (input->scripts > 0) { /* I1 */
        struct script *script = &input->script[input->scripts - 1];
        const char *line = plain_line(input, &script->text);
        if (line != NULL)
            return line;
        pop(input);
    }
    if (!dbg->config.interactive) /* what else comes is not for us */
        return NULL;
    fflush(dbg->out);
    if (dbg->config.editor == NULL)
        return plain_line(input, &input->typed);
    return dbg_editor_line(dbg, input->line, sizeof input->line) ? input->line : NULL;
}

/* The script of --debug-script. */
static vx_err begin_first(struct dbg_input *input, FILE *file)
{
    const struct debugger_config *config = &input->dbg->config;
    struct script *script = &input->script[input->scripts++];
    script->path = strdup(config->script);
    if (dbg_text_begin(&script->text, file))
        return VX_ERR_OK;
    vx_log_error(config->log, VX_LOG_GENERAL, "--debug-script: %s: %s; name a file with the debugger's commands",
                 config->script, script->text.problem);
    return VX_ERR_RANGE;
}

vx_err dbg_input_create(struct debugger *dbg, struct dbg_input **out)
{
    struct dbg_input *input = calloc(1, sizeof *input);
    if (input == NULL)
        return VX_ERR_NO_MEMORY;
    input->dbg = dbg;
    input->typed.file = dbg->config.in;
    *out = input;
    if (dbg->config.script == NULL)
        return VX_ERR_OK;
    struct vx_why why;
    int fd = vx_files_open_input(dbg->config.files, VX_FILE_ANYWHERE, dbg->config.script, &why);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file != NULL)
        return begin_first(input, file);
    if (fd >= 0)
        why = (struct vx_why){ .reason = errno };
    vx_log_error(dbg->config.log, VX_LOG_GENERAL, "--debug-script: %s: %s; %s", dbg->config.script,
                 fd >= 0 ? strerror(why.reason) : why.text,
                 vx_err_remedy(why.reason, "name a file with the debugger's commands"));
    return VX_ERR_ACCESS;
}

void dbg_input_destroy(struct dbg_input *input)
{
    if (input == NULL)
        return;
    while (input->scripts > 0)
        pop(input);
    free(input);
}
