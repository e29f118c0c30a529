/* test_state_cover.c - vcpu_state.def has a row for each member of struct vx_vcpu: each byte of it is in exactly one.
 *
 * The structs are laid out without padding here, so that a forgotten member cannot hide in it. Nothing is done with
 * them but to take offsets: their layout is not that of the library. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC diagnostic ignored "-Waddress-of-packed-member"
#pragma pack(push, 1)
#define _Alignas(bytes)
#include "cpu_private.h"
#include "vx86/vcpu_state.h"
#undef _Alignas
#pragma pack(pop)

struct part {
    const char *name;
    size_t off, bytes;
};

#define WHOLE(type, its_name, member) { its_name, offsetof(type, member), sizeof(((type *)0)->member) },

static const struct part rows[] = {
#define VCPU_NUMBER(name, member, max, digits, uses, bits) WHOLE(struct vx_vcpu, name, member)
#define VCPU_BYTES(name, member, bytes, max, uses, bits)   { name, offsetof(struct vx_vcpu, member), bytes },
#define VCPU_NONE(member, why)                             WHOLE(struct vx_vcpu, #member, member)
#define VCPU_NONE_BYTES(member, bytes, why)                { #member, offsetof(struct vx_vcpu, member), bytes },
#include "vx86/vcpu_state.def"
};

/* What a vCPU has besides, all of it the host's: nothing of it may be state. */
static const struct part box_rows[] = {
    WHOLE(struct cpu_box, "vcpu", vcpu)                         /* the rows above */
    WHOLE(struct cpu_box, "model", model)                       /* configuration */
    WHOLE(struct cpu_box, "undefined", undefined)               /* of this host */
    WHOLE(struct cpu_box, "ring_next", ring_next)               /* of dumps */
    WHOLE(struct cpu_box, "ring", ring)                         /* of dumps */
    WHOLE(struct cpu_box, "chain", chain)                       /* of reports */
    WHOLE(struct cpu_box, "msr_logged_count", msr_logged_count) /* of the log */
    WHOLE(struct cpu_box, "msr_logged", msr_logged)             /* of the log */
};

/* Bytes that are in no row, or in two. `without` is left out (none: count). */
static unsigned wrong_bytes(const struct part *part, size_t count, size_t without, size_t bytes, size_t *first)
{
    uint8_t *times = calloc(1, bytes);
    unsigned wrong = 0;
    cr_assert(times != NULL);
    for (size_t i = 0; i < count; i++) {
        cr_assert(part[i].off + part[i].bytes <= bytes, "%s lies outside", part[i].name);
        for (size_t b = 0; i != without && b < part[i].bytes; b++)
            times[part[i].off + b]++;
    }
    for (size_t b = 0; b < bytes; b++)
        if (times[b] != 1 && wrong++ == 0)
            *first = b;
    free(times);
    return wrong;
}

static const char *before(const struct part *part, size_t count, size_t off)
{
    const struct part *last = &part[0];
    for (size_t i = 0; i < count; i++)
        if (part[i].off <= off && part[i].off >= last->off)
            last = &part[i];
    return last->name;
}

Test(state_cover, every_byte_has_one_row)
{
    size_t first = 0, count = VX_ARRAY_LEN(rows);
    unsigned wrong = wrong_bytes(rows, count, count, sizeof(struct vx_vcpu), &first);
    cr_assert_eq(wrong, 0,
                 "%u bytes of struct vx_vcpu are in no row of vcpu_state.def or in two, first at or behind %s", wrong,
                 before(rows, count, first));
    count = VX_ARRAY_LEN(box_rows);
    wrong = wrong_bytes(box_rows, count, count, sizeof(struct cpu_box), &first);
    cr_assert_eq(wrong, 0,
                 "%u bytes of struct cpu_box: state belongs in struct vx_vcpu, the rest in box_rows; behind %s", wrong,
                 before(box_rows, count, first));
}

/* Each row in turn is forgotten. */
Test(state_cover, a_forgotten_row_is_noticed)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        size_t first = 0;
        unsigned wrong = wrong_bytes(rows, VX_ARRAY_LEN(rows), i, sizeof(struct vx_vcpu), &first);
        cr_assert(wrong == rows[i].bytes && first == rows[i].off, "%s: %u bytes", rows[i].name, wrong);
    }
}
