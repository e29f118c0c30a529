/* atapi_commands.c - the packet commands, one table row each.
 *
 * Before a handler runs: a pending unit attention is reported (unless the row passes it), and a row that needs a medium
 * finds one. */
#include <string.h>

#include "atapi.h"

enum {
    NEEDS_MEDIUM = 1,
    PASSES_ATTENTION = 2, /* carried out although a unit attention is pending (SPC-2, 5.6) */
    KEEPS_SENSE = 4,
};

struct packet_command {
    ide_step *handler;
    uint8_t flags;
};

static void invalid_field(struct ide_drive *drive)
{
    atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

/* A reply made by atapi_info.c; its length 0 stands for a field that asks for what is not there. */
static void reply_info(struct ide_drive *drive, size_t bytes, size_t allocated)
{
    if (bytes == 0)
        invalid_field(drive);
    else
        atapi_reply(drive, bytes, allocated);
}

/* ---- unit ------------------------------------------------------------------------------------------------------- */

static void request_sense(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    uint8_t *out = drive->buf;
    if (atapi->sense_key == SENSE_NONE && atapi->attention_asc != 0) {
        atapi->sense_key = SENSE_UNIT_ATTENTION;
        atapi->asc = atapi->attention_asc;
        atapi->attention_asc = 0;
    }
    memset(out, 0, 18);
    out[0] = 0x70; /* current error, fixed format */
    out[2] = atapi->sense_key;
    out[7] = 10; /* bytes that follow */
    out[12] = atapi->asc;
    out[13] = atapi->ascq;
    atapi->sense_key = SENSE_NONE;
    atapi->asc = atapi->ascq = 0;
    atapi_reply(drive, 18, atapi->packet[4]);
}

static void inquiry(struct ide_drive *drive)
{
    uint8_t *out = drive->buf;
    if (drive->atapi.packet[1] & 1) { /* vital product data: none */
        invalid_field(drive);
        return;
    }
    memset(out, 0, 36);
    out[0] = 0x05; /* CD-ROM device */
    out[1] = 0x80; /* removable */
    out[3] = 0x21; /* ATAPI */
    out[4] = 36 - 5;
    memcpy(out + 8, "VX86    ", 8);
    memcpy(out + 16, "VX86 CD-ROM     ", 16);
    memcpy(out + 32, "1.0 ", 4);
    atapi_reply(drive, 36, vx_get_be16(drive->atapi.packet + 3));
}

static void start_stop(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    bool start = (atapi->packet[4] & 1) != 0, load_or_eject = (atapi->packet[4] & 2) != 0;
    bool power_condition = (atapi->packet[4] & 0xF0) != 0;
    if (power_condition || !load_or_eject) {
        atapi_ok(drive);
        return;
    }
    if (!start && atapi->locked) {
        atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
        return;
    }
    if (atapi->tray_open == start && drive->block != NULL) {
        atapi->media_event = start ? MEDIA_EVENT_NEW : MEDIA_EVENT_REMOVED;
        atapi->attention_asc = start ? ASC_MEDIUM_CHANGED >> 8 : atapi->attention_asc;
    }
    atapi->tray_open = !start;
    atapi_ok(drive);
}

static void prevent_allow(struct ide_drive *drive)
{
    drive->atapi.locked = (drive->atapi.packet[4] & 1) != 0;
    atapi_ok(drive);
}

static void mode_sense(struct ide_drive *drive, unsigned header, size_t allocated)
{
    enum { PC_CHANGEABLE = 1, PC_SAVED = 3 };
    unsigned control = drive->atapi.packet[2] >> 6;
    uint8_t *out = drive->buf;
    if (control == PC_SAVED) {
        atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_NO_SAVED_PARAMETERS);
        return;
    }
    size_t pages = atapi_mode_pages(drive, drive->atapi.packet[2] & 0x3F, control == PC_CHANGEABLE, out + header);
    if (pages == 0) {
        invalid_field(drive);
        return;
    }
    memset(out, 0, header);
    if (header == 8)
        vx_put_be16(out, (unsigned)(header + pages - 2));
    else
        out[0] = (uint8_t)(header + pages - 1);
    atapi_reply(drive, header + pages, allocated);
}

static void mode_sense_6(struct ide_drive *drive)
{
    mode_sense(drive, 4, drive->atapi.packet[4]);
}

static void mode_sense_10(struct ide_drive *drive)
{
    mode_sense(drive, 8, vx_get_be16(drive->atapi.packet + 7));
}

static void get_configuration(struct ide_drive *drive)
{
    reply_info(drive, atapi_configuration(drive, drive->buf), vx_get_be16(drive->atapi.packet + 7));
}

static void get_event_status(struct ide_drive *drive)
{
    enum { CLASS_MEDIA = 4, NO_EVENT_AVAILABLE = 0x80, DOOR_OPEN = 1, MEDIUM_PRESENT = 2 };
    struct atapi_state *atapi = &drive->atapi;
    uint8_t *out = drive->buf;
    bool media = (atapi->packet[4] & 1u << CLASS_MEDIA) != 0;
    if (!(atapi->packet[1] & 1)) { /* only polling */
        invalid_field(drive);
        return;
    }
    memset(out, 0, 8);
    vx_put_be16(out, media ? 6 : 2);
    out[2] = media ? CLASS_MEDIA : NO_EVENT_AVAILABLE;
    out[3] = 1u << CLASS_MEDIA; /* classes there are */
    if (media) {
        out[4] = atapi->media_event;
        out[5] = (uint8_t)((atapi->tray_open ? DOOR_OPEN : 0) | (atapi_has_medium(drive) ? MEDIUM_PRESENT : 0));
        atapi->media_event = MEDIA_EVENT_NONE;
    }
    atapi_reply(drive, media ? 8 : 4, vx_get_be16(atapi->packet + 7));
}

static void mechanism_status(struct ide_drive *drive)
{
    uint8_t *out = drive->buf;
    memset(out, 0, 8);
    out[1] = drive->atapi.tray_open ? 0x10 : 0;
    atapi_reply(drive, 8, vx_get_be16(drive->atapi.packet + 8));
}

/* ---- medium ----------------------------------------------------------------------------------------------------- */

static void read_capacity(struct ide_drive *drive)
{
    uint64_t last = atapi_capacity(drive) - 1;
    vx_put_be32(drive->buf, last < UINT32_MAX ? (uint32_t)last : UINT32_MAX);
    vx_put_be32(drive->buf + 4, CD_BLOCK_BYTES);
    atapi_reply(drive, 8, 8);
}

static void read_10(struct ide_drive *drive)
{
    atapi_read(drive, vx_get_be32(drive->atapi.packet + 2), vx_get_be16(drive->atapi.packet + 7));
}

static void read_12(struct ide_drive *drive)
{
    atapi_read(drive, vx_get_be32(drive->atapi.packet + 2), vx_get_be32(drive->atapi.packet + 6));
}

/* READ CD and READ CD MSF: byte 9 says which parts of a sector, byte 10 which subchannel. We have user data. */
static void read_parts(struct ide_drive *drive, uint64_t lba, uint32_t blocks)
{
    enum { PARTS = 0xF8, USER_DATA = 0x10 };
    unsigned parts = drive->atapi.packet[9] & PARTS;
    if (drive->atapi.packet[10] != 0 || (parts != 0 && parts != USER_DATA))
        invalid_field(drive);
    else
        atapi_read(drive, lba, parts == 0 ? 0 : blocks);
}

static void read_cd(struct ide_drive *drive)
{
    const uint8_t *packet = drive->atapi.packet;
    read_parts(drive, vx_get_be32(packet + 2), vx_get_be32(packet + 5) & 0xFFFFFF);
}

static uint64_t msf_to_block(const uint8_t *msf)
{
    return ((uint64_t)msf[0] * 60 + msf[1]) * 75 + msf[2];
}

static void read_cd_msf(struct ide_drive *drive)
{
    enum { LEAD_IN_BLOCKS = 150 };
    uint64_t first = msf_to_block(drive->atapi.packet + 3), end = msf_to_block(drive->atapi.packet + 6);
    if (first < LEAD_IN_BLOCKS || end < first)
        invalid_field(drive);
    else
        read_parts(drive, first - LEAD_IN_BLOCKS, (uint32_t)(end - first));
}

static void seek(struct ide_drive *drive)
{
    if (vx_get_be32(drive->atapi.packet + 2) < atapi_capacity(drive))
        atapi_ok(drive);
    else
        atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
}

static void read_toc(struct ide_drive *drive)
{
    reply_info(drive, atapi_toc(drive, drive->buf), vx_get_be16(drive->atapi.packet + 7));
}

static void read_subchannel(struct ide_drive *drive)
{
    reply_info(drive, atapi_subchannel(drive, drive->buf), vx_get_be16(drive->atapi.packet + 7));
}

static void read_disc_information(struct ide_drive *drive)
{
    uint8_t *out = drive->buf;
    memset(out, 0, 34);
    vx_put_be16(out, 34 - 2);
    out[2] = 0x0E; /* last session complete, disc complete */
    out[3] = 1;    /* first track */
    out[4] = 1;    /* sessions */
    out[5] = 1;    /* first and last track of the last session */
    out[6] = 1;
    out[7] = 0x20; /* unrestricted use */
    atapi_reply(drive, 34, vx_get_be16(drive->atapi.packet + 7));
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static const struct packet_command packet_commands[256] = {
    [0x00] = { atapi_ok, NEEDS_MEDIUM },                        /* TEST UNIT READY */
    [0x03] = { request_sense, PASSES_ATTENTION | KEEPS_SENSE }, /* REQUEST SENSE */
    [0x12] = { inquiry, PASSES_ATTENTION },                     /* INQUIRY */
    [0x1A] = { mode_sense_6, 0 },                               /* MODE SENSE(6) */
    [0x1B] = { start_stop, 0 },                                 /* START STOP UNIT */
    [0x1E] = { prevent_allow, 0 },                              /* PREVENT ALLOW MEDIUM REMOVAL */
    [0x25] = { read_capacity, NEEDS_MEDIUM },                   /* READ CD RECORDED CAPACITY */
    [0x28] = { read_10, NEEDS_MEDIUM },                         /* READ(10) */
    [0x2B] = { seek, NEEDS_MEDIUM },                            /* SEEK(10) */
    [0x42] = { read_subchannel, NEEDS_MEDIUM },                 /* READ SUB-CHANNEL */
    [0x43] = { read_toc, NEEDS_MEDIUM },                        /* READ TOC/PMA/ATIP */
    [0x46] = { get_configuration, PASSES_ATTENTION },           /* GET CONFIGURATION */
    [0x4A] = { get_event_status, PASSES_ATTENTION },            /* GET EVENT/STATUS NOTIFICATION */
    [0x4E] = { atapi_ok, NEEDS_MEDIUM },                        /* STOP PLAY/SCAN */
    [0x51] = { read_disc_information, NEEDS_MEDIUM },           /* READ DISC INFORMATION */
    [0x5A] = { mode_sense_10, 0 },                              /* MODE SENSE(10) */
    [0xA8] = { read_12, NEEDS_MEDIUM },                         /* READ(12) */
    [0xB9] = { read_cd_msf, NEEDS_MEDIUM },                     /* READ CD MSF */
    [0xBB] = { atapi_ok, 0 },                                   /* SET CD SPEED */
    [0xBD] = { mechanism_status, 0 },                           /* MECHANISM STATUS */
    [0xBE] = { read_cd, NEEDS_MEDIUM },                         /* READ CD */
};

void atapi_execute(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    const struct packet_command *row = &packet_commands[atapi->packet[0]];
    if (!(row->flags & KEEPS_SENSE)) {
        atapi->sense_key = SENSE_NONE;
        atapi->asc = atapi->ascq = 0;
    }
    if (row->handler == NULL) {
        atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
    } else if (atapi->attention_asc != 0 && !(row->flags & PASSES_ATTENTION)) {
        unsigned asc = (unsigned)atapi->attention_asc << 8;
        atapi->attention_asc = 0;
        atapi_fail(drive, SENSE_UNIT_ATTENTION, asc);
    } else if ((row->flags & NEEDS_MEDIUM) && !atapi_has_medium(drive)) {
        atapi_fail(drive, SENSE_NOT_READY, atapi->tray_open ? ASC_NO_MEDIUM_TRAY_OPEN : ASC_NO_MEDIUM_TRAY_CLOSED);
    } else {
        row->handler(drive);
    }
}
