/* text.c - see vx86/text.h. */
#include "vx86/text.h"

#include <stdlib.h>
#include <string.h>

/* What one call of vx_text_print() usually has; more is allocated. */
enum { USUAL_BYTES = 512 };

static bool is_control(unsigned char ch)
{
    return ch < ' ' || ch == 0x7F;
}

/* Length of the UTF-8 character at `text` that may be printed; 0: its first byte begins none. */
static size_t character(const unsigned char *text, size_t bytes)
{
    /* The least code point of each length: what could be written shorter is not UTF-8. Two bytes begin behind C1. */
    static const uint32_t least[] = { 0, 0, 0xA0, 0x800, 0x10000 };
    unsigned char first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 0;
    if (length <= 1)
        return length;
    if (length > bytes)
        return 0;
    uint32_t code = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3F);
    }
    return code >= least[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) ? length : 0;
}

size_t vx_text_escape(const char *text, size_t bytes, const char *meant, char *out, size_t room)
{
    size_t at = 0;
    VX_ASSERT(room != 0);
    for (size_t i = 0; i < bytes;) {
        unsigned char ch = (unsigned char)text[i];
        bool escaped = is_control(ch) && (ch == '\0' || strchr(meant, ch) == NULL);
        size_t length = escaped ? 0 : character((const unsigned char *)text + i, bytes - i);
        size_t grown = length != 0 ? length : VX_TEXT_GROWTH;
        if (grown >= room - at)
            break;
        if (length != 0)
            memcpy(out + at, text + i, length);
        else
            snprintf(out + at, room - at, "\\x%02x", ch);
        at += grown;
        i += length != 0 ? length : 1;
    }
    out[at] = '\0';
    return at;
}

/* Nothing is printed when there is no memory for it, rather than something that is not escaped. */
static void print_escaped(FILE *out, const char *text, size_t bytes)
{
    char usual[USUAL_BYTES * VX_TEXT_GROWTH + 1], *escaped = usual;
    size_t room = bytes * VX_TEXT_GROWTH + 1;
    if (room > sizeof usual)
        escaped = malloc(room);
    if (escaped == NULL)
        return;
    fwrite(escaped, 1, vx_text_escape(text, bytes, "\n\t", escaped, room), out);
    if (escaped != usual)
        free(escaped);
}

void vx_text_vprint(FILE *out, const char *format, va_list args)
{
    char usual[USUAL_BYTES], *text = usual;
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(usual, sizeof usual, format, args);
    if (bytes >= (int)sizeof usual) {
        text = malloc((size_t)bytes + 1);
        if (text != NULL)
            vsnprintf(text, (size_t)bytes + 1, format, again);
    }
    va_end(again);
    if (bytes > 0 && text != NULL)
        print_escaped(out, text, (size_t)bytes);
    if (text != usual)
        free(text);
}

void vx_text_print(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vx_text_vprint(out, format, args);
    va_end(args);
}
