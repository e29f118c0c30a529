/* memory.c - guest memory as it is, without side effects on the guest: no A or D bits, devices are only peeked at. */
#include <string.h>

#include "debug_private.h"

/* Bytes from `address` to the end of its page, at most `bytes`. */
static size_t in_page(uint64_t address, size_t bytes)
{
    size_t left = VX_PAGE_BYTES - (size_t)(address & VX_PAGE_MASK);
    return bytes < left ? bytes : left;
}

/* ---- memory behind a device (a window to video memory) ----------------------------------------------------------- */

static uint64_t on_bus(const struct vx_debug *debug, uint64_t phys)
{
    return vx_pmap_a20(debug->vcpu->mmu->pmap) ? phys : phys & ~(UINT64_C(1) << 20);
}

static size_t read_window(const struct vx_debug *debug, uint64_t phys, uint8_t *buf, size_t bytes)
{
    size_t done = 0;
    for (; done < bytes; done++) {
        uint64_t at = on_bus(debug, phys + done), value;
        const struct vx_region *region = vx_bus_region_at(debug->config.bus, VX_SPACE_MEMORY, at);
        if (region == NULL || !region->is_memory || !vx_bus_peek(debug->config.bus, VX_SPACE_MEMORY, at, 1, &value))
            break;
        buf[done] = (uint8_t)value;
    }
    return done;
}

static size_t write_window(const struct vx_debug *debug, uint64_t phys, const uint8_t *buf, size_t bytes)
{
    size_t done = 0;
    while (done < bytes && vx_bus_poke(debug->config.bus, on_bus(debug, phys + done), buf[done]))
        done++;
    return done;
}

const char *vx_debug_peek(const struct vx_debug *debug, uint64_t phys, unsigned bytes, uint64_t *value)
{
    uint64_t at = on_bus(debug, phys);
    if (vx_pmap_read_ptr(debug->vcpu->mmu->pmap, phys) != NULL)
        return "that is memory";
    if (vx_bus_region_at(debug->config.bus, VX_SPACE_MEMORY, at) == NULL)
        return "no device answers there";
    return vx_bus_peek(debug->config.bus, VX_SPACE_MEMORY, at, bytes, value) ? NULL
                                                                             : "this device cannot be looked into";
}

/* ---- physical, linear -------------------------------------------------------------------------------------------- */

size_t vx_debug_read_phys(const struct vx_debug *debug, uint64_t phys, void *buf, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        const uint8_t *hva = vx_pmap_read_ptr(debug->vcpu->mmu->pmap, phys + done);
        size_t part = in_page(phys + done, bytes - done), got = part;
        if (hva != NULL)
            memcpy((uint8_t *)buf + done, hva, part);
        else
            got = read_window(debug, phys + done, (uint8_t *)buf + done, part);
        done += got;
        if (got < part)
            break;
    }
    return done;
}

size_t vx_debug_write_phys(const struct vx_debug *debug, uint64_t phys, const void *buf, size_t bytes)
{
    struct vx_pmap *pmap = debug->vcpu->mmu->pmap;
    size_t done = 0;
    while (done < bytes) {
        uint8_t *hva = vx_pmap_write_ptr(pmap, phys + done);
        size_t part = in_page(phys + done, bytes - done), got = part;
        if (hva != NULL) {
            memcpy(hva, (const uint8_t *)buf + done, part);
            vx_pmap_wrote(pmap, phys + done, part);
        } else {
            got = write_window(debug, phys + done, (const uint8_t *)buf + done, part);
        }
        done += got;
        if (got < part)
            break;
    }
    return done;
}

size_t vx_debug_read(const struct vx_debug *debug, uint64_t lin, void *buf, size_t bytes)
{
    size_t done = 0;
    uint64_t phys;
    while (done < bytes && vx_mmu_peek(debug->vcpu->mmu, lin + done, &phys)) {
        size_t part = in_page(phys, bytes - done);
        size_t got = vx_debug_read_phys(debug, phys, (uint8_t *)buf + done, part);
        done += got;
        if (got < part)
            break;
    }
    return done;
}

size_t vx_debug_write(const struct vx_debug *debug, uint64_t lin, const void *buf, size_t bytes)
{
    size_t done = 0;
    uint64_t phys;
    while (done < bytes && vx_mmu_peek(debug->vcpu->mmu, lin + done, &phys)) {
        size_t part = in_page(phys, bytes - done);
        size_t got = vx_debug_write_phys(debug, phys, (const uint8_t *)buf + done, part);
        done += got;
        if (got < part)
            break;
    }
    return done;
}

/* The base that a descriptor gives; SDM 3A "Segment Descriptors". */
static bool descriptor_base(const struct vx_debug *debug, uint16_t sel, uint64_t *base)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    bool local = (sel & 4) != 0;
    uint64_t table = local ? vcpu->ldtr.base : vcpu->gdtr.base;
    uint32_t limit = local ? vcpu->ldtr.limit : vcpu->gdtr.limit;
    uint8_t raw[8];
    if ((sel & 0xFFF8u) + 7 > limit || (sel & 0xFFFC) == 0 ||
        vx_debug_read(debug, table + (sel & 0xFFF8u), raw, sizeof raw) != sizeof raw)
        return false;
    *base = raw[2] | (uint32_t)raw[3] << 8 | (uint32_t)raw[4] << 16 | (uint32_t)raw[7] << 24;
    return true;
}

bool vx_debug_linear(const struct vx_debug *debug, uint16_t sel, uint64_t off, uint64_t *lin)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    uint64_t base;
    for (unsigned i = 0; i < VX_SEG_COUNT; i++) {
        if (vcpu->seg[i].sel == sel && !vcpu->seg[i].unusable) {
            *lin = vx_lin_wrap(vcpu->seg[i].base + off);
            return true;
        }
    }
    if (vx_real_mode(vcpu) || vx_vm86(vcpu))
        base = (uint64_t)sel << 4;
    else if (!descriptor_base(debug, sel, &base))
        return false;
    *lin = vx_lin_wrap(base + off);
    return true;
}
