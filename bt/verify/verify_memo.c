/* verify_memo.c - instructions that Capstone has decoded before, by their bytes.
 *
 * Fragments are made of few different instructions, and Capstone's time is most of the verifier's. An instruction is
 * found by trying the lengths that have been seen behind its first two bytes: since what an encoding means depends on
 * its own bytes only, an entry whose bytes are the next ones is the next instruction. */
#include "verify_memo.h"

enum { MEMO_ENTRIES = 1 << 13 };

struct key {
    uint64_t lo, hi; /* the instruction's bytes, zeros behind them */
};

struct entry {
    struct key key;
    struct vf_insn insn; /* len 0: free */
};

struct vf_memo {
    uint16_t lengths[1 << 16]; /* by the first two bytes: bit set */
    struct entry entry[MEMO_ENTRIES];
};

size_t vf_memo_bytes(void)
{
    return sizeof(struct vf_memo);
}

static struct key key_of(const uint8_t window[16], unsigned len)
{
    struct key key;
    memcpy(&key.lo, window, 8);
    memcpy(&key.hi, window + 8, 8);
    if (len < 8)
        key.lo &= (1ull << len * 8) - 1;
    key.hi = len <= 8 ? 0 : key.hi & ((1ull << (len - 8) * 8) - 1);
    return key;
}

static struct entry *slot(struct vf_memo *memo, struct key key, unsigned len)
{
    uint64_t h = (key.lo * 0x9E3779B97F4A7C15ull ^ (key.hi + len) * 0xC2B2AE3D27D4EB4Full) * 0x9E3779B97F4A7C15ull;
    return &memo->entry[h >> 51];
}

static void window_of(const uint8_t *code, size_t bytes, uint8_t window[16])
{
    memset(window, 0, 16);
    memcpy(window, code, bytes < 16 ? bytes : 16);
}

bool vf_memo_find(struct vf_memo *memo, const uint8_t *code, size_t bytes, struct vf_insn *in)
{
    uint8_t window[16];
    window_of(code, bytes, window);
    for (unsigned mask = memo->lengths[window[0] | window[1] << 8]; mask != 0; mask &= mask - 1) {
        unsigned len = (unsigned)__builtin_ctz(mask);
        struct key key = key_of(window, len);
        const struct entry *entry = slot(memo, key, len);
        if (len <= bytes && entry->insn.len == len && entry->key.lo == key.lo && entry->key.hi == key.hi) {
            *in = entry->insn;
            return true;
        }
    }
    return false;
}

void vf_memo_keep(struct vf_memo *memo, const uint8_t *code, const struct vf_insn *in)
{
    uint8_t window[16];
    window_of(code, in->len, window);
    struct key key = key_of(window, in->len);
    if (in->len == 1) { /* whatever comes behind */
        for (unsigned second = 0; second < 256; second++)
            memo->lengths[window[0] | second << 8] |= 1u << 1;
    } else {
        memo->lengths[window[0] | window[1] << 8] |= (uint16_t)(1u << in->len);
    }
    *slot(memo, key, in->len) = (struct entry){ key, *in };
}
