/* rt_common.c - what the rows call that is the same on every ground: output in lines, failing, touched pages.
 *
 * rt_write(), rt_exit() and rt_map() are the ground's own: rt.c under Linux, ../lab/main.c on the bare machine. */
#include "rt.h"

enum { PAGE = 4096 };

void *memcpy(void *restrict to, const void *restrict from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memset(void *to, int byte, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ((char *)to)[i] = (char)byte;
    return to;
}

static char *put_text(char *to, const char *s)
{
    while (*s != 0)
        *to++ = *s++;
    return to;
}

static char *put_number(char *to, uint32_t value)
{
    char digits[10];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

void rt_print(const char *text, const char *name, const uint32_t *numbers, unsigned count)
{
    char line[160], *end = put_text(line, text);
    end = put_text(end, name);
    for (unsigned i = 0; i < count; i++) {
        *end++ = ' ';
        end = put_number(end, numbers[i]);
    }
    *end++ = '\n';
    rt_write(line, (uint32_t)(end - line));
}

_Noreturn void rt_fail(const char *text)
{
    rt_print("@fail ", text, 0, 0);
    rt_exit(1);
}

void *rt_pages(uint32_t bytes)
{
    volatile char *memory = rt_map(bytes, 0);
    for (uint32_t i = 0; i < bytes; i += PAGE)
        memory[i] = 0;
    return (void *)memory;
}

uint32_t rt_number(const char *digits)
{
    uint32_t value = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        value = value * 10 + (uint32_t)(*digits - '0');
    return value;
}
