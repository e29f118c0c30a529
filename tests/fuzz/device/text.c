/* text.c - programs as text, an operation a line: "out at size value", numbers in hex. See device.h. */
#include <string.h>

#include "device.h"

static const char *const words[] = {
#define OP(name, word) word,
#include "ops.def"
#undef OP
};

void program_write(const struct program *program, FILE *out)
{
    for (unsigned i = 0; i < program->count; i++) {
        const struct op *op = &program->op[i];
        fprintf(out, "%s %x %x %x %x %x\n", words[op->kind], op->at, op->size, op->value, op->count, op->memory);
    }
}

static bool parse(const char *line, struct op *op)
{
    char word[16];
    unsigned size, count;
    if (sscanf(line, "%15s %x %x %x %x %x", word, &op->at, &size, &op->value, &count, &op->memory) != 6)
        return false;
    op->size = (uint8_t)size;
    op->count = (uint16_t)count;
    for (op->kind = 0; op->kind < OP_KINDS && strcmp(words[op->kind], word) != 0;)
        op->kind++;
    return op->kind < OP_KINDS && (size == 1 || size == 2 || size == 4 || size == 8) && count <= UINT16_MAX;
}

bool program_read(struct program *program, FILE *in, const char *name)
{
    char line[200];
    program->count = 0;
    for (unsigned number = 1; fgets(line, sizeof line, in) != NULL; number++) {
        if (line[0] == '#')
            continue;
        if (program->count == OPS_MAX || !parse(line, &program->op[program->count])) {
            fprintf(stderr, "%s: line %u is no operation, or one too many\n", name, number);
            return false;
        }
        program->count++;
    }
    return true;
}
