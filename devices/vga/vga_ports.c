/* vga_ports.c - the VGA's registers at ports 3B0h-3DFh, and the time at which the beam is where.
 *
 * Every write that can change the picture ends in vga_repaint(), every one that can change how the window answers in
 * vga_remap_window(). */
#include <string.h>

#include "vga_state.h"

enum {
    PORT_AC = 0x3C0,
    PORT_AC_READ = 0x3C1,
    PORT_MISC = 0x3C2,
    PORT_ENABLE = 0x3C3,
    PORT_SEQ = 0x3C4,
    PORT_DAC_MASK = 0x3C6
};
enum { PORT_DAC_READ = 0x3C7, PORT_DAC_WRITE = 0x3C8, PORT_DAC_DATA = 0x3C9, PORT_FEATURE_READ = 0x3CA };
enum { PORT_MISC_READ = 0x3CC, PORT_GC = 0x3CE, PORT_CRTC = 0x3D4, PORT_STATUS = 0x3DA };
enum { MONO_FROM_COLOR = 0x20 }; /* 3Dxh is 3Bxh on monochrome boards */

enum { STATUS0_SENSE = 0x10, STATUS1_DISPLAY_OFF = 0x01, STATUS1_V_RETRACE = 0x08 };

/* ---- beam -------------------------------------------------------------------------------------------------------- */

struct timing {
    unsigned line_ns, lines, visible_lines, retrace_start, retrace_lines;
    unsigned visible_ns; /* of a line */
};

static struct timing timing(const struct vga *vga)
{
    const uint8_t *cr = vga->crtc;
    unsigned clock_khz = (vga->misc & MISC_CLOCK) == MISC_CLOCK_28_MHZ ? 28322 : 25175;
    unsigned dots = (vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_8_DOTS) ? 8 : 9;
    unsigned char_ps = 1000000000u / clock_khz * dots * ((vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_HALF) ? 2 : 1);
    struct timing t = {
        .line_ns = (unsigned)((cr[CR_H_TOTAL] + 5ull) * char_ps / 1000),
        .lines = (cr[CR_V_TOTAL] | (cr[CR_OVERFLOW] & 0x01u) << 8 | (cr[CR_OVERFLOW] & 0x20u) << 4) + 2,
        .visible_lines = (cr[CR_V_DISPLAY_END] | (cr[CR_OVERFLOW] & 0x02u) << 7 | (cr[CR_OVERFLOW] & 0x40u) << 3) + 1,
        .retrace_start = cr[CR_V_RETRACE_START] | (cr[CR_OVERFLOW] & 0x04u) << 6 | (cr[CR_OVERFLOW] & 0x80u) << 2,
        .visible_ns = (unsigned)((cr[CR_H_DISPLAY_END] + 1ull) * char_ps / 1000),
    };
    t.retrace_lines = ((cr[CR_V_RETRACE_END] - t.retrace_start) & 0x0F) + 1;
    uint64_t frame_ns = (uint64_t)t.line_ns * t.lines;
    bool sane = frame_ns > 4000000 && frame_ns < 50000000 && t.retrace_start + t.retrace_lines <= t.lines &&
                t.visible_lines <= t.lines && t.visible_ns < t.line_ns;
    if (!sane || vbe_on(vga)) /* 640x480 at 60 Hz, so that loops that wait for the beam end */
        t = (struct timing){ .line_ns = 31778,
                             .lines = 525,
                             .visible_lines = 480,
                             .retrace_start = 490,
                             .retrace_lines = 2,
                             .visible_ns = 25422 };
    return t;
}

static uint8_t status1(const struct vga *vga)
{
    struct timing t = timing(vga);
    uint64_t in_frame = vx_clock_now_ns(vga->clock) % ((uint64_t)t.line_ns * t.lines);
    unsigned line = (unsigned)(in_frame / t.line_ns);
    uint8_t value = 0;
    if (line >= t.visible_lines || in_frame % t.line_ns >= t.visible_ns)
        value |= STATUS1_DISPLAY_OFF;
    if (line >= t.retrace_start && line < t.retrace_start + t.retrace_lines)
        value |= STATUS1_V_RETRACE;
    return value;
}

/* ---- indexed registers ------------------------------------------------------------------------------------------- */

static void write_seq(struct vga *vga, uint8_t value)
{
    static const uint8_t masks[SEQ_COUNT] = { 0x03, 0x3D, 0x0F, 0x3F, 0x0E };
    if (vga->seq_index >= SEQ_COUNT)
        return;
    vga->seq[vga->seq_index] = value & masks[vga->seq_index];
    vga_remap_window(vga, false);
    if (vga->seq_index == SEQ_CLOCKING || vga->seq_index == SEQ_CHAR_MAP)
        vga_repaint(vga);
}

static void write_gc(struct vga *vga, uint8_t value)
{
    static const uint8_t masks[GC_COUNT] = { 0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF };
    if (vga->gc_index >= GC_COUNT)
        return;
    uint8_t old = vga->gc[vga->gc_index];
    vga->gc[vga->gc_index] = value & masks[vga->gc_index];
    vga_remap_window(vga, false);
    if (vga->gc_index == GC_MISC || (vga->gc_index == GC_MODE && ((old ^ value) & (GC_MODE_CGA | GC_MODE_256))))
        vga_repaint(vga);
}

static void write_crtc(struct vga *vga, uint8_t value)
{
    unsigned index = vga->crtc_index;
    if (index >= CR_COUNT)
        return;
    uint8_t old = vga->crtc[index];
    if ((vga->crtc[CR_V_RETRACE_END] & CR_PROTECT) && index <= CR_OVERFLOW) {
        if (index != CR_OVERFLOW) /* of the protected ones only the line compare bit can be written */
            return;
        value = (old & ~0x10) | (value & 0x10);
    }
    vga->crtc[index] = value;
    if (value != old)
        vga_repaint(vga);
}

static void write_ac(struct vga *vga, uint8_t value)
{
    static const uint8_t masks[AC_COUNT - AC_MODE] = { 0xEF, 0xFF, 0x3F, 0x0F, 0x0F };
    vga->ac_data_next = !vga->ac_data_next;
    if (vga->ac_data_next) {
        uint8_t old = vga->ac_index;
        vga->ac_index = value & 0x3F;
        if ((old ^ value) & AC_PAS)
            vga_repaint(vga);
        return;
    }
    unsigned index = vga->ac_index & 0x1F;
    if (index >= AC_COUNT)
        return;
    value &= index < AC_MODE ? 0x3F : masks[index - AC_MODE];
    if (vga->ac[index] != value) {
        vga->ac[index] = value;
        vga_repaint(vga);
    }
}

/* ---- DAC --------------------------------------------------------------------------------------------------------- */

/* One address register for both directions. Colours pass through a register of their own: it goes to the palette behind
 * the third byte written, and is fetched ahead when reading begins and behind each third byte read. */
static void fetch_dac(struct vga *vga)
{
    memcpy(vga->dac_rgb, vga->dac[vga->dac_index++], sizeof vga->dac_rgb);
}

static void write_dac(struct vga *vga, uint8_t value)
{
    uint8_t mask = (vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC) ? 0xFF : 0x3F;
    vga->dac_rgb[vga->dac_part] = value & mask;
    vga->dac_part = (vga->dac_part + 1) % 3;
    if (vga->dac_part != 0)
        return;
    memcpy(vga->dac[vga->dac_index++], vga->dac_rgb, sizeof vga->dac_rgb);
    vga_repaint(vga);
}

static void dac_was_read(struct vga *vga)
{
    vga->dac_part = (vga->dac_part + 1) % 3;
    if (vga->dac_part == 0 && vga->dac_reading)
        fetch_dac(vga);
}

static void set_dac_index(struct vga *vga, bool reading, uint8_t value)
{
    vga->dac_reading = reading;
    vga->dac_part = 0;
    vga->dac_index = value;
    if (reading)
        fetch_dac(vga);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* Maps a CRTC or status port to its colour address; 0 when the board now answers at the other one. */
static uint16_t canonical(const struct vga *vga, uint16_t port)
{
    bool mono_port = port < PORT_AC, color_port = port >= 0x3D0;
    if (!mono_port && !color_port)
        return port;
    if (mono_port == ((vga->misc & MISC_COLOR) != 0))
        return 0;
    return mono_port ? port + MONO_FROM_COLOR : port;
}

uint8_t vga_port_peek(const struct vga *vga, uint16_t port)
{
    switch (canonical(vga, port)) {
    case PORT_AC: return vga->ac_index;
    case PORT_AC_READ: return (vga->ac_index & 0x1F) < AC_COUNT ? vga->ac[vga->ac_index & 0x1F] : 0;
    case PORT_MISC: return STATUS0_SENSE;
    case PORT_ENABLE: return vga->subsystem_enable;
    case PORT_SEQ: return vga->seq_index;
    case PORT_SEQ + 1: return vga->seq_index < SEQ_COUNT ? vga->seq[vga->seq_index] : 0;
    case PORT_DAC_MASK: return vga->dac_mask;
    case PORT_DAC_READ: return vga->dac_reading ? 3 : 0;
    case PORT_DAC_WRITE: return vga->dac_index;
    case PORT_DAC_DATA: return vga->dac_rgb[vga->dac_part];
    case PORT_FEATURE_READ: return vga->feature;
    case PORT_MISC_READ: return vga->misc;
    case PORT_GC: return vga->gc_index;
    case PORT_GC + 1: return vga->gc_index < GC_COUNT ? vga->gc[vga->gc_index] : 0;
    case PORT_CRTC: return vga->crtc_index;
    case PORT_CRTC + 1: return vga->crtc_index < CR_COUNT ? vga->crtc[vga->crtc_index] : 0;
    case PORT_STATUS: return status1(vga);
    default: return 0xFF;
    }
}

uint8_t vga_port_read(struct vga *vga, uint16_t port)
{
    uint8_t value = vga_port_peek(vga, port);
    switch (canonical(vga, port)) {
    case PORT_DAC_DATA: dac_was_read(vga); break;
    case PORT_STATUS: vga->ac_data_next = false; break;
    default: break;
    }
    return value;
}

void vga_port_write(struct vga *vga, uint16_t port, uint8_t value)
{
    switch (canonical(vga, port)) {
    case PORT_AC: write_ac(vga, value); break;
    case PORT_MISC: vga->misc = value & 0xEF; break;
    case PORT_ENABLE: vga->subsystem_enable = value & 1; break;
    case PORT_SEQ: vga->seq_index = value & 7; break;
    case PORT_SEQ + 1: write_seq(vga, value); break;
    case PORT_DAC_MASK:
        vga->dac_mask = value;
        vga_repaint(vga);
        break;
    case PORT_DAC_READ: set_dac_index(vga, true, value); break;
    case PORT_DAC_WRITE: set_dac_index(vga, false, value); break;
    case PORT_DAC_DATA: write_dac(vga, value); break;
    case PORT_GC: vga->gc_index = value & 0x0F; break;
    case PORT_GC + 1: write_gc(vga, value); break;
    case PORT_CRTC: vga->crtc_index = value; break;
    case PORT_CRTC + 1: write_crtc(vga, value); break;
    case PORT_STATUS: vga->feature = value & 0x18; break;
    default: break;
    }
}
