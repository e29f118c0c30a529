/* verify_report.c - what a violation looks like: the rule, guest code, host code around the place. */
#include "verify_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "verify_decode.h"
#include "vx86/host.h"

static const char *const rule_names[RULE_COUNT] = {
#define VX_RULE(id, name, text) [RULE_##id] = name,
#include "verify_rules.def"
#undef VX_RULE
};
static const char *const rule_texts[RULE_COUNT] = {
#define VX_RULE(id, name, text) [RULE_##id] = text,
#include "verify_rules.def"
#undef VX_RULE
};

const char *bt_rule_name(enum bt_rule rule)
{
    return rule == RULE_NONE ? "none" : rule_names[rule];
}

struct text {
    char *at;
    size_t left;
};

static VX_PRINTF(2, 3) void put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    size_t done = n < 0 ? 0 : (size_t)n < text->left ? (size_t)n : text->left - 1;
    text->at += done;
    text->left -= done;
}

static void put_line(struct bt_verifier *v, struct text *text, csh handle, const uint8_t *code, size_t bytes,
                     uint64_t address)
{
    if (!cs_disasm_iter(handle, &code, &bytes, &address, v->scratch)) {
        put(text, "(undecodable)\n");
        return;
    }
    put(text, " %s %s\n", v->scratch->mnemonic, v->scratch->op_str);
}

/* Disassembled in the form that the rules see (verify_decode.c). */
static void put_guest(struct bt_verifier *v, struct text *text)
{
    const struct bt_tu *tu = v->claim->tu;
    uint64_t eip = tu->eip;
    for (unsigned i = 0; i < tu->insns; i++) {
        const struct bt_insn *in = &v->claim->insns[i];
        uint8_t code[VF_NORMALISED_BYTES];
        unsigned n = vf_normalise((tu->mode & MODE_CS32) != 0, in->bytes, in->len, code);
        put(text, "guest %2u  host %4u  eip %08" PRIx64 "  ", i, v->claim->start[i], eip);
        for (unsigned k = 0; k < in->len; k++)
            put(text, "%02x ", in->bytes[k]);
        put_line(v, text, v->guest32, code, n, eip + in->len - n);
        eip += in->len;
    }
}

static void put_host(struct bt_verifier *v, struct text *text, uint32_t wrong)
{
    enum { BEFORE = 40, AFTER = 12 };
    uint32_t middle = 0;
    for (uint32_t i = 0; i < v->count && v->insn[i].off <= wrong; i++)
        middle = i;
    for (uint32_t i = middle > BEFORE ? middle - BEFORE : 0; i < v->count && i < middle + AFTER; i++) {
        const struct vf_insn *in = &v->insn[i];
        put(text, "%s host %4u  ", in->off == wrong ? "-->" : "   ", in->off);
        for (unsigned k = 0; k < in->len; k++)
            put(text, "%02x ", v->claim->code[in->off + k]);
        put_line(v, text, v->host, v->claim->code + in->off, in->len, in->off);
    }
}

bool vf_fail(struct bt_verifier *v, enum bt_rule rule, const struct vf_insn *in, const char *format, ...)
{
    const struct bt_tu *tu = v->claim->tu;
    struct text text = { v->verdict->text, sizeof v->verdict->text };
    va_list args;
    if (v->verdict->rule != RULE_NONE)
        return false;
    v->verdict->rule = rule;
    v->verdict->off = in == NULL ? 0 : in->off;
    put(&text, "%s: ", rule_names[rule]);
    va_start(args, format);
    int n = vsnprintf(text.at, text.left, format, args);
    va_end(args);
    text.at += n;
    text.left -= (size_t)n;
    put(&text, "\nat offset %u of the fragment of %u bytes at cache offset %x, eip %08" PRIx64 ", mode %x\nrule: %s\n",
        v->verdict->off, tu->host_bytes, tu->entry, tu->eip, tu->mode, rule_texts[rule]);
    put_guest(v, &text);
    put_host(v, &text, v->verdict->off);
    return false;
}

void bt_verify_failed(struct vx_log *log, const struct bt_verdict *verdict)
{
    vx_log_error(log, VX_LOG_BT, "the verifier has found wrong code");
    for (const char *line = verdict->text; *line != '\0';) {
        int n = (int)strcspn(line, "\n");
        vx_log_error(log, VX_LOG_BT, "%.*s", n, line);
        line += n + (line[n] == '\n');
    }
    vx_host_abort();
}
