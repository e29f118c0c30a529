/* app_debugcon.c - bytes from port 402h to lines. */
#include "app_debugcon.h"

#include <string.h>

#define NOTHING_BOOTABLE "No bootable device" /* how SeaBIOS begins its last message */

static void end_line(struct app_debugcon *debugcon)
{
    debugcon->line[debugcon->used] = '\0';
    if (debugcon->used != 0)
        vx_log_debug(debugcon->log, VX_LOG_FIRMWARE, "%s", debugcon->line);
    bool over = strncmp(debugcon->line, NOTHING_BOOTABLE, strlen(NOTHING_BOOTABLE)) == 0;
    debugcon->used = 0;
    if (over && debugcon->nothing_bootable != NULL)
        debugcon->nothing_bootable(debugcon->opaque);
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

void app_debugcon_init(struct app_debugcon *debugcon, struct vx_log *log, void (*nothing_bootable)(void *opaque),
                       void *opaque)
{
    *debugcon = (struct app_debugcon){ .log = log, .nothing_bootable = nothing_bootable, .opaque = opaque };
    debugcon->chr = (struct vx_char){ .ops = &ops, .opaque = debugcon };
}
