/* editor.c - the user's lines on a terminal: libedit (BSD licence), with history and completion.
 *
 *   I1  libedit remembers how the terminal is when it is opened and asks what it can do: that is done before the
 *       terminal becomes raw for the guest, and before a sandbox refuses to read files. */
#include <histedit.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "dbg.h"

#define PROMPT "(vx86) "
enum { HISTORY_LINES = 500 };

struct debugger_editor {
    EditLine *line;
    History *history;
    char prompt[sizeof PROMPT]; /* libedit wants one that could be written */
    struct debugger *dbg;       /* whose lines they are; NULL: nobody's yet */
};

static char *prompt(EditLine *line)
{
    struct debugger_editor *editor;
    el_get(line, EL_CLIENTDATA, &editor);
    return editor->prompt;
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

static void list_candidates(struct debugger *dbg, const char *line, const char *word)
{
    enum { MOST = 60 };
    const char *name;
    dbg_say(dbg, "\n");
    for (unsigned i = 0; i < MOST && (name = dbg_complete(dbg, line, word, i)) != NULL; i++)
        dbg_say(dbg, "%s  ", name);
    dbg_say(dbg, "\n");
}

static unsigned char complete(EditLine *edited, int ch)
{
    struct debugger_editor *editor;
    char line[DBG_LINE_MAX], word[128];
    const LineInfo *info = el_line(edited);
    (void)ch;
    el_get(edited, EL_CLIENTDATA, &editor);
    struct debugger *dbg = editor->dbg;
    const char *start = word_start(info->buffer, info->cursor);
    snprintf(word, sizeof word, "%.*s", (int)(info->cursor - start), start);
    snprintf(line, sizeof line, "%.*s", (int)(info->cursor - info->buffer), info->buffer);
    const char *other = dbg_complete(dbg, line, word, 0);
    if (other == NULL)
        return CC_ERROR;
    char first[DBG_LINE_MAX];
    snprintf(first, sizeof first, "%s", other);
    size_t typed = strlen(word), common = strlen(first);
    unsigned n = 1;
    for (; n < 1000 && (other = dbg_complete(dbg, line, word, n)) != NULL; n++)
        common = common_length(first, other, common);
    if (common == typed && n > 1) {
        list_candidates(dbg, line, word);
        return CC_REDISPLAY;
    }
    char rest[DBG_LINE_MAX * VX_TEXT_GROWTH + 2];
    size_t length = vx_text_escape(first + typed, common - typed, "", rest, sizeof rest - 1); /* keeps I3 */
    if (n == 1)
        memcpy(rest + length, " ", 2);
    return el_insertstr(edited, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

static bool set_up(struct debugger_editor *editor, FILE *in, FILE *out)
{
    HistEvent event;
    editor->history = history_init();
    editor->line = el_init("vx86", in, out, out);
    if (editor->line == NULL || editor->history == NULL)
        return false;
    memcpy(editor->prompt, PROMPT, sizeof PROMPT);
    history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    el_set(editor->line, EL_CLIENTDATA, editor);
    el_set(editor->line, EL_PROMPT, prompt);
    el_set(editor->line, EL_EDITOR, "emacs");
    el_set(editor->line, EL_HIST, history, editor->history);
    el_set(editor->line, EL_ADDFN, "vx86-complete", "completes commands, registers and symbols", complete);
    el_set(editor->line, EL_BIND, "^I", "vx86-complete", NULL);
    return true;
}

struct debugger_editor *debugger_editor_open(FILE *in, FILE *out)
{
    struct termios before;
    if (tcgetattr(fileno(in), &before) != 0 || tcgetpgrp(fileno(in)) != getpgrp())
        return NULL; /* in the background, touching the terminal would stop us */
    struct debugger_editor *editor = calloc(1, sizeof *editor);
    if (editor == NULL)
        return NULL;
    bool good = set_up(editor, in, out);
    tcsetattr(fileno(in), TCSANOW, &before); /* libedit has made it its own already */
    if (good)
        return editor;
    debugger_editor_close(editor);
    return NULL;
}

void debugger_editor_close(struct debugger_editor *editor)
{
    if (editor == NULL)
        return;
    if (editor->line != NULL)
        el_end(editor->line);
    if (editor->history != NULL)
        history_end(editor->history);
    free(editor);
}

bool dbg_editor_line(struct debugger *dbg, char *text, size_t room)
{
    struct debugger_editor *editor = dbg->config.editor;
    HistEvent event;
    int count = 0;
    editor->dbg = dbg;
    const char *line = el_gets(editor->line, &count);
    if (line == NULL || count <= 0)
        return false;
    if (line[0] != '\n')
        history(editor->history, &event, H_ENTER, line);
    snprintf(text, room, "%.*s", (int)strcspn(line, "\r\n"), line);
    return true;
}

bool debugger_has_editor(void)
{
    return true;
}
