/* ata_identify.c - what drives say of themselves: IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6, 8.15
 * and 8.16).
 *
 * 256 words, little-endian; strings have the first character in the upper byte of a word and are padded with spaces. */
#include <stdio.h>
#include <string.h>

#include "ata.h"

#define ID_WORDS          256
#define FIRMWARE_REVISION "1.0"

/* Words that both kinds of drive fill in. */
enum {
    ID_CONFIG = 0,
    ID_SERIAL = 10,
    ID_FIRMWARE = 23,
    ID_MODEL = 27,
    ID_CAPABILITIES = 49,
    ID_CAPABILITIES_2 = 50,
    ID_PIO_TIMING = 51,
    ID_VALID = 53,
    ID_MULTIWORD_DMA = 63,
    ID_PIO_MODES = 64,
    ID_CYCLE_TIMES = 65,
    ID_MAJOR_VERSION = 80,
    ID_COMMANDS_SUPPORTED = 82, /* to 84 */
    ID_COMMANDS_ENABLED = 85,   /* to 87 */
    ID_ULTRA_DMA = 88,
    ID_RESET_RESULT = 93,
    ID_INTEGRITY = 255,
};

/* Words 82 to 87. */
enum {
    CMD82_PACKET = 1u << 4,
    CMD82_POWER = 1u << 3,
    CMD82_WRITE_CACHE = 1u << 5,
    CMD82_LOOK_AHEAD = 1u << 6,
    CMD82_DEVICE_RESET = 1u << 9,
    CMD83_LBA48 = 1u << 10,
    CMD83_FLUSH = 1u << 12,
    CMD83_FLUSH_EXT = 1u << 13,
    CMD84_FUA = 1u << 6,
    CMD_VALID = 1u << 14, /* in words 83, 84 and 87 */
};

static void put_string(uint16_t *words, size_t chars, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < chars; i++) {
        uint8_t c = i < length ? (uint8_t)text[i] : ' ';
        words[i / 2] |= (uint16_t)(i % 2 == 0 ? c << 8 : c);
    }
}

static void put32(uint16_t *words, uint32_t value)
{
    words[0] = (uint16_t)value;
    words[1] = (uint16_t)(value >> 16);
}

/* Stable from run to run, different for two drives of one machine and for images of different names (FNV-1a). */
static void put_serial(const struct ide_drive *drive, uint16_t *words)
{
    uint32_t hash = 0x811C9DC5u;
    const char *name = drive->block != NULL ? drive->block->name : "";
    for (size_t i = 0; i < sizeof(drive->block->name) && name[i] != '\0'; i++)
        hash = (hash ^ (uint8_t)name[i]) * 0x01000193u;
    char serial[21];
    snprintf(serial, sizeof(serial), "VX%u-%08X", drive->position, (unsigned)hash);
    put_string(words, 20, serial);
}

/* Timing, transfer modes and cable: alike for both kinds. */
static void put_transfer_modes(const struct ide_drive *drive, uint16_t *words)
{
    uint8_t mode = drive->transfer_mode;
    words[ID_PIO_TIMING] = 0x0200;
    words[ID_VALID] = 0x0006; /* words 64-70 and 88 are valid */
    words[ID_MULTIWORD_DMA] = 0x0007;
    if (mode >= 0x20 && mode <= 0x22)
        words[ID_MULTIWORD_DMA] |= (uint16_t)(0x0100u << (mode & 7));
    words[ID_PIO_MODES] = 0x0003; /* 3 and 4 */
    for (unsigned i = 0; i < 4; i++)
        words[ID_CYCLE_TIMES + i] = 120; /* ns */
    words[ID_ULTRA_DMA] = 0x003F;
    if (mode >= 0x40 && mode <= 0x45)
        words[ID_ULTRA_DMA] |= (uint16_t)(0x0100u << (mode & 7));
    words[ID_MAJOR_VERSION] = 0x00FE; /* ATA-1 to ATA/ATAPI-7 */
    /* 14 valid, 13 80-wire cable; low byte device 0, high byte device 1: present, number set by jumper, passed. */
    words[ID_RESET_RESULT] = 0x6000 | (drive->position % 2 == 0 ? 0x000B : 0x0B00);
}

/* Signature A5h and a byte that makes the sum of all 512 zero. */
static void store(const uint16_t *words, uint8_t *out)
{
    uint8_t sum = 0xA5;
    for (unsigned i = 0; i < ID_WORDS; i++) {
        out[2 * i] = (uint8_t)words[i];
        out[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
    for (unsigned i = 0; i < 2 * ID_INTEGRITY; i++)
        sum += out[i];
    out[2 * ID_INTEGRITY] = 0xA5;
    out[2 * ID_INTEGRITY + 1] = (uint8_t)-sum;
}

static void put_geometry(const struct ide_drive *drive, uint16_t *words)
{
    const struct ata_state *ata = &drive->ata;
    uint64_t sectors = ata_capacity(drive);
    uint64_t cylinders = sectors / (ATA_DEFAULT_HEADS * ATA_DEFAULT_SECTORS);
    words[1] = (uint16_t)(cylinders > ATA_MAX_CYLINDERS ? ATA_MAX_CYLINDERS : cylinders == 0 ? 1 : cylinders);
    words[3] = ATA_DEFAULT_HEADS;
    words[6] = ATA_DEFAULT_SECTORS;
    words[54] = ata->cylinders;
    words[55] = ata->heads;
    words[56] = ata->sectors;
    put32(&words[57], (uint32_t)ata->cylinders * ata->heads * ata->sectors);
    put32(&words[60], (uint32_t)(sectors < ATA_LBA28_SECTORS ? sectors : ATA_LBA28_SECTORS));
    put32(&words[100], (uint32_t)sectors);
    put32(&words[102], (uint32_t)(sectors >> 32));
}

void ata_identify(const struct ide_drive *drive, uint8_t *out)
{
    const struct ata_state *ata = &drive->ata;
    uint16_t words[ID_WORDS] = { 0 };
    words[ID_CONFIG] = 0x0040; /* fixed disk */
    put_geometry(drive, words);
    put_serial(drive, &words[ID_SERIAL]);
    put_string(&words[ID_FIRMWARE], 8, FIRMWARE_REVISION);
    put_string(&words[ID_MODEL], 40, "VX86 HARDDISK");
    words[47] = 0x8000 | ATA_MAX_MULTIPLE;
    words[48] = 0x0001;              /* 32-bit PIO */
    words[ID_CAPABILITIES] = 0x0F00; /* IORDY (may be disabled), LBA, DMA */
    words[ID_CAPABILITIES_2] = 0x4000;
    put_transfer_modes(drive, words);
    words[ID_VALID] |= 0x0001; /* words 54-58 */
    words[59] = ata->multiple != 0 ? 0x0100 | ata->multiple : 0;
    words[82] = CMD82_POWER | CMD82_WRITE_CACHE | CMD82_LOOK_AHEAD;
    words[83] = CMD_VALID | CMD83_FLUSH_EXT | CMD83_FLUSH | CMD83_LBA48;
    words[84] = CMD_VALID | CMD84_FUA;
    words[85] = CMD82_POWER | (ata->write_cache ? CMD82_WRITE_CACHE : 0) | (ata->look_ahead ? CMD82_LOOK_AHEAD : 0);
    words[86] = words[83] & (uint16_t)~CMD_VALID;
    words[87] = words[84];
    store(words, out);
}

void atapi_identify(const struct ide_drive *drive, uint8_t *out)
{
    uint16_t words[ID_WORDS] = { 0 };
    words[ID_CONFIG] = 0x85C0; /* packet device, CD-ROM, removable, DRQ within 50 us of PACKET, 12-byte packets */
    put_serial(drive, &words[ID_SERIAL]);
    put_string(&words[ID_FIRMWARE], 8, FIRMWARE_REVISION);
    put_string(&words[ID_MODEL], 40, "VX86 CD-ROM");
    words[ID_CAPABILITIES] = 0x0F00; /* IORDY (may be disabled), LBA, DMA */
    words[ID_CAPABILITIES_2] = 0x4000;
    put_transfer_modes(drive, words);
    words[82] = CMD82_PACKET | CMD82_POWER | CMD82_DEVICE_RESET;
    words[83] = CMD_VALID;
    words[84] = CMD_VALID;
    words[85] = words[82];
    words[87] = CMD_VALID;
    store(words, out);
}
