/* gdb_memory.c - guest memory for the client: linear addresses through the page tables as they are, or, where it has
 * asked for that, physical ones; without side effects. What is not mapped, and devices, are errors. */
#include <string.h>

#include "gdb_private.h"

enum { PIECE = 4096 };
/* A client cannot make us busy for long: checksums and searches go no further. */
#define CRC_MAX    (64ull << 20)
#define SEARCH_MAX (1ull << 30)

static size_t read_at(const struct gdb *gdb, uint32_t address, void *data, size_t bytes)
{
    return gdb->physical ? vx_debug_read_phys(gdb->debug, address, data, bytes)
                         : vx_debug_read(gdb->debug, address, data, bytes);
}

static size_t write_at(const struct gdb *gdb, uint32_t address, const void *data, size_t bytes)
{
    return gdb->physical ? vx_debug_write_phys(gdb->debug, address, data, bytes)
                         : vx_debug_write(gdb->debug, address, data, bytes);
}

/* "ADDRESS,LENGTH" with the given character in between. */
static bool take_range(const char **at, char between, uint64_t *lin, uint64_t *bytes)
{
    return gdb_take_hex(at, lin) && gdb_take_char(at, between) && gdb_take_hex(at, bytes) && *lin <= UINT32_MAX;
}

/* As many of `bytes` as there are up to 4 GiB. */
static size_t in_space(uint64_t lin, uint64_t bytes)
{
    uint64_t left = (1ull << 32) - lin;
    return (size_t)(bytes < left ? bytes : left);
}

void gdb_memory_read(struct gdb *gdb, const char *at)
{
    uint8_t data[GDB_PACKET_MAX / 2 - 1];
    uint64_t lin, bytes;
    if (!take_range(&at, ',', &lin, &bytes) || *at != '\0') {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    if (bytes > sizeof data)
        bytes = sizeof data; /* the reply may be shorter than asked */
    size_t got = read_at(gdb, (uint32_t)lin, data, in_space(lin, bytes));
    if (got == 0 && bytes != 0) {
        gdb_error(gdb, GDB_E_ADDRESS);
        return;
    }
    gdb_reply_begin(&gdb->reply);
    gdb_reply_hex(&gdb->reply, data, got);
    gdb_send(gdb);
}

static void write_data(struct gdb *gdb, uint64_t lin, const void *data, size_t bytes)
{
    if (in_space(lin, bytes) == bytes && write_at(gdb, (uint32_t)lin, data, bytes) == bytes)
        gdb_ok(gdb);
    else
        gdb_error(gdb, GDB_E_ADDRESS);
}

void gdb_memory_write(struct gdb *gdb, const char *at)
{
    uint8_t data[GDB_PACKET_MAX / 2];
    uint64_t lin, bytes;
    if (!take_range(&at, ',', &lin, &bytes) || !gdb_take_char(&at, ':') || bytes > sizeof data ||
        !gdb_take_bytes(&at, data, (size_t)bytes) || *at != '\0') {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    write_data(gdb, lin, data, (size_t)bytes);
}

/* Binary data may contain zeros: its end is the packet's. */
static size_t rest(struct gdb *gdb, const char *at, char **data)
{
    *data = gdb->packet.body + (at - gdb->packet.body);
    return gdb_unescape(*data, (size_t)(gdb->packet.body + gdb->packet.length - at));
}

void gdb_memory_write_binary(struct gdb *gdb, const char *at)
{
    uint64_t lin, bytes;
    char *data;
    if (!take_range(&at, ',', &lin, &bytes) || !gdb_take_char(&at, ':') || rest(gdb, at, &data) != bytes) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    write_data(gdb, lin, data, (size_t)bytes);
}

/* The protocol's: polynomial 04C11DB7h, most significant bit first, beginning with all ones, nothing inverted. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        crc ^= (uint32_t)data[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04C11DB7u : 0);
    }
    return crc;
}

void gdb_memory_crc(struct gdb *gdb, const char *at)
{
    uint8_t data[PIECE];
    uint64_t lin, bytes;
    uint32_t crc = UINT32_MAX;
    if (!take_range(&at, ',', &lin, &bytes) || *at != '\0' || bytes > CRC_MAX) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    for (uint64_t done = 0; done < bytes;) {
        size_t part = bytes - done < PIECE ? (size_t)(bytes - done) : PIECE;
        if (lin + done + part > 1ull << 32 || read_at(gdb, (uint32_t)(lin + done), data, part) != part) {
            gdb_error(gdb, GDB_E_ADDRESS);
            return;
        }
        crc = crc32(crc, data, part);
        done += part;
    }
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "C%08x", crc);
    gdb_send(gdb);
}

/* Pieces overlap by the pattern's length, so that it is found across their borders. */
static void search(struct gdb *gdb, uint64_t lin, uint64_t bytes, const char *pattern, size_t length)
{
    uint8_t data[PIECE + GDB_PACKET_MAX];
    uint64_t end = lin + in_space(lin, bytes);
    gdb_reply_begin(&gdb->reply);
    while (lin + length <= end) {
        size_t want = end - lin < PIECE + length ? (size_t)(end - lin) : PIECE + length;
        size_t got = read_at(gdb, (uint32_t)lin, data, want);
        const uint8_t *found = got >= length ? memmem(data, got, pattern, length) : NULL;
        if (found != NULL) {
            gdb_reply_text(&gdb->reply, "1,%x", (unsigned)(lin + (uint64_t)(found - data)));
            gdb_send(gdb);
            return;
        }
        if (got < want) {
            gdb_error(gdb, GDB_E_ADDRESS);
            return;
        }
        lin += PIECE;
    }
    gdb_reply_text(&gdb->reply, "0");
    gdb_send(gdb);
}

void gdb_memory_search(struct gdb *gdb, const char *at)
{
    uint64_t lin, bytes;
    char *pattern;
    if (!take_range(&at, ';', &lin, &bytes) || !gdb_take_char(&at, ';') || bytes > SEARCH_MAX) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    size_t length = rest(gdb, at, &pattern);
    if (length == 0)
        gdb_error(gdb, GDB_E_SYNTAX);
    else
        search(gdb, lin, bytes, pattern, length);
}
