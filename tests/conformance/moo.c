/* moo.c - see moo.h. */
#include "moo.h"

#include <stdio.h>
#include <string.h>

static bool take(struct moo_reader *r, void *buf, size_t bytes)
{
    if ((size_t)(r->end - r->at) < bytes)
        return false;
    memcpy(buf, r->at, bytes);
    r->at += bytes;
    return true;
}

bool moo_take_chunk(struct moo_reader *r, char tag[5], struct moo_reader *body)
{
    uint32_t length;
    memset(tag, 0, 5);
    if (!take(r, tag, 4) || !take(r, &length, 4) || (size_t)(r->end - r->at) < length)
        return false;
    *body = (struct moo_reader){ r->at, r->at + length };
    r->at += length;
    return true;
}

static bool parse_state(struct moo_reader r, struct moo_state *state)
{
    char tag[5];
    struct moo_reader body;
    while (r.at < r.end) {
        if (!moo_take_chunk(&r, tag, &body))
            return false;
        uint16_t mask;
        if (strcmp(tag, "REGS") == 0 && take(&body, &mask, 2)) {
            for (unsigned i = 0; i < REGS; i++)
                if (mask >> i & 1 && !take(&body, &state->reg[i], 2))
                    return false;
        } else if (strcmp(tag, "RAM ") == 0 && take(&body, &state->ram_count, 4)) {
            if (state->ram_count > MOO_RAM_MAX)
                return false;
            for (uint32_t i = 0; i < state->ram_count; i++)
                if (!take(&body, &state->ram[i].address, 4) || !take(&body, &state->ram[i].value, 1))
                    return false;
        }
    }
    return true;
}

bool moo_parse_vector(struct moo_reader r, struct moo_vector *v)
{
    char tag[5];
    struct moo_reader body;
    uint32_t length;
    if (!take(&r, &length, 4)) /* the index */
        return false;
    v->has_exception = false;
    v->init.ram_count = v->fina.ram_count = 0;
    while (r.at < r.end) {
        if (!moo_take_chunk(&r, tag, &body))
            return false;
        if (strcmp(tag, "NAME") == 0 && take(&body, &length, 4)) {
            size_t left = (size_t)(body.end - body.at);
            snprintf(v->name, sizeof(v->name), "%.*s", (int)(length < left ? length : left), (const char *)body.at);
        } else if (strcmp(tag, "BYTS") == 0 && take(&body, &v->byte_count, 4)) {
            if (v->byte_count > sizeof(v->bytes) || !take(&body, v->bytes, v->byte_count))
                return false;
        } else if (strcmp(tag, "INIT") == 0) {
            if (!parse_state(body, &v->init))
                return false;
            memcpy(v->fina.reg, v->init.reg, sizeof(v->fina.reg));
        } else if (strcmp(tag, "FINA") == 0) {
            if (!parse_state(body, &v->fina))
                return false;
        } else if (strcmp(tag, "EXCP") == 0) {
            v->has_exception = take(&body, &v->exception, 1); /* the address that follows is cut to even */
        }
    }
    return true;
}

void moo_parse_name(struct moo_reader body, char name[16])
{
    uint32_t opcode;
    enum { OPCODE = 3, MNEMONIC = 7, MNEMONIC_BYTES = 8 };
    name[0] = '\0';
    if (body.end - body.at < MNEMONIC + MNEMONIC_BYTES)
        return;
    memcpy(&opcode, body.at + OPCODE, 4);
    snprintf(name, 16, "%X %.8s", opcode & 0xFFFFFF, (const char *)body.at + MNEMONIC);
}

/* The metadata is printed one key a line; a key's depth tells opcode (2) from reg (4). */
bool moo_parse_masks(const char *text, struct moo_masks *masks)
{
    unsigned depth = 0, opcode = 0, reg = 0, value, found = 0;
    memset(masks, 0xFF, sizeof(*masks));
    for (const char *next; *text != '\0'; text = next) {
        char line[256];
        size_t length = strcspn(text, "\n");
        next = text + length + (text[length] == '\n');
        snprintf(line, sizeof(line), "%.*s", (int)(length < sizeof(line) ? length : sizeof(line) - 1), text);
        bool key = strchr(line, '{') != NULL;
        if (key && depth == 2 && sscanf(line, " \"%x\"", &opcode) == 1)
            reg = 8;
        if (key && depth == 4)
            (void)sscanf(line, " \"%u\"", &reg);
        if (sscanf(line, " \"flags-mask\": %u", &value) == 1) {
            for (unsigned i = 0; i < 8; i++)
                if (reg == 8 || reg == i)
                    masks->flags[opcode > 0xFF][opcode & 0xFF][i] = (uint16_t)value;
            found++;
        }
        depth += key;
        depth -= strchr(line, '}') != NULL;
    }
    return found > 0;
}
