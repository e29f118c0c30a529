/* block_format.c - asks a file what it is, by its first bytes and its last ones, never by its name.
 *
 * What is recognised and cannot be read is refused with the command that makes a raw image out of it, because a guest
 * that was given a container as its disk would destroy it. A guest can write any of these marks into its own disk; all
 * that comes of it is that the next start wants --disk-format raw. A qcow2 image names other files, though, so its
 * mark is not written into an image that is raw only by its looks (block_looks_stacked()). */
#include "block_medium.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOKED_AT = 0x8800, /* boot sector to the end of a CD's primary volume descriptor */
    ISO_VOLUME = 0x8000,
    VHD_FOOTER_BYTES = 512,
};

#define BY_QEMU_IMG "convert it: qemu-img convert -O raw %s disk.img"

static const uint8_t qcow2_mark[4] = { 'Q', 'F', 'I', 0xFB };

static const struct {
    const char *name;
    size_t off, bytes;
    const char *mark, *remedy; /* %s: the path */
} foreign[] = {
    { "a QED image", 0, 4, "QED", BY_QEMU_IMG },
    { "a VMDK image", 0, 4, "KDMV", BY_QEMU_IMG },
    { "a VMDK image", 0, 4, "COWD", BY_QEMU_IMG },
    { "a VMDK description", 0, 21, "# Disk DescriptorFile", BY_QEMU_IMG },
    { "a VDI image", 0x40, 4, "\x7F\x10\xDA\xBE", BY_QEMU_IMG },
    { "a VHD image", 0, 8, "conectix", BY_QEMU_IMG },
    { "a VHDX image", 0, 8, "vhdxfile", BY_QEMU_IMG },
    { "a Parallels image", 0, 16, "WithoutFreeSpace", BY_QEMU_IMG },
    { "a Parallels image", 0, 16, "WithouFreSpacExt", BY_QEMU_IMG },
    { "compressed by gzip", 0, 3, "\x1F\x8B\x08", "unpack it: gzip -dc %s > disk.img" },
    { "compressed by bzip2", 4, 6, "1AY&SY", "unpack it: bzip2 -dc %s > disk.img" },
    { "compressed by xz", 0, 6,
      "\xFD"
      "7zXZ",
      "unpack it: xz -dc %s > disk.img" },
    { "compressed by zstd", 0, 4, "\x28\xB5\x2F\xFD", "unpack it: zstd -dc %s > disk.img" },
    { "compressed by lz4", 0, 4, "\x04\x22\x4D\x18", "unpack it: lz4 -dc %s > disk.img" },
    { "a zip archive", 0, 4, "PK\3\4", "unpack it: unzip %s" },
    { "a 7z archive", 0, 6, "7z\xBC\xAF\x27\x1C", "unpack it: 7z x %s" },
};

static const struct {
    uint32_t bytes;
    const char *name;
} floppies[] = {
#define VX_FLOPPY(name, disk, sectors, cylinders, heads) { (sectors) * (cylinders) * (heads)*VX_SECTOR_BYTES, name },
#include "vx86/floppies.def"
};

#define FLOPPY_STANDARD_BYTES 2949120u /* the largest that every drive for it has */

struct look {
    uint8_t head[LOOKED_AT]; /* zeros behind the file's end */
    uint8_t tail[VHD_FOOTER_BYTES];
    uint64_t bytes;
};

/* Returns 0 or an errno. */
static int read_look(int fd, uint64_t bytes, struct look *look)
{
    *look = (struct look){ .bytes = bytes };
    int error = block_pread_all(fd, 0, look->head, bytes < LOOKED_AT ? (size_t)bytes : LOOKED_AT);
    if (error == 0 && bytes >= VHD_FOOTER_BYTES)
        error = block_pread_all(fd, bytes - VHD_FOOTER_BYTES, look->tail, VHD_FOOTER_BYTES);
    return error;
}

/* Index into foreign[], -1 for none. */
static int find_foreign(const struct look *look)
{
    static const char vhd[] = "conectix"; /* one of fixed size has it behind the disk's sectors only */
    for (size_t i = 0; i < VX_ARRAY_LEN(foreign); i++) {
        bool vhd_tail = strcmp(foreign[i].mark, vhd) == 0 && memcmp(look->tail, vhd, sizeof vhd - 1) == 0;
        if (vhd_tail || memcmp(look->head + foreign[i].off, foreign[i].mark, foreign[i].bytes) == 0)
            return (int)i;
    }
    return -1;
}

static bool is_iso(const struct look *look)
{
    return look->bytes >= LOOKED_AT && memcmp(look->head + ISO_VOLUME, "\1CD001", 6) == 0;
}

/* "1.44M"; NULL: floppy disks have other sizes. */
static const char *floppy_name(uint64_t bytes)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(floppies); i++)
        if (bytes == floppies[i].bytes)
            return floppies[i].name;
    return NULL;
}

/* A shorter image lacks a disk's last sectors. */
vx_err block_check_floppy(const struct block_config *config, uint64_t bytes)
{
    if (bytes <= FLOPPY_STANDARD_BYTES || floppy_name(bytes) != NULL)
        return VX_ERR_OK;
    vx_log_error(config->log, VX_LOG_GENERAL,
                 "%s: is no floppy disk: it has %" PRIu64 " bytes; name an image of one, which has %u at most, or use "
                 "--disk",
                 config->path, bytes, FLOPPY_STANDARD_BYTES);
    return VX_ERR_BAD_FORMAT;
}

/* One line for what is as well something else. */
static void mention(const struct block_config *config, uint64_t bytes)
{
    const char *name = floppy_name(bytes);
    if (name != NULL && config->kind == VX_BLOCK_DISK && !config->backing)
        vx_log_info(
            config->log, VX_LOG_GENERAL,
            "%s: has the size of a floppy disk (%s), but is a hard disk; --floppy puts it into A:", config->path, name);
}

bool block_looks_stacked(const uint8_t *sector)
{
    return memcmp(sector, qcow2_mark, sizeof qcow2_mark) == 0;
}

vx_err block_ask_format(const struct block_config *config, int fd, uint64_t bytes, enum block_format *format)
{
    *format = BLOCK_RAW;
    struct look look;
    char remedy[512];
    if (config->raw)
        return VX_ERR_OK;
    int error = read_look(fd, bytes, &look);
    if (error != 0) {
        vx_log_error(config->log, VX_LOG_GENERAL, "%s: cannot be read: %s; %s", config->path, strerror(error),
                     vx_err_remedy(error, "copy it again"));
        return VX_ERR_IO;
    }
    if (block_looks_stacked(look.head)) {
        *format = BLOCK_QCOW2;
        return VX_ERR_OK;
    }
    int index = find_foreign(&look);
    if (index < 0) {
        mention(config, bytes);
        return VX_ERR_OK;
    }
    snprintf(remedy, sizeof remedy, foreign[index].remedy, config->path);
    vx_log_error(config->log, VX_LOG_GENERAL,
                 "%s: is %s, which vx86 cannot read; %s; --disk-format raw takes it as it is", config->path,
                 foreign[index].name, remedy);
    return VX_ERR_BAD_FORMAT;
}

enum block_content block_content(const char *path)
{
    struct look look;
    struct stat st;
    enum block_content content = VX_BLOCK_OTHER;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return content;
    off_t end = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) ? lseek(fd, 0, SEEK_END) : 0;
    if (end >= LOOKED_AT && read_look(fd, (uint64_t)end, &look) == 0 && is_iso(&look))
        content = block_has_partitions(look.head) ? VX_BLOCK_HYBRID : VX_BLOCK_ISO;
    else if (end > 0 && floppy_name((uint64_t)end) != NULL && read_look(fd, (uint64_t)end, &look) == 0 &&
             find_foreign(&look) < 0 && !block_looks_stacked(look.head) && !block_has_partitions(look.head))
        content = VX_BLOCK_FLOPPY_SIZED;
    close(fd);
    return content;
}
