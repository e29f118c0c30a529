/* vga_state.h - the registers of the VGA and what its parts know of each other (private to vga*.c and vbe.c).
 *
 *   vga.c         life, PCI, MMIO
 *   vga_update.c  when the display is told, and what has changed
 *   vga_ports.c   ports 3B0h-3DFh: sequencer, CRTC, graphics and attribute controller, DAC, timing
 *   vga_memory.c  the window at A0000h: planar logic, or mapped straight to video memory
 *   vga_picture.c one picture for whoever asks
 *   vga_render.c  registers and memory to cells or pixels
 *   vbe.c         the Bochs VBE registers */
#ifndef VX86_DEVICES_VGA_STATE_H
#define VX86_DEVICES_VGA_STATE_H

#include "vga.h"

enum { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_CHAR_MAP, SEQ_MEMORY_MODE, SEQ_COUNT };
enum { SEQ_CLOCKING_8_DOTS = 0x01, SEQ_CLOCKING_HALF = 0x08, SEQ_CLOCKING_OFF = 0x20 };
enum { SEQ_MEMORY_SEQUENTIAL = 0x04, SEQ_MEMORY_CHAIN_4 = 0x08 };

enum {
    GC_SET_RESET,
    GC_ENABLE_SET_RESET,
    GC_COLOR_COMPARE,
    GC_ROTATE,
    GC_READ_MAP,
    GC_MODE,
    GC_MISC,
    GC_COLOR_DONT_CARE,
    GC_BIT_MASK,
    GC_COUNT
};
enum {
    GC_MODE_WRITE = 0x03,
    GC_MODE_READ_COMPARE = 0x08,
    GC_MODE_ODD_EVEN = 0x10,
    GC_MODE_CGA = 0x20,
    GC_MODE_256 = 0x40
};
enum { GC_MISC_GRAPHICS = 0x01, GC_MISC_MAP_SHIFT = 2 };

enum {
    CR_H_TOTAL = 0x00,
    CR_H_DISPLAY_END = 0x01,
    CR_V_TOTAL = 0x06,
    CR_OVERFLOW = 0x07,
    CR_PRESET_ROW = 0x08,
    CR_MAX_SCAN = 0x09,
    CR_CURSOR_START = 0x0A,
    CR_CURSOR_END = 0x0B,
    CR_START_HIGH = 0x0C,
    CR_START_LOW = 0x0D,
    CR_CURSOR_HIGH = 0x0E,
    CR_CURSOR_LOW = 0x0F,
    CR_V_RETRACE_START = 0x10,
    CR_V_RETRACE_END = 0x11,
    CR_V_DISPLAY_END = 0x12,
    CR_OFFSET = 0x13,
    CR_UNDERLINE = 0x14,
    CR_MODE = 0x17,
    CR_LINE_COMPARE = 0x18,
    CR_COUNT
};
enum {
    CR_PROTECT = 0x80,
    CR_MAX_SCAN_DOUBLE = 0x80,
    CR_CURSOR_OFF = 0x20,
    CR_UNDERLINE_DWORD = 0x40,
    CR_CURSOR_SKEW_SHIFT = 5
};
enum {
    CR_MODE_NOT_CGA = 0x01,
    CR_MODE_NOT_HERCULES = 0x02,
    CR_MODE_WRAP = 0x20,
    CR_MODE_BYTE = 0x40,
    CR_MODE_RUN = 0x80
};

enum { AC_MODE = 0x10, AC_OVERSCAN, AC_PLANE_ENABLE, AC_PANNING, AC_COLOR_SELECT, AC_COUNT };
enum { AC_PAS = 0x20 };
enum {
    AC_MODE_MONO = 0x02,
    AC_MODE_LINE_GRAPHICS = 0x04,
    AC_MODE_BLINK = 0x08,
    AC_MODE_PAN_SPLIT = 0x20,
    AC_MODE_P54S = 0x80
};

enum { MISC_COLOR = 0x01, MISC_CLOCK_28_MHZ = 0x04, MISC_CLOCK = 0x0C };

/* Bochs VBE. */
enum {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_VIDEO_MEMORY_64K,
    VBE_COUNT
};
enum { VBE_ENABLED = 0x01, VBE_GETCAPS = 0x02, VBE_8BIT_DAC = 0x20, VBE_LFB = 0x40, VBE_NO_CLEAR = 0x80 };
enum { VBE_MAX_XRES = 2560, VBE_MAX_YRES = 1600, VBE_MAX_BPP = 32 };

enum { VGA_MAX_COLUMNS = 256, VGA_MAX_ROWS = 256, VGA_WINDOW = 0xA0000, VGA_WINDOW_BYTES = 0x20000 };
enum { VGA_VRAM_PAGES = VX_VGA_VRAM_BYTES / VX_PAGE_BYTES };
/* The widest line: VBE's; text has 256 columns of 9 dots at most. */
enum { VGA_MAX_WIDTH = VBE_MAX_XRES };

struct vga {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct vx_display *display;
    unsigned head; /* of it */
    struct pci_function pci;
    struct vx_region ports[4];
    struct vx_region window;
    struct vx_region mmio;

    uint8_t *vram; /* VX_VGA_VRAM_BYTES, see vga_plane_off() */
    uint32_t vram_page;
    uint32_t rom_page;

    uint8_t misc, feature, subsystem_enable;
    uint8_t seq_index, seq[SEQ_COUNT];
    uint8_t crtc_index, crtc[CR_COUNT];
    uint8_t gc_index, gc[GC_COUNT];
    uint8_t ac_index, ac[AC_COUNT]; /* ac_index with AC_PAS */
    bool ac_data_next;              /* the flip-flop */
    uint8_t dac_mask, dac_index, dac_part;
    bool dac_reading;
    uint8_t dac_rgb[3]; /* on its way to or from the palette */
    uint8_t dac[256][3];
    uint32_t latches; /* plane p in bits 8p..8p+7 */

    uint16_t vbe_index, vbe[VBE_COUNT];

    uint32_t window_page; /* what the window's first 64 KiB are mapped to, VX_PMAP_BUS: our handlers */
    bool window_chain_4;  /* for writes only, I2 of vga_memory.c */
    unsigned plain_left;  /* writes by the handlers until the window is mapped for them; 0: it is, or will not be */

    struct vx_timer display_timer;
    bool changed;         /* since the last update */
    bool redraw;          /* ... by registers: any line may look otherwise now */
    bool whole;           /* the next update is to be the whole picture */
    unsigned quiet_polls; /* frame buffer polls in a row without a change */
    uint64_t last_update_ns;
    struct vx_screen shown;                   /* of the last update; pointers tell what it had, no more */
    struct vx_text_cell *cells, *shown_cells; /* VGA_MAX_COLUMNS * VGA_MAX_ROWS each */
    uint32_t *pixels;                         /* of the last update; as large as was needed so far */
    size_t pixels_count;
    uint32_t line[VGA_MAX_WIDTH];
};

enum { VGA_PLANE_BYTES = 0x10000 };

/* Where plane 0's byte at plane address k lies in video memory; those of planes 1 to 3 follow. Each 64 KiB of the
 * planes are four parts by the low bits of k, so that with chain-4, whose k is a multiple of 4, window offset a is at
 * a. */
static inline uint32_t vga_plane_off(uint32_t k)
{
    return k >> 16 << 18 | (k & 3) << 16 | (k & 0xFFFC);
}

/* vga_update.c */
/* Video memory has changed, or may be written unseen from now on: an update comes soon. */
void vga_changed(struct vga *vga);
/* Registers that the picture depends on have changed. */
void vga_repaint(struct vga *vga);
extern const struct vx_display_device_ops vga_display_ops;
void vga_display_tick(void *opaque);

uint8_t vga_port_read(struct vga *vga, uint16_t port);
uint8_t vga_port_peek(const struct vga *vga, uint16_t port);
void vga_port_write(struct vga *vga, uint16_t port, uint8_t value);

uint64_t vga_window_read(void *opaque, uint64_t off, unsigned size);
void vga_window_write(void *opaque, uint64_t off, unsigned size, uint64_t value);
/* What the guest would read now, without loading the latches; a byte put where read mode 0 finds it. */
uint64_t vga_window_peek(const void *opaque, uint64_t off, unsigned size);
bool vga_window_poke(void *opaque, uint64_t off, uint8_t value);
/* After a register was written that the window depends on: it goes to the handlers, or by VBE to video memory. `force`:
 * maps even if nothing changed. */
void vga_remap_window(struct vga *vga, bool force);
/* Maps it as it was when the state was saved that has now been loaded. */
void vga_restore_window(struct vga *vga);

/* Bytes first to last of video memory, or of each of the four parts of the planes. */
struct vga_source {
    uint32_t first, last;
    bool each_part;
};

/* How registers and memory look now. */
struct vga_picture {
    struct vx_screen screen; /* `cells` are in vga->cells; pixels NULL: draw() makes them */
    /* Line y as screen.width pixels; NULL where there is no picture, or nobody wants pixels. */
    void (*draw)(const struct vga *vga, const struct vga_picture *picture, unsigned y, uint32_t *out);
    /* The video memory that decides over line y while no register changes; false: any may. */
    bool (*source)(const struct vga *vga, const struct vga_picture *picture, unsigned y, struct vga_source *source);
    /* for the two */
    uint32_t colors[256];
    struct vga_geometry {
        unsigned chars;        /* character clocks per line */
        unsigned lines;        /* scan lines */
        unsigned repeat;       /* scan lines per row of characters or dots */
        unsigned doubling;     /* ... of which so many have the same row scan: 1 or 2 */
        unsigned preset;       /* row scan of the first */
        uint32_t start, pitch; /* plane addresses: first, and per row */
        unsigned line_compare; /* scan line after which the address starts again at 0 */
    } geometry;
    unsigned step; /* picture line y is scan line y * step */
};
void vga_render(struct vga *vga, bool with_pixels, struct vga_picture *picture);
/* The same without a look at whether the screen is blanked. */
void vga_render_unblanked(struct vga *vga, bool with_pixels, struct vga_picture *picture);
bool vga_is_blank(const struct vga *vga);
/* Whether the picture comes from memory that the guest may write without passing through us. */
bool vga_is_direct(const struct vga *vga);

uint16_t vbe_read(const struct vga *vga, unsigned index);
void vbe_write(struct vga *vga, unsigned index, uint16_t value);
void vbe_reset(struct vga *vga);
/* For a struct vga that is loaded: keeps the bank inside video memory, and I1 of vbe.c. */
const char *vbe_check(const void *loaded);
void vbe_restored(struct vga *vga);
static inline bool vbe_on(const struct vga *vga)
{
    return (vga->vbe[VBE_ENABLE] & VBE_ENABLED) != 0;
}
/* Bits per pixel in memory (15 takes 16) and bytes per line of the current mode. */
unsigned vbe_bits(const struct vga *vga);
uint32_t vbe_pitch(const struct vga *vga);

#endif
