/* input.c - where command lines come from: scripts that run one inside the other, then the user. On a terminal the user
 * edits with libedit (BSD licence; history and completion), otherwise lines are read as they come.
 *
 *   I1  Lines come from the innermost script while there is one. */
#include <errno.h>
#include <histedit.h>
#include <stdlib.h>
#include <unistd.h>

#include "dbg.h"

#define PROMPT "(vx86) "
enum { SCRIPTS_MAX = 8, HISTORY_LINES = 500, LINE_BYTES = 8192 };

struct script {
    struct dbg_text text;
    char *path;
};

struct dbg_input {
    struct debugger *dbg;
    struct script script[SCRIPTS_MAX];
    unsigned scripts;
    EditLine *editor; /* NULL: not a terminal, or not asked anything yet */
    History *history;
    char prompt[sizeof PROMPT]; /* libedit wants one that could be written */
    struct dbg_text typed;      /* what is not a terminal */
    char line[LINE_BYTES];
    char place[300];
};

/* ---- the editor -------------------------------------------------------------------------------------------------- */

static char *prompt(EditLine *editor)
{
    struct dbg_input *input;
    el_get(editor, EL_CLIENTDATA, &input);
    return input->prompt;
}

/* Where the word under the cursor begins. */
static const char *word_start(const char *line, const char *cursor)
{
    while (cursor > line && strchr(" \t[(:+-*/", cursor[-1]) == NULL)
        cursor--;
    return cursor;
}

static size_t common_length(const char *a, const char *b, size_t n)
{
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static void list_candidates(struct dbg_input *input, const char *line, const char *word)
{
    enum { MOST = 60 };
    const char *name;
    dbg_say(input->dbg, "\n");
    for (unsigned i = 0; i < MOST && (name = dbg_complete(input->dbg, line, word, i)) != NULL; i++)
        dbg_say(input->dbg, "%s  ", name);
    dbg_say(input->dbg, "\n");
}

static unsigned char complete(EditLine *editor, int ch)
{
    struct dbg_input *input;
    char line[DBG_LINE_MAX], word[128];
    const LineInfo *info = el_line(editor);
    (void)ch;
    el_get(editor, EL_CLIENTDATA, &input);
    const char *start = word_start(info->buffer, info->cursor);
    snprintf(word, sizeof word, "%.*s", (int)(info->cursor - start), start);
    snprintf(line, sizeof line, "%.*s", (int)(info->cursor - info->buffer), info->buffer);
    const char *other = dbg_complete(input->dbg, line, word, 0);
    if (other == NULL)
        return CC_ERROR;
    char first[DBG_LINE_MAX];
    snprintf(first, sizeof first, "%s", other);
    size_t typed = strlen(word), common = strlen(first);
    unsigned n = 1;
    for (; n < 1000 && (other = dbg_complete(input->dbg, line, word, n)) != NULL; n++)
        common = common_length(first, other, common);
    if (common == typed && n > 1) {
        list_candidates(input, line, word);
        return CC_REDISPLAY;
    }
    char rest[DBG_LINE_MAX + 1];
    snprintf(rest, sizeof rest, "%.*s%s", (int)(common - typed), first + typed, n == 1 ? " " : "");
    return el_insertstr(editor, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

static void open_editor(struct dbg_input *input)
{
    HistEvent event;
    const struct debugger_config *config = &input->dbg->config;
    input->history = history_init();
    input->editor = el_init("vx86", config->in, config->out, config->out);
    if (input->editor == NULL || input->history == NULL)
        return;
    memcpy(input->prompt, PROMPT, sizeof PROMPT);
    history(input->history, &event, H_SETSIZE, HISTORY_LINES);
    el_set(input->editor, EL_CLIENTDATA, input);
    el_set(input->editor, EL_PROMPT, prompt);
    el_set(input->editor, EL_EDITOR, "emacs");
    el_set(input->editor, EL_HIST, history, input->history);
    el_set(input->editor, EL_ADDFN, "vx86-complete", "completes commands, registers and symbols", complete);
    el_set(input->editor, EL_BIND, "^I", "vx86-complete", NULL);
}

static const char *edited_line(struct dbg_input *input)
{
    HistEvent event;
    int count = 0;
    const char *line = el_gets(input->editor, &count);
    if (line == NULL || count <= 0)
        return NULL;
    if (line[0] != '\n')
        history(input->history, &event, H_ENTER, line);
    snprintf(input->line, sizeof input->line, "%.*s", (int)strcspn(line, "\r\n"), line);
    return input->line;
}

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
        return dbg_fail(input->dbg, "%s: %s", path, strerror(ELOOP));
    FILE *file = dbg_open_to_read(input->dbg, path);
    if (file == NULL)
        return false;
    input->script[input->scripts++] = (struct script){ .text = { .file = file }, .path = strdup(path) };
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
        if (input->scripts == 0 && !dbg->config.interactive)
            return NULL;
    }
    fflush(dbg->out);
    if (!isatty(fileno(dbg->config.in)))
        return plain_line(input, &input->typed);
    if (input->editor == NULL)
        open_editor(input);
    return input->editor != NULL ? edited_line(input) : plain_line(input, &input->typed);
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
    if (file != NULL) {
        input->script[input->scripts++] =
            (struct script){ .text = { .file = file }, .path = strdup(dbg->config.script) };
        return VX_ERR_OK;
    }
    vx_log_error(dbg->config.log, VX_LOG_GENERAL, "--debug-script: %s: %s; name a file with the debugger's commands",
                 dbg->config.script, fd >= 0 ? strerror(errno) : why.text);
    return VX_ERR_ACCESS;
}

void dbg_input_destroy(struct dbg_input *input)
{
    if (input == NULL)
        return;
    while (input->scripts > 0)
        pop(input);
    if (input->editor != NULL)
        el_end(input->editor);
    if (input->history != NULL)
        history_end(input->history);
    free(input);
}
