/* editor_plain.c - the user's lines on a terminal, where there is no libedit: the terminal's own editing.
 *
 *   I1  While a line is read the terminal is as it was when the editor was opened, else as the guest has it. */
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "dbg.h"

struct debugger_editor {
    FILE *in;
    struct termios cooked;
};

struct debugger_editor *debugger_editor_open(FILE *in, FILE *out)
{
    struct termios cooked;
    (void)out; /* the debugger's own */
    if (tcgetattr(fileno(in), &cooked) != 0 || tcgetpgrp(fileno(in)) != getpgrp())
        return NULL; /* in the background, touching the terminal would stop us */
    struct debugger_editor *editor = malloc(sizeof *editor);
    if (editor != NULL)
        *editor = (struct debugger_editor){ in, cooked };
    return editor;
}

void debugger_editor_close(struct debugger_editor *editor)
{
    free(editor);
}

bool dbg_editor_line(struct debugger *dbg, char *text, size_t room)
{
    struct debugger_editor *editor = dbg->config.editor;
    struct termios guest;
    int fd = fileno(editor->in);
    bool known = tcgetattr(fd, &guest) == 0 && tcsetattr(fd, TCSADRAIN, &editor->cooked) == 0;
    dbg_say(dbg, "(vx86) ");
    fflush(dbg->out);
    bool got = fgets(text, (int)room, editor->in) != NULL;
    if (known)
        tcsetattr(fd, TCSADRAIN, &guest);
    text[got ? strcspn(text, "\r\n") : 0] = '\0';
    return got;
}

bool debugger_has_editor(void)
{
    return false;
}
