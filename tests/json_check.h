/* json_check.h - whether a text is one JSON value (RFC 8259), and whole numbers out of it by their keys. For tests. */
#ifndef VX86_TEST_JSON_CHECK_H
#define VX86_TEST_JSON_CHECK_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline bool json_value(const char **at, unsigned depth);

static inline void json_space(const char **at)
{
    while (**at != '\0' && strchr(" \t\r\n", **at) != NULL)
        (*at)++;
}

static inline bool json_string(const char **at)
{
    if (*(*at)++ != '"')
        return false;
    for (;; (*at)++) {
        unsigned char c = (unsigned char)**at;
        if (c < ' ')
            return false;
        if (c == '"')
            break;
        if (c != '\\')
            continue;
        c = (unsigned char)*++*at;
        if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
            return false;
        for (unsigned i = 0; c == 'u' && i < 4; i++)
            if (!isxdigit((unsigned char)*++*at))
                return false;
    }
    (*at)++;
    return true;
}

static inline bool json_digits(const char **at)
{
    const char *start = *at;
    while (isdigit((unsigned char)**at))
        (*at)++;
    return *at != start;
}

static inline bool json_number(const char **at)
{
    if (**at == '-')
        (*at)++;
    if (**at == '0' && isdigit((unsigned char)(*at)[1]))
        return false;
    if (!json_digits(at))
        return false;
    if (**at == '.' && ((*at)++, !json_digits(at)))
        return false;
    if (**at != 'e' && **at != 'E')
        return true;
    (*at)++;
    if (**at == '+' || **at == '-')
        (*at)++;
    return json_digits(at);
}

/* Members of an object or elements of an array up to `close`. */
static inline bool json_list(const char **at, char close, unsigned depth)
{
    (*at)++;
    json_space(at);
    if (**at == close)
        return (*at)++, true;
    for (;;) {
        json_space(at);
        if (close == '}') {
            if (!json_string(at))
                return false;
            json_space(at);
            if (*(*at)++ != ':')
                return false;
        }
        if (!json_value(at, depth + 1))
            return false;
        json_space(at);
        char next = *(*at)++;
        if (next == close)
            return true;
        if (next != ',')
            return false;
    }
}

static inline bool json_value(const char **at, unsigned depth)
{
    static const char *const words[] = { "true", "false", "null" };
    json_space(at);
    if (depth > 16)
        return false;
    if (**at == '{' || **at == '[')
        return json_list(at, **at == '{' ? '}' : ']', depth);
    if (**at == '"')
        return json_string(at);
    for (unsigned i = 0; i < 3; i++)
        if (strncmp(*at, words[i], strlen(words[i])) == 0)
            return *at += strlen(words[i]), true;
    return json_number(at);
}

/* One value and nothing behind it. */
static inline bool json_is_valid(const char *text)
{
    const char *at = text;
    if (!json_value(&at, 0))
        return false;
    json_space(&at);
    return *at == '\0';
}

/* The number of the first member called `key`; UINT64_MAX when there is none. */
static inline uint64_t json_u64(const char *text, const char *key)
{
    char pattern[80];
    snprintf(pattern, sizeof pattern, "\"%s\": ", key);
    const char *found = strstr(text, pattern);
    return found != NULL ? strtoull(found + strlen(pattern), NULL, 10) : UINT64_MAX;
}

#endif
