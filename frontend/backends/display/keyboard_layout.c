/* keyboard_layout.c - the layouts as tables: rows of keys with what they write plain, with Shift and with AltGr. */
#include "keyboard_layout.h"

#include <stddef.h>

enum { LEVELS = 3, KEY_SPACE = 0x39 };

/* Keys from their set 1 code on; a space is a key that writes nothing there. The three are as long as need be. */
struct row {
    uint8_t first;
    const uint32_t *level[LEVELS]; /* NULL: nothing */
};

struct layout {
    const struct row *rows;
    size_t count;
    const uint32_t *dead; /* of what is in the rows: waits for another key */
};

/* clang-format off */
static const struct row us[] = {
    { 0x02, { U"1234567890-=", U"!@#$%^&*()_+" } },
    { 0x10, { U"qwertyuiop[]", U"QWERTYUIOP{}" } },
    { 0x1E, { U"asdfghjkl;'`", U"ASDFGHJKL:\"~" } },
    { 0x2B, { U"\\zxcvbnm,./", U"|ZXCVBNM<>?" } },
};
static const struct row de[] = {
    { 0x29, { U"^", U"°" } },
    { 0x02, { U"1234567890ß´", U"!\"§$%&/()=?`", U" ²³   {[]}\\" } },
    { 0x10, { U"qwertzuiopü+", U"QWERTZUIOPÜ*", U"@ €        ~" } },
    { 0x1E, { U"asdfghjklöä", U"ASDFGHJKLÖÄ" } },
    { 0x2B, { U"#yxcvbnm,.-", U"'YXCVBNM;:_", U"       µ" } },
    { 0x56, { U"<", U">", U"|" } },
};
static const struct row fr[] = {
    { 0x29, { U"²" } },
    { 0x02, { U"&é\"'(-è_çà)=", U"1234567890°+", U" ~#{[|`\\ @]}" } },
    { 0x10, { U"azertyuiop^$", U"AZERTYUIOP¨£", U"  €        ¤" } },
    { 0x1E, { U"qsdfghjklmù", U"QSDFGHJKLM%" } },
    { 0x2B, { U"*wxcvbn,;:!", U"µWXCVBN?./§" } },
    { 0x56, { U"<", U">" } },
};
static const struct row gb[] = {
    { 0x29, { U"`", U"¬", U"¦" } },
    { 0x02, { U"1234567890-=", U"!\"£$%^&*()_+", U"   €" } },
    { 0x10, { U"qwertyuiop[]", U"QWERTYUIOP{}" } },
    { 0x1E, { U"asdfghjkl;'", U"ASDFGHJKL:@" } },
    { 0x2B, { U"#zxcvbnm,./", U"~ZXCVBNM<>?" } },
    { 0x56, { U"\\", U"|" } },
};
static const struct row es[] = {
    { 0x29, { U"º", U"ª", U"\\" } },
    { 0x02, { U"1234567890'¡", U"!\"·$%&/()=?¿", U"|@#~ ¬" } },
    { 0x10, { U"qwertyuiop`+", U"QWERTYUIOP^*", U"  €       []" } },
    { 0x1E, { U"asdfghjklñ´", U"ASDFGHJKLÑ¨", U"          {" } },
    { 0x2B, { U"çzxcvbnm,.-", U"ÇZXCVBNM;:_", U"}" } },
    { 0x56, { U"<", U">" } },
};
static const struct row jp[] = {
    { 0x02, { U"1234567890-^", U"!\"#$%&'() =~" } },
    { 0x10, { U"qwertyuiop@[", U"QWERTYUIOP`{" } },
    { 0x1E, { U"asdfghjkl;:", U"ASDFGHJKL+*" } },
    { 0x2B, { U"]zxcvbnm,./", U"}ZXCVBNM<>?" } },
    { 0x73, { U"\\", U"_" } },
    { 0x7D, { U"¥", U"|" } },
};

static const struct layout layouts[KEYBOARD_LAYOUTS] = {
    [LAYOUT_US] = { us, VX_ARRAY_LEN(us), U"" },
    [LAYOUT_DE] = { de, VX_ARRAY_LEN(de), U"^´`" },
    [LAYOUT_FR] = { fr, VX_ARRAY_LEN(fr), U"^¨" },
    [LAYOUT_GB] = { gb, VX_ARRAY_LEN(gb), U"" },
    [LAYOUT_ES] = { es, VX_ARRAY_LEN(es), U"`^´¨" },
    [LAYOUT_JP] = { jp, VX_ARRAY_LEN(jp), U"" },
};

/* What a dead key and a letter write: at the same place of both. */
static const struct {
    uint32_t dead;
    const uint32_t *letters, *written;
} accents[] = {
    { U'´', U"aeiouyAEIOUY", U"áéíóúýÁÉÍÓÚÝ" },
    { U'`', U"aeiouAEIOU", U"àèìòùÀÈÌÒÙ" },
    { U'^', U"aeiouAEIOU", U"âêîôûÂÊÎÔÛ" },
    { U'¨', U"aeiouyAEIOU", U"äëïöüÿÄËÏÖÜ" },
};
/* clang-format on */

/* Where the character is; `end`: nowhere. */
static size_t place(const uint32_t *text, uint32_t character, size_t end)
{
    for (size_t i = 0; text != NULL && text[i] != 0; i++)
        if (text[i] == character)
            return i;
    return end;
}

static bool is_in(const uint32_t *text, uint32_t character)
{
    return place(text, character, SIZE_MAX) != SIZE_MAX;
}

static bool find_key(const struct layout *layout, uint32_t character, struct layout_stroke *stroke)
{
    static const uint8_t modifiers[LEVELS] = { 0, LAYOUT_SHIFT, LAYOUT_ALTGR };
    for (size_t r = 0; r < layout->count; r++)
        for (size_t level = 0; level < LEVELS; level++) {
            size_t at = place(layout->rows[r].level[level], character, SIZE_MAX);
            if (at == SIZE_MAX)
                continue;
            *stroke = (struct layout_stroke){ (uint16_t)(layout->rows[r].first + at), modifiers[level] };
            return true;
        }
    return false;
}

/* A letter with an accent, by a dead key of this layout. */
static unsigned find_accented(const struct layout *layout, uint32_t character,
                              struct layout_stroke strokes[LAYOUT_STROKES])
{
    for (size_t i = 0; i < VX_ARRAY_LEN(accents); i++) {
        size_t at = place(accents[i].written, character, SIZE_MAX);
        if (at != SIZE_MAX && is_in(layout->dead, accents[i].dead) && find_key(layout, accents[i].dead, &strokes[0]) &&
            find_key(layout, accents[i].letters[at], &strokes[1]))
            return 2;
    }
    return 0;
}

unsigned layout_find(enum keyboard_layout which, uint32_t character, struct layout_stroke strokes[LAYOUT_STROKES])
{
    const struct layout *layout = &layouts[which];
    static const struct layout_stroke space = { KEY_SPACE, 0 };
    if (character == U' ') {
        strokes[0] = space;
        return 1;
    }
    if (!find_key(layout, character, &strokes[0]))
        return find_accented(layout, character, strokes);
    if (!is_in(layout->dead, character))
        return 1;
    strokes[1] = space;
    return 2;
}
