/* test_text.c - what vx86/text.h lets through: characters, and no command to a terminal. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/text.h"

Test(text, escape)
{
    static const struct {
        const char *text, *meant, *escaped;
    } rows[] = {
        { "", "", "" },
        { "plain ~text\\", "", "plain ~text\\" },
        { "a\033[2Jb", "", "a\\x1b[2Jb" },
        { "a\tb\nc\rd\177", "", "a\\x09b\\x0ac\\x0dd\\x7f" },
        { "a\tb\nc\rd", "\n\t", "a\tb\nc\\x0dd" },
        { "\x80\x9b"
          "31m\x9f",
          "", "\\x80\\x9b31m\\x9f" }, /* C1 as bytes */
        { "\xC2\x9B"
          "31m\xC2\x80\xC2\x9F",
          "", "\\xc2\\x9b31m\\xc2\\x80\\xc2\\x9f" }, /* ... and in UTF-8 */
        { "\xC2\xA0\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", "", "\xC2\xA0\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80" },
        { "\xC3\x9B\xE2\x82", "", "\xC3\x9B\\xe2\\x82" }, /* cut short */
        { "\xC3", "", "\\xc3" },
        { "\xC0\x9B\xC1\xBF", "", "\\xc0\\x9b\\xc1\\xbf" },          /* longer than need be: ESC, DEL ... */
        { "\xE0\x82\x9B", "", "\\xe0\\x82\\x9b" },                   /* ... C1 ... */
        { "\xF0\x80\x82\x9B", "", "\\xf0\\x80\\x82\\x9b" },          /* ... again */
        { "\xED\xA0\x80", "", "\\xed\\xa0\\x80" },                   /* half a surrogate pair */
        { "\xF4\x90\x80\x80\xF8", "", "\\xf4\\x90\\x80\\x80\\xf8" }, /* beyond Unicode */
        { "\xC3\xC3\xBC", "", "\\xc3\xC3\xBC" },
        { "\xFF\xFE", "", "\\xff\\xfe" },
    };
    char out[128];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        size_t length = vx_text_escape(rows[i].text, strlen(rows[i].text), rows[i].meant, out, sizeof out);
        cr_expect_str_eq(out, rows[i].escaped, "row %zu: %s", i, out);
        cr_expect_eq(length, strlen(out));
    }
    cr_expect_eq(vx_text_escape("a\0b", 3, "\n\t", out, sizeof out), 6);
    cr_expect_str_eq(out, "a\\x00b");
}

/* No byte and no pair of bytes becomes a control character, alone or for a terminal that knows UTF-8. */
Test(text, every_pair)
{
    unsigned bad = 0;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char text[2] = { (char)(pair >> 8), (char)pair }, out[16];
        size_t length = vx_text_escape(text, 2, "", out, sizeof out);
        for (size_t i = 0; i < length; i++) {
            unsigned char ch = (unsigned char)out[i], before = i != 0 ? (unsigned char)out[i - 1] : 0;
            bool lone = ch >= 0x80 && ch < 0xC0 && (before < 0xC2 || before > 0xDF);
            bad += ch < ' ' || ch == 0x7F || lone || (before == 0xC2 && ch < 0xA0);
        }
    }
    cr_assert_eq(bad, 0, "%u", bad);
}

/* Whatever the room, what is written is a beginning of the whole, and ends with a whole character or escape. */
Test(text, cut_at_characters)
{
    static const char text[] = "a\xC3\xBC\033";
    static const size_t length[] = { 0, 1, 1, 3, 3, 3, 3, 7 };
    for (size_t room = 1; room <= VX_ARRAY_LEN(length); room++) {
        char out[16], whole[] = "a\xC3\xBC\\x1b";
        memset(out, 'z', sizeof out);
        cr_expect_eq(vx_text_escape(text, strlen(text), "", out, room), length[room - 1], "room %zu", room);
        whole[length[room - 1]] = '\0';
        cr_expect_str_eq(out, whole, "room %zu", room);
    }
}

Test(text, print)
{
    char *text = NULL, big[3000];
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    memset(big, 'x', sizeof big - 1);
    big[2000] = '\033';
    big[sizeof big - 1] = '\0';
    vx_text_print(out, "%s\t%d\n", "\033]0;t\a", 5);
    vx_text_print(out, "%s", big);
    fclose(out);
    cr_assert_eq(strncmp(text, "\\x1b]0;t\\x07\t5\nxxx", 17), 0);
    cr_assert_eq(bytes, 15 + sizeof big - 1 + 3);
    cr_assert_null(strchr(text, '\033'));
    free(text);
}
