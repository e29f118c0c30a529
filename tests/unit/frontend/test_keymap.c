/* test_keymap.c - terminal bytes to strokes, as a table. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "keymap.h"

struct record {
    char text[256];
};

/* Events as text: "+1e -1e". */
static void emit(void *opaque, unsigned code, bool down)
{
    struct record *record = opaque;
    size_t at = strlen(record->text);
    snprintf(record->text + at, sizeof record->text - at, "%s%c%x", at ? " " : "", down ? '+' : '-', code);
}

static const struct {
    const char *bytes; /* '|' is a pause */
    const char *events;
} table[] = {
    { "a", "+1e -1e" },
    { "A", "+2a +1e -1e -2a" },
    { "1", "+2 -2" },
    { "!", "+2a +2 -2 -2a" },
    { "\\", "+2b -2b" },
    { "~", "+2a +29 -29 -2a" },
    { "?", "+2a +35 -35 -2a" },
    { " ", "+39 -39" },
    { "\r", "+1c -1c" },
    { "\n", "+1c -1c" },
    { "\t", "+f -f" },
    { "\177", "+e -e" },
    { "\x03", "+1d +2e -2e -1d" },
    { "\x1a", "+1d +2c -2c -1d" },
    { "\x1c", "+1d +2b -2b -1d" },
    { "\x1d", "+1d +1b -1b -1d" },
    { "\x1f", "+1d +c -c -1d" },
    { "\x1b", "" },
    { "\x1b|", "+1 -1" },
    { "\x1b\x1b|", "+1 -1 +1 -1" },
    { "\x1bx", "+38 +2d -2d -38" },
    { "\x1bX", "+38 +2a +2d -2d -2a -38" },
    { "\x1b[A", "+148 -148" },
    { "\x1bOB", "+150 -150" },
    { "\x1b[C", "+14d -14d" },
    { "\x1b[D", "+14b -14b" },
    { "\x1b[H", "+147 -147" },
    { "\x1b[F", "+14f -14f" },
    { "\x1b[1~", "+147 -147" },
    { "\x1b[2~", "+152 -152" },
    { "\x1b[3~", "+153 -153" },
    { "\x1b[4~", "+14f -14f" },
    { "\x1b[5~", "+149 -149" },
    { "\x1b[6~", "+151 -151" },
    { "\x1bOP", "+3b -3b" },
    { "\x1bOS", "+3e -3e" },
    { "\x1b[15~", "+3f -3f" },
    { "\x1b[17~", "+40 -40" },
    { "\x1b[21~", "+44 -44" },
    { "\x1b[23~", "+57 -57" },
    { "\x1b[24~", "+58 -58" },
    { "\x1b[[A", "+3b -3b" },
    { "\x1b[[E", "+3f -3f" },
    { "\x1b[1;5A", "+1d +148 -148 -1d" },
    { "\x1b[1;2D", "+2a +14b -14b -2a" },
    { "\x1b[3;3~", "+38 +153 -153 -38" },
    { "\x1b[1;6P", "+1d +2a +3b -3b -2a -1d" },
    { "\x1b[Z", "+2a +f -f -2a" },
    { "\x1b\x1b[A", "+38 +148 -148 -38" },
    { "\x1b[|", "+38 +1a -1a -38" },
    { "\x1b[99~a", "+1e -1e" },
    { "\x1b[16~", "" },
    { "\x1b[999999999999~", "" },
    { "\x1b[1;2;3;4;5;6;7A", "+2a +148 -148 -2a" },
    { "\x1b[?1;2ca", "+1e -1e" },
    { "\xc3\xa4"
      "b",
      "+30 -30" },
};

Test(keymap, table)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        struct record record = { "" };
        struct keymap keymap;
        keymap_init(&keymap, LAYOUT_US, emit, &record);
        for (const char *at = table[i].bytes; *at != '\0'; at++) {
            if (*at == '|')
                keymap_pause(&keymap);
            else
                keymap_feed(&keymap, (uint8_t)*at);
        }
        cr_expect_str_eq(record.text, table[i].events, "row %zu", i);
        cr_expect_eq(keymap_is_pending(&keymap), strcmp(table[i].bytes, "\x1b") == 0, "row %zu", i);
    }
}

/* Every printable character makes a key, and every press has its release. */
Test(keymap, complete)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        struct record record = { "" };
        struct keymap keymap;
        keymap_init(&keymap, LAYOUT_US, emit, &record);
        keymap_feed(&keymap, (uint8_t)byte);
        int balance = 0;
        for (const char *at = record.text; *at != '\0'; at++)
            balance += *at == '+' ? 1 : *at == '-' ? -1 : 0;
        cr_expect(balance == 0 && (record.text[0] != '\0') == (byte < 0x80 && byte != 0x1B), "byte %02x: %s", byte,
                  record.text);
    }
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

static const struct {
    enum keyboard_layout layout;
    const char *bytes, *events;
} typed[] = {
    { LAYOUT_US, "z\\", "+2c -2c +2b -2b" },
    { LAYOUT_DE, "zy", "+15 -15 +2c -2c" },
    { LAYOUT_DE, "@\\", "+138 +10 -10 -138 +138 +c -c -138" },
    { LAYOUT_DE, "\xc3\xa4\xc3\x84", "+28 -28 +2a +28 -28 -2a" },      /* ä Ä */
    { LAYOUT_DE, "^", "+29 -29 +39 -39" },                             /* a dead key */
    { LAYOUT_DE, "\xc3\xa9", "+d -d +12 -12" },                        /* é */
    { LAYOUT_DE, "\xc3\x94", "+29 -29 +2a +18 -18 -2a" },              /* Ô */
    { LAYOUT_DE, "\xc3\x80", "+2a +d -d -2a +2a +1e -1e -2a" },        /* À */
    { LAYOUT_DE, "~\xc2\xb5", "+138 +1b -1b -138 +138 +32 -32 -138" }, /* ~ µ */
    { LAYOUT_DE, "\x19\x1a", "+1d +2c -2c -1d +1d +15 -15 -1d" },      /* Ctrl-Y, Ctrl-Z */
    { LAYOUT_DE, "\x1b\xc3\xb6", "+38 +27 -27 -38" },                  /* Alt-ö */
    { LAYOUT_FR, "aq1", "+10 -10 +1e -1e +2a +2 -2 -2a" },
    { LAYOUT_FR, "\xc3\xa9\xe2\x82\xac", "+3 -3 +138 +12 -12 -138" },             /* é € */
    { LAYOUT_FR, "\xc3\xaa\xc3\xab", "+1a -1a +12 -12 +2a +1a -1a -2a +12 -12" }, /* ê ë */
    { LAYOUT_FR, "\\]}", "+138 +9 -9 -138 +138 +c -c -138 +138 +d -d -138" },
    { LAYOUT_FR, "^\xc2\xa4", "+1a -1a +39 -39 +138 +1b -1b -138" }, /* ^ ¤ */
    { LAYOUT_GB, "\"@#", "+2a +3 -3 -2a +2a +28 -28 -2a +2b -2b" },
    { LAYOUT_GB, "\xc2\xa3\\|", "+2a +4 -4 -2a +56 -56 +2a +56 -56 -2a" }, /* £ */
    { LAYOUT_ES, "\xc3\xb1\xc3\xa1", "+27 -27 +28 -28 +1e -1e" },          /* ñ á */
    { LAYOUT_ES, "[]{}", "+138 +1a -1a -138 +138 +1b -1b -138 +138 +28 -28 -138 +138 +2b -2b -138" },
    { LAYOUT_ES, "`", "+1a -1a +39 -39" },
    { LAYOUT_JP, "@:_", "+1a -1a +28 -28 +2a +73 -73 -2a" },
    { LAYOUT_JP, "\xc2\xa5|\\", "+7d -7d +2a +7d -7d -2a +73 -73" }, /* the Yen key */
    /* cut off, begun in the middle, and what no key writes */
    { LAYOUT_DE,
      "\xc3"
      "a\xa4"
      "b",
      "+1e -1e +30 -30" },
    { LAYOUT_DE,
      "\xf0\x9f\x98\x80"
      "b",
      "+30 -30" },
    { LAYOUT_DE,
      "\xff\xfe\xc0\x80"
      "b",
      "+30 -30" },
};

Test(keymap, layouts)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(typed); i++) {
        struct record record = { "" };
        struct keymap keymap;
        keymap_init(&keymap, typed[i].layout, emit, &record);
        for (const char *at = typed[i].bytes; *at != '\0'; at++)
            keymap_feed(&keymap, (uint8_t)*at);
        cr_expect_str_eq(record.text, typed[i].events, "row %zu: %s", i, record.text);
    }
}

/* All of ASCII can be written in every layout, and no two characters by the same keys. */
Test(keymap, every_layout_writes_ascii)
{
    for (unsigned layout = 0; layout < KEYBOARD_LAYOUTS; layout++) {
        struct layout_stroke all[0x250][LAYOUT_STROKES] = { { { 0, 0 } } };
        unsigned written = 0;
        for (uint32_t ch = ' '; ch < VX_ARRAY_LEN(all); ch++) {
            unsigned count = layout_find((enum keyboard_layout)layout, ch, all[ch]);
            cr_assert(count != 0 || ch >= 0x7F, "layout %u: '%c'", layout, (int)ch);
            written += count != 0;
            for (uint32_t other = ' '; other < ch && count != 0; other++)
                cr_assert_neq(memcmp(all[ch], all[other], sizeof all[ch]), 0, "layout %u: %x, %x", layout, ch, other);
        }
        cr_assert(written >= 95, "%u", written);
    }
}
