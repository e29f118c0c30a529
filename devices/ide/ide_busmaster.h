/* ide_busmaster.h - one channel's bus-master registers and the walk through its PRD table. Inside the IDE chip. */
#ifndef VX86_DEVICES_IDE_BUSMASTER_H
#define VX86_DEVICES_IDE_BUSMASTER_H

#include "pci.h"
#include "vx86/pmap.h"

/* BMICX, the command register. */
enum { BM_START = 0x01, BM_TO_MEMORY = 0x08 };
/* BMISX, the status register. */
enum {
    BM_ACTIVE = 0x01,
    BM_ERROR = 0x02,     /* write 1 to clear */
    BM_INTERRUPT = 0x04, /* write 1 to clear */
    BM_DRIVE_DMA = 0x60, /* drives 0, 1 are set up for DMA: storage for software */
};
/* Ports of a channel: BMICX, BMISX, BMIDTPX. */
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4, BM_PORTS = 8 };

struct ide_busmaster {
    struct vx_pmap *pmap;
    const struct pci_function *function; /* its master enable gates all DMA */
    uint8_t command, status;
    uint32_t table; /* BMIDTPX */
    uint32_t next;  /* guest physical address of the next PRD */
    uint32_t phys;  /* rest of the PRD in force: where */
    uint32_t left;  /* and how many bytes; 0: fetch the next */
    bool last;      /* the PRD in force is marked as the table's last */
};

extern const struct state_table ide_busmaster_state;

void ide_busmaster_reset(struct ide_busmaster *bm);

uint8_t ide_busmaster_read(const struct ide_busmaster *bm, unsigned port);
/* Returns whether a transfer was started by this write: the drive should look. */
bool ide_busmaster_write(struct ide_busmaster *bm, unsigned port, uint8_t value);

/* Moves up to `bytes` between `buf` and where the PRD table says; returns how many went. Less than asked: not started,
 * not allowed to master the bus, or the table has ended. */
size_t ide_busmaster_move(struct ide_busmaster *bm, void *buf, size_t bytes, bool to_memory);

#endif
