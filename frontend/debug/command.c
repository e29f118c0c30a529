/* command.c - one line: its words, the command that it names, help and completion; all from commands.def. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

#include "dbg.h"

typedef bool command_fn(struct debugger *dbg, const char **at);

enum chapter { CHAPTER_RUN, CHAPTER_BREAK, CHAPTER_LOOK, CHAPTER_CHANGE, CHAPTER_TRACE, CHAPTER_REST, CHAPTERS };

static const char *const chapter_title[CHAPTERS] = {
    [CHAPTER_RUN] = "Running",     [CHAPTER_BREAK] = "Breaking", [CHAPTER_LOOK] = "Looking",
    [CHAPTER_CHANGE] = "Changing", [CHAPTER_TRACE] = "Tracing",  [CHAPTER_REST] = "The rest",
};

struct command {
    const char *name, *alias;
    enum chapter chapter;
    command_fn *run;
    bool repeats; /* an empty line does it again */
    const char *usage, *help, *example;
};

static const struct command table[] = {
#define DBG_COMMAND(name, alias, chapter, function, repeats, usage, help, example) \
    { name, alias, CHAPTER_##chapter, dbg_cmd_##function, repeats, usage, help, example },
#define DBG_SPELLING(word, means)
#include "commands.def"
#undef DBG_COMMAND
#undef DBG_SPELLING
};

static const struct {
    const char *word, *means;
} spellings[] = {
#define DBG_COMMAND(name, alias, chapter, function, repeats, usage, help, example)
#define DBG_SPELLING(word, means) { word, means },
#include "commands.def"
#undef DBG_COMMAND
#undef DBG_SPELLING
};

bool dbg_fail(struct debugger *dbg, const char *format, ...)
{
    const char *place = dbg->input != NULL && !dbg->foreign ? dbg_input_place(dbg->input) : NULL;
    va_list args;
    if (place != NULL)
        dbg_say(dbg, "%s: ", place);
    va_start(args, format);
    vx_text_vprint(dbg->out, format, args);
    va_end(args);
    fputc('\n', dbg->out);
    dbg->failed = true;
    return false;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

void dbg_skip_blanks(const char **at)
{
    while (isspace((unsigned char)**at))
        ++*at;
}

bool dbg_at_end(const char **at)
{
    dbg_skip_blanks(at);
    return **at == '\0';
}

static size_t word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || (at[n] != '\0' && strchr("_.-", at[n]) != NULL))
        n++;
    return n;
}

bool dbg_take_word(const char **at, const char *word)
{
    dbg_skip_blanks(at);
    size_t n = word_length(*at);
    if (n != strlen(word) || memcmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}

bool dbg_next_word(const char **at, char *word, size_t room)
{
    dbg_skip_blanks(at);
    size_t n = strcspn(*at, " \t");
    if (n == 0)
        return false;
    snprintf(word, room, "%.*s", (int)(n < room ? n : room - 1), *at);
    *at += n;
    return true;
}

bool dbg_no_more(struct debugger *dbg, const char **at)
{
    return dbg_at_end(at) || dbg_fail(dbg, "'%s' is too much; this was understood up to there", *at);
}

/* ---- finding the command ----------------------------------------------------------------------------------------- */

static bool names(const struct command *command, const char *word, size_t n)
{
    return (strlen(command->name) == n && memcmp(command->name, word, n) == 0) ||
           (strlen(command->alias) == n && memcmp(command->alias, word, n) == 0);
}

/* By name, alias, or as much of a name as no other begins with. */
static const struct command *find(struct debugger *dbg, const char *word, size_t n)
{
    const struct command *found = NULL;
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++)
        if (names(&table[i], word, n))
            return &table[i];
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        if (strncmp(table[i].name, word, n) != 0)
            continue;
        if (found != NULL) {
            dbg_fail(dbg, "'%.*s' may be %s or %s; write more of it", (int)n, word, found->name, table[i].name);
            return NULL;
        }
        found = &table[i];
    }
    if (found == NULL)
        dbg_fail(dbg, "there is no command '%.*s'; help lists them all", (int)n, word);
    return found;
}

/* A command's name ends where something else than a letter begins, so that x/4i and p/x work; "?" is help. */
static size_t name_length(const char *at)
{
    size_t n = 0;
    while (isalpha((unsigned char)at[n]) || at[n] == '-')
        n++;
    return n != 0 ? n : 1;
}

/* The line with a word of another debugger replaced by ours, in `own`; NULL: said why. */
static const char *in_our_words(struct debugger *dbg, const char *line, char own[DBG_LINE_MAX])
{
    size_t n = name_length(line);
    for (size_t i = 0; i < VX_ARRAY_LEN(spellings); i++) {
        if (strlen(spellings[i].word) != n || memcmp(spellings[i].word, line, n) != 0)
            continue;
        int length = snprintf(own, DBG_LINE_MAX, "%s%s", spellings[i].means, line + n);
        if (length >= DBG_LINE_MAX) {
            dbg_fail(dbg, "a line has at most %u characters", DBG_LINE_MAX - 1);
            return NULL;
        }
        return own;
    }
    return line;
}

/* What Enter does next. x and u go on behind what they have shown: repeated with their format alone. */
static void remember(struct debugger *dbg, const struct command *command, const char *line, size_t name)
{
    bool goes_on = command->run == dbg_cmd_examine || command->run == dbg_cmd_disassemble;
    size_t n = strlen(line);
    if (goes_on)
        n = line[name] == '/' ? strcspn(line, " \t") : name;
    if (!command->repeats)
        n = 0;
    snprintf(dbg->last, sizeof dbg->last, "%.*s", (int)n, line);
}

void dbg_execute(struct debugger *dbg, const char *line)
{
    char again[DBG_LINE_MAX], own[DBG_LINE_MAX];
    dbg->failed = dbg->going = false;
    dbg_skip_blanks(&line);
    if (*line == '#')
        return;
    if (*line == '\0') {
        if (dbg_input_in_script(dbg->input) || dbg->last[0] == '\0')
            return;
        snprintf(again, sizeof again, "%s", dbg->last);
        line = again;
    }
    line = in_our_words(dbg, line, own);
    if (line == NULL)
        return;
    size_t n = name_length(line);
    const struct command *command = find(dbg, line, n);
    if (command == NULL)
        return;
    const char *at = line + n;
    bool done = command->run(dbg, &at);
    VX_ASSERT(done || dbg->failed); /* I1 */
    if (!done)
        dbg->going = false;
    remember(dbg, command, line, n);
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

static void print_one(struct debugger *dbg, const struct command *command)
{
    dbg_say(dbg, "%s%s%s\n", command->usage, command->alias[0] != '\0' ? "   or shorter: " : "", command->alias);
    dbg_say(dbg, "    %s.\n    For example: %s\n", command->help, command->example);
}

/* As much of the help as a line holds, whole words. */
static void print_short(struct debugger *dbg, const char *help)
{
    enum { ROOM = 88 };
    size_t n = strlen(help);
    if (n > ROOM)
        for (n = ROOM - 4; help[n] != ' '; n--)
            ;
    dbg_say(dbg, "%.*s%s\n", (int)n, help, help[n] != '\0' ? " ..." : "");
}

static void print_all(struct debugger *dbg)
{
    for (unsigned chapter = 0; chapter < CHAPTERS; chapter++) {
        dbg_say(dbg, "%s\n", chapter_title[chapter]);
        for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
            if (table[i].chapter != chapter)
                continue;
            dbg_say(dbg, "  %-13s %-6s ", table[i].name, table[i].alias);
            print_short(dbg, table[i].help);
        }
    }
    dbg_say(dbg,
            "help COMMAND says more and shows an example. As much of a name as is unique will do; Enter repeats.\n"
            "Many words of Bochs and GDB are understood too: lb vb pb blist xp sreg si ni, info registers, $eax.\n");
}

bool dbg_cmd_help(struct debugger *dbg, const char **at)
{
    char word[64];
    if (!dbg_next_word(at, word, sizeof word)) {
        print_all(dbg);
        return true;
    }
    char own[DBG_LINE_MAX];
    const char *ours = in_our_words(dbg, word, own);
    const struct command *command = find(dbg, ours, name_length(ours));
    if (command == NULL)
        return false;
    print_one(dbg, command);
    return true;
}

bool debugger_command_at(unsigned n, const char **usage, const char **help, const char **example)
{
    if (n >= VX_ARRAY_LEN(table))
        return false;
    *usage = table[n].usage;
    *help = table[n].help;
    *example = table[n].example;
    return true;
}

/* ---- completion -------------------------------------------------------------------------------------------------- */

static const char *complete_command(const char *word, unsigned n)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++)
        if (strncmp(table[i].name, word, length) == 0 && n-- == 0)
            return table[i].name;
    return NULL;
}

/* The command that a line begins with, by name, alias or beginning of a name; NULL: none, nothing is said. */
static const struct command *command_of(const char *line)
{
    size_t n = name_length(line);
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++)
        if (names(&table[i], line, n))
            return &table[i];
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++)
        if (strncmp(table[i].name, line, n) == 0)
            return &table[i];
    return NULL;
}

/* The n-th word of a usage that is meant literally and begins with `prefix`: "mode", not "VECTOR", not the command
 * itself. */
static const char *usage_word(struct debugger *dbg, const struct command *command, const char *prefix, unsigned n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    const char *at = command->usage;
    while (*(at += strcspn(at, letters)) != '\0') {
        size_t length = strspn(at, letters);
        bool apart = at == command->usage || (!isalnum((unsigned char)at[-1]) && at[-1] != '-');
        bool own = strlen(command->name) == length && memcmp(command->name, at, length) == 0;
        if (apart && !own && length > 1 && strncmp(at, prefix, strlen(prefix)) == 0 && n-- == 0) {
            snprintf(dbg->completion, sizeof dbg->completion, "%.*s", (int)length, at);
            return dbg->completion;
        }
        at += length;
    }
    return NULL;
}

static unsigned usage_words(struct debugger *dbg, const struct command *command, const char *prefix)
{
    unsigned n = 0;
    while (usage_word(dbg, command, prefix, n) != NULL)
        n++;
    return n;
}

const char *dbg_complete(struct debugger *dbg, const char *line, const char *word, unsigned n)
{
    dbg_skip_blanks(&line);
    size_t first = strcspn(line, " \t");
    if (line[first] == '\0' || strncmp(line, "help", first) == 0)
        return complete_command(word, n);
    const struct command *command = command_of(line);
    unsigned matching = command != NULL ? usage_words(dbg, command, word) : 0;
    if (n < matching)
        return usage_word(dbg, command, word, n);
    const char *name;
    for (unsigned i = 0; (name = dbg_register_name(i)) != NULL; i++)
        if (strncmp(name, word, strlen(word)) == 0 && matching++ == n)
            return name;
    return dbg_symbols_match(dbg->symbols, word, n - matching);
}
