/* multiboot_elf.c - the segments of a multiboot kernel in ELF.
 *
 * Source: System V ABI "Program Header", Multiboot Specification 0.6.96 "OS image format".
 *
 *   I1  What a segment's header says is copied from the file unchecked: mb_add_piece() checks it against the file. */
#include <string.h>

#include "multiboot.h"
#include "vx86/elf.h"

static bool copy(void *kernel, uint64_t off, void *to, size_t bytes)
{
    memcpy(to, (const uint8_t *)kernel + off, bytes);
    return true;
}

static bool check_header(const struct vx_elf *elf, struct mb_image *image)
{
    if (elf->is_64 || elf->machine == VX_ELF_X86_64)
        return mb_refuse(image, "it is a 64-bit ELF file; multiboot kernels are entered in 32-bit mode");
    if (elf->big_endian || elf->machine != VX_ELF_386)
        return mb_refuse(image, "it is an ELF file for another processor (machine %u)", elf->machine);
    if (elf->type != VX_ELF_EXECUTABLE)
        return mb_refuse(image, "it is an ELF file of type %u, not an executable", elf->type);
    return true;
}

/* The entry is linked with virtual addresses, the kernel is entered without paging. */
static void move_entry(const struct vx_elf_segment *segment, uint64_t entry, struct mb_image *image)
{
    if (entry >= segment->virt && entry - segment->virt < segment->memory_bytes)
        image->entry = (uint32_t)(entry - segment->virt + segment->phys);
}

bool mb_read_elf(const uint8_t *kernel, size_t bytes, struct mb_image *image)
{
    struct vx_elf elf;
    if (!vx_elf_open(&elf, bytes, copy, (void *)(uintptr_t)kernel)) /* copy() does not write to it */
        return mb_refuse(image, "it is no valid ELF file, and its header gives no load address");
    if (!check_header(&elf, image))
        return false;
    image->entry = (uint32_t)elf.entry;
    for (uint64_t i = 0; i < elf.segments.count; i++) {
        struct vx_elf_segment segment;
        if (!vx_elf_segment(&elf, i, &segment))
            return mb_refuse(image, "its program headers lie outside of the file");
        if (segment.type != VX_ELF_LOAD)
            continue;
        if (!mb_add_piece(image, bytes, segment.off, segment.file_bytes, segment.phys, segment.memory_bytes))
            return false;
        move_entry(&segment, elf.entry, image);
    }
    return true;
}
