/* atapi_info.c - what a CD-ROM drive tells of its medium and of itself: TOC, subchannel, features, mode pages.
 *
 * The medium is one session with one data track from block 0 to its end. */
#include <string.h>

#include "atapi.h"

#define LEAD_OUT_TRACK   0xAA
#define ADR_CONTROL_DATA 0x14 /* Q channel with position, data track */
#define LEAD_IN_BLOCKS   150
/* More blocks than a CD of 100 minutes has: a DVD. */
#define MAX_CD_BLOCKS    (100u * 60 * 75)

enum { PROFILE_NONE = 0x0000, PROFILE_CD_ROM = 0x0008, PROFILE_DVD_ROM = 0x0010 };

static void put_msf(uint8_t *at, uint64_t block)
{
    uint64_t frames = block + LEAD_IN_BLOCKS, minutes = frames / (60 * 75);
    at[0] = (uint8_t)(minutes < 0xFF ? minutes : 0xFF);
    at[1] = (uint8_t)(frames / 75 % 60);
    at[2] = (uint8_t)(frames % 75);
}

static void put_position(uint8_t *at, uint64_t block, bool msf)
{
    if (!msf) {
        vx_put_be32(at, (uint32_t)block);
        return;
    }
    at[0] = 0;
    put_msf(at + 1, block);
}

/* ---- table of contents ------------------------------------------------------------------------------------------ */

static size_t put_track(uint8_t *at, uint8_t track, uint64_t block, bool msf)
{
    at[0] = 0;
    at[1] = ADR_CONTROL_DATA;
    at[2] = track;
    at[3] = 0;
    put_position(at + 4, block, msf);
    return 8;
}

static size_t toc_tracks(const struct ide_drive *drive, bool msf, uint8_t *out)
{
    uint8_t first = drive->atapi.packet[6];
    size_t at = 4;
    if (first > 1 && first != LEAD_OUT_TRACK)
        return 0;
    if (first <= 1)
        at += put_track(out + at, 1, 0, msf);
    at += put_track(out + at, LEAD_OUT_TRACK, atapi_capacity(drive), msf);
    return at;
}

static size_t toc_sessions(bool msf, uint8_t *out)
{
    return 4 + put_track(out + 4, 1, 0, msf);
}

/* Full TOC: entries of the lead-in; positions are always MSF. */
static size_t toc_full(const struct ide_drive *drive, uint8_t *out)
{
    static const uint8_t points[] = { 0xA0, 0xA1, 0xA2, 1 };
    size_t at = 4;
    for (size_t i = 0; i < sizeof(points); i++, at += 11) {
        memset(out + at, 0, 11);
        out[at] = 1; /* session */
        out[at + 1] = ADR_CONTROL_DATA;
        out[at + 3] = points[i];
        if (points[i] <= 1)
            put_msf(out + at + 8, 0);
        else if (points[i] == 0xA2)
            put_msf(out + at + 8, atapi_capacity(drive));
        else
            out[at + 8] = 1; /* number of the first and last track */
    }
    return at;
}

size_t atapi_toc(const struct ide_drive *drive, uint8_t *out)
{
    const uint8_t *packet = drive->atapi.packet;
    bool msf = (packet[1] & 2) != 0;
    unsigned format = packet[2] & 0x0F;
    size_t bytes;
    if (format == 0)
        format = packet[9] >> 6; /* where SFF-8020i had it */
    if (format == 0)
        bytes = toc_tracks(drive, msf, out);
    else if (format == 1)
        bytes = toc_sessions(msf, out);
    else if (format == 2)
        bytes = toc_full(drive, out);
    else
        return 0;
    if (bytes == 0)
        return 0;
    vx_put_be16(out, (unsigned)bytes - 2);
    out[2] = 1; /* first and last track or session */
    out[3] = 1;
    return bytes;
}

size_t atapi_subchannel(const struct ide_drive *drive, uint8_t *out)
{
    enum { SUBQ = 0x40, AUDIO_NO_STATUS = 0x15, CURRENT_POSITION = 1, CATALOG_NUMBER = 2, ISRC = 3 };
    const uint8_t *packet = drive->atapi.packet;
    bool msf = (packet[1] & 2) != 0;
    size_t bytes = 4;
    memset(out, 0, 24);
    if (packet[2] & SUBQ) {
        if (packet[3] < CURRENT_POSITION || packet[3] > ISRC)
            return 0;
        out[4] = packet[3];
        bytes = packet[3] == CURRENT_POSITION ? 16 : 24;
    }
    if (bytes == 16) {
        out[5] = ADR_CONTROL_DATA;
        out[6] = out[7] = 1; /* track, index */
        put_position(out + 8, 0, msf);
        put_position(out + 12, 0, msf);
    }
    out[1] = AUDIO_NO_STATUS;
    vx_put_be16(out + 2, (unsigned)bytes - 4);
    return bytes;
}

/* ---- features --------------------------------------------------------------------------------------------------- */

static unsigned current_profile(const struct ide_drive *drive)
{
    uint64_t blocks = atapi_capacity(drive);
    return blocks == 0 ? PROFILE_NONE : blocks > MAX_CD_BLOCKS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

enum feature_current { ALWAYS, WITH_MEDIUM, WITH_CD, WITH_DVD };

struct feature {
    uint16_t code;
    uint8_t current; /* enum feature_current */
    uint8_t length;
    uint8_t data[8];
};

/* MMC-3, chapter 5 "Features and profiles". */
static const struct feature features[] = {
    { 0x0000, ALWAYS, 8, { PROFILE_DVD_ROM >> 8, PROFILE_DVD_ROM, 0, 0, 0, PROFILE_CD_ROM, 0, 0 } },
    { 0x0001, ALWAYS, 4, { 0, 0, 0, 2 } },                  /* core: ATAPI */
    { 0x0003, ALWAYS, 4, { 0x29, 0, 0, 0 } },               /* removable medium: tray, eject, lock */
    { 0x0010, WITH_MEDIUM, 8, { 0, 0, 8, 0, 0, 1, 1, 0 } }, /* random readable: 2048 bytes, page 01h present */
    { 0x001E, WITH_CD, 4, { 0 } },                          /* CD read */
    { 0x001F, WITH_DVD, 0, { 0 } },                         /* DVD read */
    { 0x0100, ALWAYS, 0, { 0 } },                           /* power management */
};

static bool is_current(const struct feature *feature, unsigned profile)
{
    switch (feature->current) {
    case WITH_MEDIUM: return profile != PROFILE_NONE;
    case WITH_CD: return profile == PROFILE_CD_ROM;
    case WITH_DVD: return profile == PROFILE_DVD_ROM;
    default: return true;
    }
}

static size_t put_feature(uint8_t *at, const struct feature *feature, unsigned profile)
{
    enum { CURRENT = 1, PERSISTENT = 2 };
    vx_put_be16(at, feature->code);
    at[2] = (uint8_t)((feature->current == ALWAYS ? PERSISTENT : 0) | (is_current(feature, profile) ? CURRENT : 0));
    at[3] = feature->length;
    memcpy(at + 4, feature->data, feature->length);
    if (feature->code == 0) { /* the profile list: current bits */
        at[6] = profile == PROFILE_DVD_ROM;
        at[10] = profile == PROFILE_CD_ROM;
    }
    return 4u + feature->length;
}

size_t atapi_configuration(const struct ide_drive *drive, uint8_t *out)
{
    enum { RT_ALL, RT_CURRENT, RT_ONE };
    const uint8_t *packet = drive->atapi.packet;
    unsigned type = packet[1] & 3, first = vx_get_be16(packet + 2), profile = current_profile(drive);
    size_t at = 8;
    if (type > RT_ONE)
        return 0;
    for (size_t i = 0; i < VX_ARRAY_LEN(features); i++) {
        const struct feature *feature = &features[i];
        if (type == RT_ONE ? feature->code != first : feature->code < first)
            continue;
        if (type != RT_CURRENT || is_current(feature, profile))
            at += put_feature(out + at, feature, profile);
    }
    vx_put_be32(out, (uint32_t)at - 4);
    vx_put_be16(out + 4, 0);
    vx_put_be16(out + 6, profile);
    return at;
}

/* ---- mode pages ------------------------------------------------------------------------------------------------- */

#define SPEED_KB 8468 /* 48 times 176.4 kB/s */

static void put_capabilities(const struct ide_drive *drive, uint8_t *page)
{
    page[2] = 0x0B; /* reads CD-R, CD-RW, DVD-ROM */
    page[4] = 0x70; /* multi-session, mode 2 forms 1 and 2 */
    page[6] = 0x29 | (drive->atapi.locked ? 0x02 : 0);
    vx_put_be16(page + 8, SPEED_KB);
    vx_put_be16(page + 12, IDE_BUF_BYTES / 1024);
    vx_put_be16(page + 14, SPEED_KB);
}

/* Page code, and its length with the two bytes of its header. */
static const struct mode_page {
    uint8_t code, bytes;
} mode_pages[] = {
    { 0x01, 8 },  /* read error recovery */
    { 0x2A, 22 }, /* capabilities and mechanical status */
};

size_t atapi_mode_pages(const struct ide_drive *drive, unsigned page, bool changeable, uint8_t *out)
{
    enum { ALL_PAGES = 0x3F };
    size_t at = 0;
    for (size_t i = 0; i < VX_ARRAY_LEN(mode_pages); i++) {
        const struct mode_page *entry = &mode_pages[i];
        if (page != ALL_PAGES && page != entry->code)
            continue;
        memset(out + at, 0, entry->bytes);
        out[at] = entry->code;
        out[at + 1] = entry->bytes - 2;
        if (entry->code == 0x2A && !changeable)
            put_capabilities(drive, out + at);
        at += entry->bytes;
    }
    return at;
}
