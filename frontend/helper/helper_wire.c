/* helper_wire.c - see helper_wire.h. */
#include "helper_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool helper_inbox_init(struct helper_inbox *inbox)
{
    *inbox = (struct helper_inbox){ .bytes = malloc(HELPER_WIRE_ROOM) };
    return inbox->bytes != NULL;
}

void helper_inbox_fini(struct helper_inbox *inbox)
{
    free(inbox->bytes);
    inbox->bytes = NULL;
}

int helper_inbox_fill(struct helper_inbox *inbox, int fd)
{
    if (inbox->at > 0) {
        memmove(inbox->bytes, inbox->bytes + inbox->at, inbox->end - inbox->at);
        inbox->end -= inbox->at;
        inbox->at = 0;
    }
    ssize_t got = read(fd, inbox->bytes + inbox->end, HELPER_WIRE_ROOM - inbox->end);
    if (got > 0) {
        inbox->end += (size_t)got;
        return 1;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

int helper_inbox_peek(const struct helper_inbox *inbox, struct helper_header *header, const uint8_t **payload)
{
    size_t held = inbox->end - inbox->at;
    if (held < sizeof *header)
        return 0;
    memcpy(header, inbox->bytes + inbox->at, sizeof *header);
    if (header->type > HELPER_LAST_TYPE || header->bytes > HELPER_MAX_BYTES)
        return -1;
    *payload = inbox->bytes + inbox->at + sizeof *header;
    return held - sizeof *header >= header->bytes;
}

void helper_inbox_drop(struct helper_inbox *inbox)
{
    struct helper_header header;
    memcpy(&header, inbox->bytes + inbox->at, sizeof header);
    inbox->at += sizeof header + header.bytes;
}
