/* gen.c - random programs: any opcode of any map, with prefixes and operands that have a chance to meet memory.
 *
 * Nothing here knows what an instruction is good for. An opcode is drawn, ModRM and displacement are made so that
 * addresses tend to be in the data, the rest is random; Zydis says how long that is. Some of what it refuses is taken
 * as well. */
#include "hostfuzz.h"

#include <Zydis/Zydis.h>
#include <string.h>

const char *const hf_mode_names[HF_MODES] = { "all", "int", "x87", "sse", "bytes", "length", "self" };

struct gen {
    struct hf_rng rng;
    ZydisDecoder decoder[2];
    enum hf_mode mode; /* of this program */
    bool code16;
    uint8_t insn[24];
    unsigned n;
};

static void put(struct gen *g, unsigned byte)
{
    g->insn[g->n++] = (uint8_t)byte;
}

static void put_value(struct gen *g, uint32_t value, unsigned bytes)
{
    memcpy(g->insn + g->n, &value, 4);
    g->n += bytes;
}

static bool vector_opcode(unsigned op)
{
    return (op >= 0x10 && op < 0x18) || (op >= 0x28 && op < 0x30) || (op >= 0x50 && op < 0x80) || op == 0xAE ||
           op == 0xC2 || (op >= 0xC4 && op < 0xC7) || op >= 0xD0;
}

static bool is_prefix(unsigned op)
{
    return op == 0x26 || op == 0x2E || op == 0x36 || op == 0x3E || (op >= 0x64 && op < 0x68) || op == 0xF0 ||
           (op & ~1u) == 0xF2;
}

/* Returns true when the address size is not the code's own. */
static bool put_prefixes(struct gen *g)
{
    static const uint8_t segments[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65 };
    bool other_size = false;
    if (hf_one_in(&g->rng, 4))
        put(g, 0x66);
    if (hf_one_in(&g->rng, 10))
        put(g, segments[hf_below(&g->rng, 6)]);
    if (hf_one_in(&g->rng, 16)) {
        put(g, 0x67);
        other_size = true;
    }
    if (hf_one_in(&g->rng, 12))
        put(g, hf_one_in(&g->rng, 2) ? 0xF2 : 0xF3);
    if (hf_one_in(&g->rng, 24))
        put(g, 0xF0);
    return other_size;
}

/* An opcode of MMX or SSE with its mandatory prefix; *map as in put_opcode(). */
static unsigned draw_vector_opcode(struct gen *g, unsigned *map)
{
    static const uint8_t mandatory[4] = { 0, 0x66, 0xF3, 0xF2 };
    static const uint8_t upper[] = { 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF0, 0xF1, 0xF0, 0xF1 }; /* AES, MOVBE, CRC32 */
    unsigned op, roll = hf_below(&g->rng, 16);
    *map = roll < 10 ? 1 : roll < 14 ? 2 : 3;
    if (hf_one_in(&g->rng, 2) || *map > 1)
        g->n = 0;
    uint8_t prefix = mandatory[*map > 1 ? hf_below(&g->rng, 8) != 0 : hf_below(&g->rng, 4)];
    do {
        op = hf_below(&g->rng, *map == 1 || hf_one_in(&g->rng, 16) ? 256 : 0x70);
    } while (*map == 1 && !vector_opcode(op));
    if (*map > 1 && hf_one_in(&g->rng, 6)) {
        op = upper[hf_below(&g->rng, *map == 2 ? sizeof upper : 5)];
        prefix = mandatory[op < 0xF0 ? 1 : hf_below(&g->rng, 4)];
        if (prefix == 0xF2 && hf_one_in(&g->rng, 3))
            put(g, 0x66);
    }
    if (prefix != 0)
        put(g, prefix);
    return op;
}

/* The opcode; *map: 0 one-byte, 1 0F, 2 0F38, 3 0F3A. */
static unsigned put_opcode(struct gen *g, unsigned *map)
{
    unsigned op, roll = hf_below(&g->rng, 16);
    if (g->mode == HF_MODE_X87 && roll < 13) {
        *map = 0;
        op = roll == 0 ? 0x9B : 0xD8 + hf_below(&g->rng, 8);
    } else if (g->mode == HF_MODE_SSE && roll < 14) {
        op = draw_vector_opcode(g, map);
    } else {
        *map = roll < 11;
        *map = !*map;
        do {
            op = hf_below(&g->rng, 256);
        } while (*map == 0 ? is_prefix(op) || op == 0x0F || (op & 0xF8) == 0xD8 : vector_opcode(op) && roll != 15);
    }
    if (*map != 0)
        put(g, 0x0F);
    if (*map > 1)
        put(g, *map == 2 ? 0x38 : 0x3A);
    put(g, op);
    return op;
}

static void put_modrm(struct gen *g, bool address16)
{
    uint64_t r = hf_random(&g->rng);
    unsigned rm = r & 7, reg = r >> 3 & 7;
    unsigned roll = r >> 8 & 15, mod = roll < 5 ? 3 : roll < 9 ? 0 : roll < 13 ? 1 : 2;
    uint32_t near = (uint32_t)(r >> 32 & 0x1FF) - 0x100;
    uint32_t absolute = (uint32_t)(r >> 32) % HF_DATA_BYTES + (g->code16 ? 0 : HF_DATA);
    put(g, mod << 6 | reg << 3 | rm);
    if (mod == 3)
        return;
    if (address16) {
        if (mod != 1 && (mod == 2 || rm == 6))
            put_value(g, mod == 0 ? absolute : near, 2);
        return;
    }
    if (rm == 4) {
        unsigned sib = r >> 16 & 0xFF;
        if (r >> 24 & 1)
            sib |= 0x20; /* without index as often as with one */
        if (r >> 24 & 1)
            sib = (sib & ~0x18u) | 0x20;
        put(g, sib);
        rm = sib & 7;
    }
    if (mod == 2 || (mod == 0 && rm == 5))
        put_value(g, mod == 0 ? absolute : near, 4);
}

/* Bytes for whatever follows: immediates, distances. */
static void put_rest(struct gen *g, unsigned map, unsigned op, bool address16)
{
    bool branch =
        (map == 0 && ((op & 0xF0) == 0x70 || (op & 0xFC) == 0xE0 || op == 0xE8 || op == 0xE9 || op == 0xEB)) ||
        (map == 1 && (op & 0xF0) == 0x80);
    if (branch && !hf_one_in(&g->rng, 32)) {
        put_value(g, hf_below(&g->rng, 24), 4);
        return;
    }
    if (map == 0 && (op & 0xFC) == 0xA0) {
        put_value(g, (g->code16 ? 0 : HF_DATA) + hf_below(&g->rng, HF_DATA_BYTES), address16 ? 2 : 4);
        return;
    }
    put_value(g, hf_value(&g->rng), 4);
    put_value(g, hf_value(&g->rng), 4);
}

/* One instruction in g->insn; returns its length, 0: not worth having. */
static unsigned draw(struct gen *g)
{
    unsigned map;
    g->n = 0;
    bool other_size = put_prefixes(g);
    unsigned op = put_opcode(g, &map);
    bool address16 = g->code16 != other_size;
    if (g->mode == HF_MODE_SSE)
        address16 = g->code16 != (memchr(g->insn, 0x67, g->n) != NULL);
    bool has_modrm =
        map > 1 || (map == 1 && (op & 0xF0) != 0x80 && (op & 0xF8) != 0xC8) ||
        (map == 0 && (op < 0x40 ? (op & 4) == 0 : (op & 0xFC) != 0xA0 && (op & 0xF0) != 0x70 && (op & 0xF0) != 0xE0));
    if (has_modrm)
        put_modrm(g, address16);
    put_rest(g, map, op, address16);
    while (g->n < 16)
        put(g, (unsigned)hf_random(&g->rng));
    ZydisDecodedInstruction z;
    if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&g->decoder[!g->code16], NULL, g->insn, 15, &z)))
        return z.length;
    return hf_one_in(&g->rng, 8) ? 2 + hf_below(&g->rng, 8) : 0;
}

static unsigned random_bytes(struct gen *g)
{
    for (g->n = 0; g->n < 15;)
        put(g, (unsigned)hf_random(&g->rng));
    return 1 + hf_below(&g->rng, 15);
}

void hf_put_out(uint8_t *at, bool code16)
{
    uint32_t off = HF_CODE;
    if (code16)
        *at++ = 0x66;
    *at++ = 0xEA;
    memcpy(at, &off, 4);
    at[4] = HF_SEL_CODE64;
    at[5] = 0;
}

static void make_program(struct gen *g, struct hf_program *p, uint8_t *code)
{
    uint64_t r = hf_random(&g->rng);
    unsigned wanted = 1 + (r & 7) % ((r >> 8 & 7) + 1);
    p->code16 = g->code16;
    p->bytes = p->count = 0;
    while (p->count < wanted) {
        unsigned len = g->mode == HF_MODE_BYTES ? random_bytes(g) : draw(g);
        if (len == 0)
            continue;
        memcpy(code + p->bytes, g->insn, len);
        p->len[p->count++] = (uint8_t)len;
        p->bytes = (uint8_t)(p->bytes + len);
    }
    hf_put_out(code + p->bytes, g->code16);
}

uint8_t *hf_batch_code(struct hf_batch *batch, uint32_t lin, unsigned *bytes)
{
    uint32_t off = lin - HF_CODE, edge = lin - HF_EDGE, in_page = edge % HF_EDGE_STEP;
    if (off < HF_CODE_BYTES) {
        *bytes = HF_CODE_BYTES - off;
        return batch->code + off;
    }
    if (lin - HF_SELF < HF_SELF_BYTES) {
        *bytes = HF_SELF_BYTES - (lin - HF_SELF);
        return batch->self + (lin - HF_SELF);
    }
    if (edge >= HF_EDGE_ALL_BYTES || in_page >= HF_PAGE_BYTES || in_page < HF_PAGE_BYTES - HF_EDGE_BYTES)
        return NULL;
    *bytes = HF_PAGE_BYTES - in_page;
    return batch->edge[edge / HF_EDGE_STEP] + (HF_EDGE_BYTES - *bytes);
}

/* Random bytes, twice: as many as Zydis takes for the instruction (all where it takes none), and one less. */
static void make_edge_pair(struct gen *g, struct hf_batch *batch, unsigned i)
{
    ZydisDecodedInstruction z;
    random_bytes(g);
    if (hf_one_in(&g->rng, 4)) /* most opcodes are in the maps behind 0F */
        g->insn[hf_below(&g->rng, 2)] = 0x0F;
    bool known = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&g->decoder[!g->code16], NULL, g->insn, 15, &z));
    unsigned len = known ? z.length : 1 + hf_below(&g->rng, 15);
    for (unsigned k = 0; k < 2; k++) {
        unsigned bytes = len - (len > 1 ? k : 0);
        struct hf_program *p = &batch->program[i + k];
        *p = (struct hf_program){
            .bytes = (uint8_t)bytes, .count = 1, .len = { (uint8_t)bytes }, .code16 = g->code16, .place = HF_PLACE_EDGE
        };
        p->lin = HF_EDGE + (i + k) * HF_EDGE_STEP + HF_PAGE_BYTES - bytes;
        memset(batch->edge[i + k], 0xCC, HF_EDGE_BYTES);
        memcpy(batch->edge[i + k] + HF_EDGE_BYTES - bytes, g->insn, bytes);
    }
}

/* Programs that can write to themselves and to each other. */
static void make_self_programs(struct gen *g, struct hf_batch *batch)
{
    uint32_t here = 0;
    memset(batch->self, 0xCC, sizeof batch->self);
    for (unsigned i = 0; i < HF_PROGRAMS; i++) {
        struct hf_program *p = &batch->program[i];
        if (here > HF_SELF_BYTES - HF_PROGRAM_BYTES_MAX - HF_OUT_BYTES) { /* no room: the first one again */
            *p = batch->program[0];
            continue;
        }
        g->mode = hf_one_in(&g->rng, 4) ? HF_MODE_SSE : HF_MODE_INT;
        g->code16 = hf_one_in(&g->rng, 3);
        make_program(g, p, batch->self + here);
        p->lin = HF_SELF + here;
        p->place = HF_PLACE_SELF;
        here += p->bytes + HF_OUT_BYTES + hf_below(&g->rng, 16);
    }
}

/* Programs of both sizes have their halves of the code. They lie close behind each other, so that some cross pages. */
void hf_batch_make(struct hf_batch *batch, uint64_t seed, uint64_t number, enum hf_mode mode)
{
    static const enum hf_mode all[8] = { HF_MODE_INT, HF_MODE_INT, HF_MODE_INT, HF_MODE_X87,
                                         HF_MODE_X87, HF_MODE_SSE, HF_MODE_SSE, HF_MODE_BYTES };
    struct gen g = { .rng = hf_seeded(seed, number * 2, 0) };
    uint32_t at[2] = { HF_FIRST_PROGRAM, HF_CODE16 - HF_CODE + HF_FIRST_PROGRAM };
    ZydisDecoderInit(&g.decoder[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&g.decoder[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    batch->seed = seed;
    batch->number = number;
    memset(batch->code, 0xCC, sizeof batch->code);
    batch->states = mode == HF_MODE_LENGTH ? 1 : HF_STATES;
    hf_data_make(batch->data, &g.rng);
    for (unsigned i = 0; mode == HF_MODE_LENGTH && i < HF_PROGRAMS; i += 2) {
        g.code16 = hf_one_in(&g.rng, 2);
        make_edge_pair(&g, batch, i);
    }
    if (mode == HF_MODE_SELF)
        make_self_programs(&g, batch);
    if (mode == HF_MODE_LENGTH || mode == HF_MODE_SELF)
        return;
    for (unsigned i = 0; i < HF_PROGRAMS; i++) {
        struct hf_program *p = &batch->program[i];
        g.mode = mode == HF_MODE_ALL ? all[hf_below(&g.rng, 8)] : mode;
        g.code16 = hf_one_in(&g.rng, 3);
        uint32_t *here = &at[g.code16];
        *here += hf_below(&g.rng, 24);
        make_program(&g, p, batch->code + *here);
        p->lin = HF_CODE + *here;
        p->place = HF_PLACE_CODE;
        *here += p->bytes + HF_OUT_BYTES;
    }
}
