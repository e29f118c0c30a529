/* mutate.c - inputs from inputs. See readers.h. */
#include <string.h>

#include "readers.h"
#include "vx86/bytes.h"

void input_add(struct input *input, const void *at, size_t bytes)
{
    size_t room = INPUT_BYTES - input->bytes;
    bytes = bytes < room ? bytes : room;
    memcpy(input->at + input->bytes, at, bytes);
    input->bytes += bytes;
}

void input_text(struct input *input, const char *text)
{
    input_add(input, text, strlen(text));
}

void input_zeros(struct input *input, size_t bytes)
{
    static const uint8_t zeros[INPUT_BYTES];
    input_add(input, zeros, bytes);
}

void input_put16(struct input *input, size_t off, uint16_t value)
{
    vx_put_le16(input->at + off, value);
}

void input_put32(struct input *input, size_t off, uint32_t value)
{
    vx_put_le32(input->at + off, value);
}

static void insert(struct input *input, size_t off, const void *at, size_t bytes)
{
    size_t room = INPUT_BYTES - input->bytes;
    bytes = bytes < room ? bytes : room;
    memmove(input->at + off + bytes, input->at + off, input->bytes - off);
    memcpy(input->at + off, at, bytes);
    input->bytes += bytes;
}

static void cut(struct input *input, size_t off, size_t bytes)
{
    memmove(input->at + off, input->at + off + bytes, input->bytes - off - bytes);
    input->bytes -= bytes;
}

static void change_number(struct input *input, size_t off, struct rng *rng)
{
    static const uint32_t values[] = { 0,          1,          2,          0x7F,       0x80,
                                       0xFF,       0x100,      0x7FFF,     0x8000,     0xFFFF,
                                       0x10000,    0x100000,   0x7FFFFFFF, 0x80000000, 0xFFFFFFFE,
                                       0xFFFFFFFF, 0xFFFFF000, 0x00FFFFFF, 0x40000000, 0x20 };
    uint32_t value = one_in(rng, 3) ? (uint32_t)rng_next(rng) : values[rng_below(rng, VX_ARRAY_LEN(values))];
    size_t bytes = (size_t)1 << rng_below(rng, 3);
    for (size_t i = 0; i < bytes && off + i < input->bytes; i++)
        input->at[off + i] = (uint8_t)(value >> 8 * i);
}

static void add_word(struct input *input, size_t off, const struct reader *reader, struct rng *rng)
{
    unsigned count = 0;
    while (reader->words[count] != NULL)
        count++;
    const char *word = reader->words[rng_below(rng, count)];
    insert(input, off, word, strlen(word));
}

static void change(struct input *input, const struct input *other, const struct reader *reader, struct rng *rng)
{
    uint8_t copy[64];
    size_t off = rng_below(rng, (uint32_t)input->bytes), left = input->bytes - off;
    size_t part = 1 + rng_below(rng, (uint32_t)(left < sizeof copy ? left : sizeof copy));
    switch (rng_below(rng, reader->words != NULL ? 10 : 8)) {
    case 0: input->at[off] ^= (uint8_t)(1u << rng_below(rng, 8)); break;
    case 1: input->at[off] = (uint8_t)rng_next(rng); break;
    case 2: change_number(input, off, rng); break;
    case 3: change_number(input, off & ~(size_t)3, rng); break;
    case 4: cut(input, off, one_in(rng, 8) ? left : part); break;
    case 5:
        memcpy(copy, input->at + off, part);
        insert(input, rng_below(rng, (uint32_t)input->bytes), copy, part);
        break;
    case 6:
        if (other->bytes != 0) {
            size_t from = rng_below(rng, (uint32_t)other->bytes), most = other->bytes - from;
            insert(input, off, other->at + from, one_in(rng, 4) || most < part ? most : part);
        }
        break;
    case 7: input->at[off] = (uint8_t)(input->at[off] + 1 - 2 * rng_below(rng, 2)); break;
    default: add_word(input, off, reader, rng); break;
    }
}

void input_mutate(struct input *out, const struct input *one, const struct input *other, const struct reader *reader,
                  struct rng *rng)
{
    out->bytes = 0;
    input_add(out, one->at, one->bytes);
    for (unsigned n = 1 + rng_below(rng, one_in(rng, 4) ? 20 : 4); n > 0; n--) {
        if (out->bytes == 0)
            input_add(out, "\n", 1);
        change(out, other, reader, rng);
    }
}
