/* app_debugcon.c - bytes from port 402h to lines, and what they mean. */
#include "app_debugcon.h"

#include <string.h>

/* How SeaBIOS begins its last message, and the one before it gives control away: "Booting from 0000:7c00". */
#define NOTHING_BOOTABLE "No bootable device"
#define BOOTING_FROM     "Booting from "

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* A far address, as opposed to a kind of drive. */
static bool is_address(const char *text)
{
    return strspn(text, "0123456789abcdef") == 4 && text[4] == ':';
}

static void look_at(struct app_debugcon *debugcon)
{
    const struct app_debugcon_ops *does = debugcon->ops;
    const char *line = debugcon->line;
    if (does == NULL || !does->is_bios(debugcon->opaque))
        return;
    uint64_t resets = does->resets(debugcon->opaque);
    if (begins(line, BOOTING_FROM) && is_address(line + strlen(BOOTING_FROM)))
        debugcon->handed_over = resets;
    else if (begins(line, NOTHING_BOOTABLE) && debugcon->handed_over == resets)
        does->gave_up(debugcon->opaque);
    else if (begins(line, NOTHING_BOOTABLE))
        does->nothing_bootable(debugcon->opaque);
}

static void end_line(struct app_debugcon *debugcon)
{
    debugcon->line[debugcon->used] = '\0';
    if (debugcon->used != 0)
        vx_log_debug(debugcon->log, VX_LOG_FIRMWARE, "%s", debugcon->line);
    debugcon->used = 0;
    look_at(debugcon);
}

static void write_bytes(void *opaque, const uint8_t *bytes, size_t count)
{
    struct app_debugcon *debugcon = opaque;
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' || debugcon->used == sizeof debugcon->line - 1)
            end_line(debugcon);
        if (bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\0')
            debugcon->line[debugcon->used++] = (char)bytes[i];
    }
}

static const struct vx_char_ops ops = { .write = write_bytes };

void app_debugcon_init(struct app_debugcon *debugcon, struct vx_log *log, const struct app_debugcon_ops *does,
                       void *opaque)
{
    *debugcon = (struct app_debugcon){ .log = log, .ops = does, .opaque = opaque };
    debugcon->chr = (struct vx_char){ .ops = &ops, .opaque = debugcon };
}
