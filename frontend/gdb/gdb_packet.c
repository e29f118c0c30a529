/* gdb_packet.c - packets between the two ends: $body#xx, where xx is the sum of the body's bytes modulo 256 in two hex
 * digits; + and - acknowledge; 03h interrupts. Binary data escapes # $ * } as } and the byte XOR 20h. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gdb_private.h"

enum { INTERRUPT = 0x03, ESCAPE = '}', ESCAPE_XOR = 0x20 };

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static void begin(struct gdb_packet *packet)
{
    packet->state = GDB_BODY;
    packet->length = 0;
    packet->sum = 0;
    packet->too_long = false;
}

static enum gdb_input outside(struct gdb_packet *packet, uint8_t byte)
{
    if (byte == '$')
        begin(packet);
    return byte == INTERRUPT ? GDB_INTERRUPT : byte == '-' ? GDB_RESEND : GDB_NOTHING;
}

static void body(struct gdb_packet *packet, uint8_t byte)
{
    if (byte == '#') {
        packet->state = GDB_SUM_HIGH;
    } else if (byte == '$') { /* the rest of the other never came */
        begin(packet);
    } else {
        packet->sum = (uint8_t)(packet->sum + byte);
        if (packet->length < GDB_PACKET_MAX)
            packet->body[packet->length++] = (char)byte;
        else
            packet->too_long = true;
    }
}

enum gdb_input gdb_packet_feed(struct gdb_packet *packet, uint8_t byte)
{
    switch (packet->state) {
    case GDB_IDLE: return outside(packet, byte);
    case GDB_BODY: body(packet, byte); return GDB_NOTHING;
    case GDB_SUM_HIGH:
        packet->given[0] = (char)byte;
        packet->state = GDB_SUM_LOW;
        return GDB_NOTHING;
    case GDB_SUM_LOW: break;
    }
    int high = digit(packet->given[0]), low = digit((char)byte);
    packet->state = GDB_IDLE;
    packet->body[packet->length] = '\0';
    return high >= 0 && low >= 0 && high << 4 == (packet->sum & 0xF0) && low == (packet->sum & 0xF) ? GDB_PACKET
                                                                                                    : GDB_DAMAGED;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void put(struct gdb_reply *reply, const char *bytes, size_t count)
{
    if (count > sizeof reply->frame - 4 - reply->length) { /* "#xx" and a terminator */
        reply->full = true;
        return;
    }
    memcpy(reply->frame + reply->length, bytes, count);
    reply->length += count;
}

void gdb_reply_begin(struct gdb_reply *reply)
{
    reply->frame[0] = '$';
    reply->length = 1;
    reply->full = false;
}

void gdb_reply_text(struct gdb_reply *reply, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    VX_ASSERT(n >= 0 && (size_t)n < sizeof text);
    put(reply, text, (size_t)n);
}

void gdb_reply_hex(struct gdb_reply *reply, const void *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++)
        put(reply, (char[]){ digits[at[i] >> 4], digits[at[i] & 15] }, 2);
}

void gdb_reply_binary(struct gdb_reply *reply, const void *bytes, size_t count)
{
    const char *at = bytes;
    for (size_t i = 0; i < count; i++) {
        if (at[i] != '\0' && strchr("#$*}", at[i]) != NULL)
            put(reply, (char[]){ ESCAPE, (char)(at[i] ^ ESCAPE_XOR) }, 2);
        else
            put(reply, &at[i], 1);
    }
}

void gdb_reply_end(struct gdb_reply *reply)
{
    uint8_t sum = 0;
    for (size_t i = 1; i < reply->length; i++)
        sum = (uint8_t)(sum + (uint8_t)reply->frame[i]);
    snprintf(reply->frame + reply->length, 4, "#%02x", sum);
    reply->length += 3;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

bool gdb_take_hex(const char **at, uint64_t *value)
{
    const char *start = *at;
    for (*value = 0; digit(**at) >= 0 && *at - start < 16; (*at)++)
        *value = *value << 4 | (unsigned)digit(**at);
    return *at != start && digit(**at) < 0;
}

bool gdb_take_char(const char **at, char c)
{
    if (**at != c)
        return false;
    ++*at;
    return true;
}

bool gdb_take_word(const char **at, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}

bool gdb_take_bytes(const char **at, void *bytes, size_t count)
{
    uint8_t *out = bytes;
    for (size_t i = 0; i < count; i++, *at += 2) {
        int high = digit((*at)[0]), low = high < 0 ? -1 : digit((*at)[1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

size_t gdb_unescape(char *data, size_t length)
{
    size_t out = 0;
    for (size_t i = 0; i < length; i++) {
        bool escaped = data[i] == ESCAPE && i + 1 < length;
        i += escaped;
        data[out++] = escaped ? (char)(data[i] ^ ESCAPE_XOR) : data[i];
    }
    return out;
}
