/* pci.h - PCI bus 0: configuration mechanism #1, base address registers, interrupt pins.
 *
 * Source: PCI Local Bus Specification 2.2, chapter 6 "Configuration Space"; i440FX data sheet "CONFADD", "CONFDATA".
 * Ports: CF8h-CFBh (dword only; byte accesses go to whoever claims CF9h), CFCh-CFFh.
 * Modelled: type 0 headers on bus 0, command register, BARs and expansion ROM, INTx with disable and status bits,
 * wired-OR PIRQ lines. Not modelled: bridges, 64-bit BARs, parity and abort reporting, MSI.
 *
 * A chip fills in a struct pci_function (usually a member of its own struct): pci_function_init() for the
 * standard header, then BARs, further bytes of config[] and write_mask[], and pci_add(). config[] as it is then is
 * its reset value: the bus restores it in reset phase HOLD and unmaps all BARs; chips need not. Its state is a row of
 * the chip's table: FIELD_STRUCT(struct chip, fn, &pci_function_state); the bus maps the BARs of all functions when a
 * machine was loaded. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_CORE_PCI_H
#define VX86_DEVICES_CORE_PCI_H

#include "device.h"
#include "vx86/pmap.h"

#define PCI_SLOTS        32
#define PCI_FUNCTIONS    8
#define PCI_CONFIG_BYTES 256
#define PCI_BARS         6
#define PCI_BAR_ROM      6 /* index of the expansion ROM in pci_function.bar */
#define PCI_PIRQS        4

/* Registers of the type 0 header. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09, /* programming interface, sub-class, base class */
    PCI_CACHE_LINE = 0x0C,
    PCI_LATENCY = 0x0D,
    PCI_HEADER_TYPE = 0x0E,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2C,
    PCI_SUBSYSTEM_ID = 0x2E,
    PCI_ROM_BASE = 0x30,
    PCI_INTERRUPT_LINE = 0x3C,
    PCI_INTERRUPT_PIN = 0x3D,
};

enum {
    PCI_COMMAND_IO = 1u << 0,
    PCI_COMMAND_MEMORY = 1u << 1,
    PCI_COMMAND_MASTER = 1u << 2,
    PCI_COMMAND_PARITY = 1u << 6,
    PCI_COMMAND_SERR = 1u << 8,
    PCI_COMMAND_INTX_DISABLE = 1u << 10,
};
enum {
    PCI_STATUS_INTX = 1u << 3,
    PCI_STATUS_FAST_BACK = 1u << 7,
    PCI_STATUS_DEVSEL_MEDIUM = 1u << 9,
    PCI_STATUS_ERRORS = 0xF900, /* write 1 to clear */
};

/* One BAR: either handlers on the bus (`region`: name, handlers, sizes and opaque filled in by the chip; space, base,
 * size and priority by the bus) or plain backing pages. */
struct pci_bar {
    uint32_t size; /* power of two, 4 at least (ports), 4096 (memory); 0: no such BAR */
    bool io;
    bool prefetchable;
    bool backed;    /* maps backing pages from `page` on instead of a region */
    bool read_only; /* backed: writes are dropped */
    uint32_t page;
    struct vx_region *region;
    uint64_t mapped_at; /* private to the bus: address in force, PCI_UNMAPPED when none */
};
#define PCI_UNMAPPED UINT64_MAX

struct pci;

struct pci_function {
    const char *name;
    void *opaque; /* handed to the callbacks */
    /* Optional: config[] was written at [reg, reg + size), masks applied, BARs already remapped. */
    void (*written)(void *opaque, unsigned reg, unsigned size);
    /* Optional: told after BAR `bar` moved; `base` is PCI_UNMAPPED when it no longer decodes. */
    void (*bar_moved)(void *opaque, unsigned bar, uint64_t base);
    struct pci_bar bar[PCI_BARS + 1];
    uint8_t config[PCI_CONFIG_BYTES];
    uint8_t write_mask[PCI_CONFIG_BYTES]; /* bits the guest may write */
    uint8_t clear_mask[PCI_CONFIG_BYTES]; /* bits that writing 1 clears */
    /* Private to the bus. */
    struct pci *pci;
    uint8_t slot, number;
    bool intx;     /* level the chip drives */
    bool intx_out; /* level on the PIRQ line after the disable bit */
    uint8_t reset_config[PCI_CONFIG_BYTES];
};

struct pci_ident {
    const char *name;
    uint16_t vendor, device;
    uint32_t class_code; /* base class << 16 | sub-class << 8 | programming interface */
    uint8_t revision;
    uint8_t interrupt_pin;                /* 0 none, 1 INTA# ... 4 INTD# */
    uint16_t subsystem_vendor, subsystem; /* 0: none */
    bool multifunction;                   /* header type bit 7, for function 0 */
};

/* A chip that claims byte port CF9h inside the CONFADD dword (the reset control register). */
struct pci_cf9 {
    uint8_t (*read)(void *opaque);
    void (*write)(void *opaque, uint8_t value);
    void *opaque;
};

struct pci_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_pmap *pmap;
    uint64_t memory_first;         /* memory BARs decode in [memory_first, memory_end) only: between RAM and the */
    uint64_t memory_end;           /* firmware ROM, so that a guest cannot unmap either */
    struct vx_irq pirq[PCI_PIRQS]; /* PIRQA# to PIRQD# of the south bridge */
};

VX_MUST_USE vx_err pci_create(const struct pci_config *config, struct pci **out);
extern const struct device_type pci_type;

extern const struct state_table pci_function_state;

/* Zeroes *fn and fills the standard header, its masks and name. */
void pci_function_init(struct pci_function *fn, const struct pci_ident *ident);
/* Plugs the function in; VX_ERR_BAD_ARGUMENT when the place is taken. */
VX_MUST_USE vx_err pci_add(struct pci *pci, unsigned slot, unsigned number, struct pci_function *fn);
/* Unmaps its BARs and unplugs it (destroy). A function that was never added is left alone. */
void pci_remove(struct pci_function *fn);

void pci_set_cf9(struct pci *pci, struct pci_cf9 cf9);

/* Level of the function's INTx pin; it reaches PIRQ[(slot - 1 + pin - 1) mod 4], as on PIIX boards. */
void pci_set_intx(struct pci_function *fn, bool level);

/* True when the command register lets the function do DMA. */
bool pci_is_master(const struct pci_function *fn);
/* Where BAR n decodes now; PCI_UNMAPPED when it does not. */
uint64_t pci_bar_base(const struct pci_function *fn, unsigned bar);

/* Little-endian access to config[] for chips (no masks, no side effects). */
uint16_t pci_get16(const struct pci_function *fn, unsigned reg);
uint32_t pci_get32(const struct pci_function *fn, unsigned reg);
void pci_set16(struct pci_function *fn, unsigned reg, uint16_t value);
void pci_set32(struct pci_function *fn, unsigned reg, uint32_t value);

/* Guest-side access as through CF8h/CFCh: masks and side effects apply. size 1, 2, 4; reg + size <= 256. */
uint32_t pci_read_config(struct pci *pci, unsigned slot, unsigned number, unsigned reg, unsigned size);
void pci_write_config(struct pci *pci, unsigned slot, unsigned number, unsigned reg, unsigned size, uint32_t value);

#endif
