/* disk.c - the laboratory's disk: boot sector, command line, kernel; boot.S has the layout. */
#include <string.h>

#include "workloads.h"

enum { SECTOR = 512, COMMAND_LINE_AT = SECTOR, KERNEL_AT = 2 * SECTOR, KERNEL_MOST = 126 * SECTOR };

extern const uint8_t lab_boot_image[], lab_boot_image_end[], lab_kernel_image[], lab_kernel_image_end[];

static size_t kernel_bytes(void)
{
    return (size_t)(lab_kernel_image_end - lab_kernel_image);
}

bool lab_has_disk(void)
{
    return kernel_bytes() != 0 && (size_t)(lab_boot_image_end - lab_boot_image) == SECTOR;
}

void lab_disk(const char *command_line, uint8_t image[VX_LAB_DISK_BYTES])
{
    VX_ASSERT(lab_has_disk() && kernel_bytes() <= KERNEL_MOST && strlen(command_line) < SECTOR);
    memset(image, 0, VX_LAB_DISK_BYTES);
    memcpy(image, lab_boot_image, SECTOR);
    strcpy((char *)image + COMMAND_LINE_AT, command_line);
    memcpy(image + KERNEL_AT, lab_kernel_image, kernel_bytes());
}
