/* test_state.c - tables of state by themselves: a struct with every kind of row, its section byte for byte, and what
 * is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

struct part {
    uint16_t level;
    bool on;
};

struct toy {
    struct vx_clock *clock;
    uint32_t cached;
    uint8_t small, pair[2];
    int16_t sign;
    uint64_t wide;
    struct part part[2];
    uint8_t *blob;
    struct vx_timer timer;
    uint8_t setting;
};

static const char *check(const void *loaded)
{
    const struct toy *toy = loaded;
    return toy->pair[0] <= toy->pair[1] ? NULL : "pair";
}

/* clang-format off */
#define PART_ROWS FIELD(struct part, level), REGISTER(struct part, on)
#define TOY_ROWS(small)                                                                                         \
    small, REGISTER(struct toy, pair), FIELD_IN(struct toy, sign, -5, 5), FIELD(struct toy, wide),              \
        FIELD_STRUCT(struct toy, part, &part_table), FIELD_BLOB(struct toy, blob, 3),                           \
        FIELD_TIMER(struct toy, timer, clock), FIELD_SAME(struct toy, setting), WIRES(struct toy, clock),       \
        SHOWN(struct toy, cached)
/* clang-format on */
static const struct state_field part_fields[] = { PART_ROWS };
static const struct state_table part_table = STATE_TABLE(struct part, part_fields, NULL);
static const struct state_field toy_fields[] = { TOY_ROWS(REGISTER_MAX(struct toy, small, 9)) };
static const struct state_table toy_table = STATE_TABLE(struct toy, toy_fields, check);
static const struct device_type toy_type = { .name = "toy", .version = 3, .state = &toy_table };

static void fired(void *opaque)
{
    ++*(unsigned *)opaque;
}

struct rig {
    struct toy toy;
    uint8_t blob[3];
    unsigned fired;
    struct state_buffer saved;
    struct state_error error;
};

static void begin(struct rig *rig, struct vx_clock *clock)
{
    *rig = (struct rig){ .blob = { 7, 8, 9 } };
    rig->toy = (struct toy){ .clock = clock,
                             .small = 9,
                             .pair = { 1, 2 },
                             .sign = -5,
                             .wide = 0x1122334455667788,
                             .part = { { 0x0102, true }, { 0x0304, false } },
                             .blob = rig->blob,
                             .setting = 5 };
    vx_timer_init(clock, &rig->toy.timer, fired, &rig->fired);
    vx_timer_set(clock, &rig->toy.timer, 0x99);
}

static struct vx_clock *fake(void)
{
    struct vx_clock *clock;
    cr_assert_eq(vx_clock_create_fake(&clock), VX_ERR_OK);
    return clock;
}

static void end(struct rig *rig)
{
    struct vx_clock *clock = rig->toy.clock;
    free(rig->saved.bytes);
    vx_clock_destroy(clock);
}

/* clang-format off */
static const uint8_t golden[] = {
    171, 0, 0, 0, 0, 0, 0, 0, 3, 0, 3, 't', 'o', 'y', 8, 0,
    STATE_UINT, 1, 1, 0, 0, 0, 5, 's', 'm', 'a', 'l', 'l',
    STATE_UINT, 1, 2, 0, 0, 0, 4, 'p', 'a', 'i', 'r',
    STATE_INT, 2, 1, 0, 0, 0, 4, 's', 'i', 'g', 'n',
    STATE_UINT, 8, 1, 0, 0, 0, 4, 'w', 'i', 'd', 'e',
    STATE_STRUCT, 0, 2, 0, 0, 0, 4, 'p', 'a', 'r', 't', 2, 0,
        STATE_UINT, 2, 1, 0, 0, 0, 5, 'l', 'e', 'v', 'e', 'l',
        STATE_BOOL, 1, 1, 0, 0, 0, 2, 'o', 'n',
    STATE_BLOB, 1, 3, 0, 0, 0, 4, 'b', 'l', 'o', 'b',
    STATE_TIMER, 8, 1, 0, 0, 0, 5, 't', 'i', 'm', 'e', 'r',
    STATE_UINT, 1, 1, 0, 0, 0, 7, 's', 'e', 't', 't', 'i', 'n', 'g',
    9, 1, 2, 0xFB, 0xFF, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x02, 0x01, 1, 0x04, 0x03, 0,
    3, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9, 0x99, 0, 0, 0, 0, 0, 0, 0, 5,
};
/* clang-format on */
enum { VALUES = 171 - 39 };

Test(state, a_section_byte_for_byte)
{
    struct rig rig;
    begin(&rig, fake());
    cr_assert_eq(state_save(&toy_type, &rig.toy, &rig.saved), VX_ERR_OK);
    cr_assert_eq(rig.saved.count, sizeof golden);
    for (size_t i = 0; i < sizeof golden; i++)
        cr_assert(rig.saved.bytes[i] == golden[i], "byte %zu: %u", i, rig.saved.bytes[i]);
    cr_assert_eq(state_section_bytes(golden, sizeof golden), sizeof golden);
    cr_assert_eq(state_section_bytes(golden, sizeof golden - 1), 0);
    end(&rig);
}

Test(state, loading_gives_back_all_but_wires)
{
    struct rig rig;
    begin(&rig, fake());
    rig.toy = (struct toy){
        .clock = rig.toy.clock, .timer = rig.toy.timer, .cached = 44, .blob = rig.toy.blob, .setting = 5
    };
    memset(rig.blob, 0, 3);
    vx_timer_set(rig.toy.clock, &rig.toy.timer, VX_NEVER);
    cr_assert_eq(state_load(&toy_type, &rig.toy, golden, sizeof golden, true, &rig.error), VX_ERR_OK);
    cr_assert(rig.toy.small == 0 && rig.blob[0] == 0 && rig.toy.timer.deadline_ns == VX_NEVER, "a dry run");
    cr_assert_eq(state_load(&toy_type, &rig.toy, golden, sizeof golden, false, &rig.error), VX_ERR_OK);
    cr_assert(rig.toy.small == 9 && rig.toy.pair[1] == 2 && rig.toy.sign == -5 && rig.toy.cached == 44);
    cr_assert(rig.toy.wide == 0x1122334455667788 && rig.toy.part[1].level == 0x0304 && rig.toy.part[0].on);
    cr_assert(rig.blob[2] == 9 && rig.toy.blob == rig.blob);
    vx_clock_advance(rig.toy.clock, 0x98);
    cr_assert_eq(rig.fired, 0);
    vx_clock_advance(rig.toy.clock, 1);
    cr_assert_eq(rig.fired, 1);
    cr_assert_eq(state_save(&toy_type, &rig.toy, &rig.saved), VX_ERR_OK);
    cr_assert(state_differs(&toy_type, golden, rig.saved.bytes, &rig.error));
    cr_assert_str_eq(rig.error.text, "toy: timer: differs");
    end(&rig);
}

/* A timer is due as long after loading as it was after saving, under whichever clocks. */
Test(state, a_timer_goes_from_a_real_clock_to_a_fake_one_and_back)
{
    struct rig from, to;
    struct vx_clock *real;
    struct vx_clock_state time;
    cr_assert_eq(vx_clock_create_real(&real), VX_ERR_OK);
    begin(&from, real);
    begin(&to, fake());
    vx_clock_pause(real); /* between the two, as a machine that stands still */
    vx_clock_get_state(real, &time);
    vx_timer_set(real, &from.toy.timer, time.now_ns + 5000);
    cr_assert_eq(state_save(&toy_type, &from.toy, &from.saved), VX_ERR_OK);
    cr_assert_eq(vx_clock_set_state(to.toy.clock, &time), VX_ERR_OK);
    vx_err err = state_load(&toy_type, &to.toy, from.saved.bytes, from.saved.count, false, &to.error);
    cr_assert_eq(err, VX_ERR_OK, "%s", to.error.text);
    vx_clock_advance(to.toy.clock, 4999);
    cr_assert_eq(to.fired, 0);
    vx_clock_advance(to.toy.clock, 1);
    cr_assert_eq(to.fired, 1);

    vx_timer_set(to.toy.clock, &to.toy.timer, vx_clock_now_ns(to.toy.clock) + 3600 * VX_NS_PER_SEC);
    cr_assert_eq(state_save(&toy_type, &to.toy, &to.saved), VX_ERR_OK);
    vx_clock_get_state(to.toy.clock, &time);
    cr_assert_eq(vx_clock_set_state(real, &time), VX_ERR_OK);
    err = state_load(&toy_type, &from.toy, to.saved.bytes, to.saved.count, false, &from.error);
    cr_assert_eq(err, VX_ERR_OK, "%s", from.error.text);
    cr_assert_eq(vx_clock_next_ns(real) - vx_clock_now_ns(real), 3600 * VX_NS_PER_SEC);
    end(&from);
    end(&to);
}

/* ---- refused ----------------------------------------------------------------------------------------------------- */

static const struct {
    size_t at;
    uint8_t byte;
    const char *why;
} wrong_bytes[] = {
    { 0, 170, "toy: cut off" },
    { 8, 4, "toy: version 4, this program has 3" },
    { 11, 'b', "toy: this is of boy" },
    { 14, 7, "toy: setting: missing" },
    { 16, STATE_INT, "toy: small: of another size or kind" },
    { 17, 2, "toy: small: of another size or kind" },
    { 18, 2, "toy: small: of another size or kind" },
    { 23, 'S', "toy: Small: unknown to this version" },
    { 35, 'P', "toy: Pair: unknown to this version" },
    { 63, 3, "toy: part: of another size or kind" },
    { 72, 3, "toy: part.blob: unknown to this version" },
    { 72, 1, "toy: part.on: missing" },
    { VALUES, 10, "toy: small: 10 is out of range" },
    { VALUES + 1, 3, "toy: pair: does not fit with the rest" },
    { VALUES + 3, 0xFA, "toy: sign: 65530 is out of range" },
    { VALUES + 4, 0x00, "toy: sign: 251 is out of range" },
    { VALUES + 15, 2, "toy: part[0].on: 2 is out of range" },
    { VALUES + 19, 2, "toy: blob: cut off, or of another size" },
    { VALUES + 26, 0xFF, "toy: blob: cut off, or of another size" },
    { 170, 6, "toy: setting: 6 there, 5 here" },
};

Test(state, what_is_wrong_is_refused_by_name)
{
    struct rig rig;
    char what[256] = "";
    begin(&rig, fake());
    rig.toy.wide = 1;
    for (size_t i = 0; i < VX_ARRAY_LEN(wrong_bytes) && what[0] == 0; i++) {
        uint8_t bytes[sizeof golden];
        memcpy(bytes, golden, sizeof golden);
        bytes[wrong_bytes[i].at] = wrong_bytes[i].byte;
        vx_err err = state_load(&toy_type, &rig.toy, bytes, sizeof bytes, false, &rig.error);
        if (err != VX_ERR_BAD_FORMAT || strcmp(rig.error.text, wrong_bytes[i].why) != 0 || rig.toy.wide != 1)
            snprintf(what, sizeof what, "%s: \"%.150s\"", wrong_bytes[i].why, rig.error.text);
    }
    cr_assert(what[0] == 0, "%s", what);
    end(&rig);
}

/* A program whose table has another row, or lacks one, or has no blob. */
static const struct state_field fewer_fields[] = { TOY_ROWS(WIRES(struct toy, small)) };
static const struct state_table fewer_table = STATE_TABLE(struct toy, fewer_fields, NULL);
static const struct device_type fewer_type = { .name = "toy", .version = 3, .state = &fewer_table };

Test(state, a_member_too_many_or_too_few_is_refused_by_name)
{
    struct rig rig;
    begin(&rig, fake());
    cr_assert_eq(state_load(&fewer_type, &rig.toy, golden, sizeof golden, false, &rig.error), VX_ERR_BAD_FORMAT);
    cr_assert_str_eq(rig.error.text, "toy: small: unknown to this version");
    cr_assert_eq(state_save(&fewer_type, &rig.toy, &rig.saved), VX_ERR_OK);
    cr_assert_eq(state_load(&toy_type, &rig.toy, rig.saved.bytes, rig.saved.count, false, &rig.error),
                 VX_ERR_BAD_FORMAT);
    cr_assert_str_eq(rig.error.text, "toy: small: missing");
    rig.saved.count = 0;
    rig.toy.blob = NULL;
    cr_assert_eq(state_save(&toy_type, &rig.toy, &rig.saved), VX_ERR_OK);
    cr_assert_eq(state_load(&toy_type, &rig.toy, rig.saved.bytes, rig.saved.count, false, &rig.error), VX_ERR_OK);
    cr_assert_eq(state_load(&toy_type, &rig.toy, golden, sizeof golden, false, &rig.error), VX_ERR_BAD_FORMAT);
    cr_assert_str_eq(rig.error.text, "toy: blob: cut off, or of another size");
    end(&rig);
}

/* ---- shown ------------------------------------------------------------------------------------------------------- */

static void note(void *opaque, const struct vx_field *field)
{
    char *text = opaque;
    snprintf(text + strlen(text), 256 - strlen(text), "%s %s %u/%u %llx(%u);", field->device, field->name, field->index,
             field->count, (unsigned long long)field->value, field->bytes);
}

Test(state, a_debugger_is_shown_what_is_marked)
{
    struct rig rig;
    char text[256] = "";
    begin(&rig, fake());
    rig.toy.cached = 0xABCD;
    state_describe(&toy_type, &rig.toy, note, text);
    cr_assert_str_eq(text, "toy small 0/1 9(1);toy pair 0/2 1(1);toy pair 1/2 2(1);toy part.on 0/2 1(1);"
                           "toy part.on 1/2 0(1);toy cached 0/1 abcd(4);");
    cr_assert(state_is_shown(&toy_type));
    end(&rig);
}
