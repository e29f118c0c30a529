/* floppy_format.h - what a disk image of some size is, and which drives and data rates it needs. */
#ifndef VX86_DEVICES_FLOPPY_FORMAT_H
#define VX86_DEVICES_FLOPPY_FORMAT_H

#include "floppy.h"

#define FLOPPY_SECTOR_BYTES 512u
#define FLOPPY_SIZE_CODE    2 /* N of that many bytes */

enum floppy_disk { FLOPPY_DD525, FLOPPY_QD525, FLOPPY_HD525, FLOPPY_DD35, FLOPPY_HD35, FLOPPY_ED35 };

struct floppy_format {
    const char *name;
    enum floppy_disk disk;
    uint8_t sectors, cylinders, heads;
};

/* The format of that size; of a shorter image the standard one that has room for it, whose last sectors it lacks; NULL:
 * none. */
const struct floppy_format *floppy_format_of(uint64_t bytes);

/* Data rates, as DSR and CCR select them, at which the disk can be read: bit n for rate n. */
uint8_t floppy_rates(enum floppy_disk disk);
/* 500, 300, 250 and 1000 kbit/s: one bit of a rate. */
uint32_t floppy_bit_ns(unsigned rate);
/* A turn of the disk. */
uint64_t floppy_turn_ns(enum floppy_disk disk);

#endif
