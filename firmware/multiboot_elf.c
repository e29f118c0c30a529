/* multiboot_elf.c - the segments of a multiboot kernel in ELF, by libelf.
 *
 * Source: System V ABI "Program Header", Multiboot Specification 0.6.96 "OS image format".
 *
 *   I1  What libelf returns is copied from the file unchecked: mb_add_piece() checks it against the file. */
#include "multiboot.h"

#ifdef VX_HAVE_LIBELF
#include <gelf.h>

static bool check_header(Elf *elf, struct mb_image *image, GElf_Ehdr *header)
{
    if (elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, header) == NULL)
        return mb_refuse(image, "it is no valid ELF file, and its header gives no load address");
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_machine == EM_X86_64)
        return mb_refuse(image, "it is a 64-bit ELF file; multiboot kernels are entered in 32-bit mode");
    if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_386)
        return mb_refuse(image, "it is an ELF file for another processor (machine %u)", header->e_machine);
    if (header->e_type != ET_EXEC)
        return mb_refuse(image, "it is an ELF file of type %u, not an executable", header->e_type);
    return true;
}

/* The entry is linked with virtual addresses, the kernel is entered without paging. */
static void move_entry(const GElf_Phdr *segment, uint64_t entry, struct mb_image *image)
{
    if (entry >= segment->p_vaddr && entry - segment->p_vaddr < segment->p_memsz)
        image->entry = (uint32_t)(entry - segment->p_vaddr + segment->p_paddr);
}

static bool read_segments(Elf *elf, size_t bytes, struct mb_image *image)
{
    GElf_Ehdr header;
    size_t count;
    if (!check_header(elf, image, &header))
        return false;
    if (elf_getphdrnum(elf, &count) != 0)
        return mb_refuse(image, "its program headers lie outside of the file");
    image->entry = (uint32_t)header.e_entry;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) == NULL)
            return mb_refuse(image, "its program headers lie outside of the file");
        if (segment.p_type != PT_LOAD)
            continue;
        if (!mb_add_piece(image, bytes, segment.p_offset, segment.p_filesz, segment.p_paddr, segment.p_memsz))
            return false;
        move_entry(&segment, header.e_entry, image);
    }
    return true;
}

bool mb_read_elf(const uint8_t *kernel, size_t bytes, struct mb_image *image)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)kernel, bytes); /* opened for reading: libelf does not write to it */
    if (elf == NULL)
        return mb_refuse(image, "it is no valid ELF file, and its header gives no load address");
    bool ok = read_segments(elf, bytes, image);
    elf_end(elf);
    return ok;
}

#else

bool mb_read_elf(const uint8_t *kernel, size_t bytes, struct mb_image *image)
{
    (void)kernel, (void)bytes;
    return mb_refuse(image, "its header gives no load address, and this vx86 was built without libelf");
}

#endif
