/* formats.c - images are asked what they are: every format by its magic bytes, floppies by their size, which boot from
 * A:, CDs and hybrids; no output is an image or another output; block devices that are in use.
 *
 * Usage: formats VX86 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guests.h"

enum { IMAGE_BYTES = 65536, ISO_VOLUME = 0x8000 };

static const struct {
    const char *name, *mark;
    size_t off, bytes;
    const char *err; /* pattern */
} formats[] = {
    { "x.qcow2", "QFI\xFB\0\0\0\3", 0, 8, "x\\.qcow2: is a qcow2 image whose clusters have an impossible size" },
    { "x.qed", "QED\0", 0, 4, "a QED image, .*qemu-img convert" },
    { "sparse.vmdk", "KDMV\1\0\0\0", 0, 8, "a VMDK image, .*qemu-img convert" },
    { "esx.vmdk", "COWD\1\0\0\0", 0, 8, "a VMDK image, .*qemu-img convert" },
    { "text.vmdk", "# Disk DescriptorFile\nversion=1\n", 0, 32, "a VMDK description, .*qemu-img convert" },
    { "x.vdi", "\x7F\x10\xDA\xBE", 0x40, 4, "a VDI image, .*qemu-img convert" },
    { "dynamic.vhd", "conectix\0\0\0\2", 0, 12, "a VHD image, .*qemu-img convert" },
    { "fixed.vhd", "conectix\0\0\0\2", IMAGE_BYTES - 512, 12, "a VHD image, .*qemu-img convert" },
    { "x.vhdx", "vhdxfile", 0, 8, "a VHDX image, .*qemu-img convert" },
    { "old.hdd", "WithoutFreeSpace", 0, 16, "a Parallels image, .*qemu-img convert" },
    { "new.hdd", "WithouFreSpacExt", 0, 16, "a Parallels image, .*qemu-img convert" },
    { "x.gz", "\x1F\x8B\x08\0", 0, 4, "compressed by gzip, .*gzip -dc x\\.gz > disk\\.img" },
    { "x.bz2", "BZh91AY&SY", 0, 10, "compressed by bzip2, .*bzip2 -dc" },
    { "x.xz",
      "\xFD"
      "7zXZ\0",
      0, 6, "compressed by xz, .*xz -dc" },
    { "x.zst", "\x28\xB5\x2F\xFD", 0, 4, "compressed by zstd, .*zstd -dc" },
    { "x.lz4", "\x04\x22\x4D\x18", 0, 4, "compressed by lz4, .*lz4 -dc" },
    { "x.zip", "PK\3\4", 0, 4, "a zip archive, .*unzip x\\.zip" },
    { "x.7z", "7z\xBC\xAF\x27\x1C", 0, 6, "a 7z archive, .*7z x x\\.7z" },
};

static void refused(struct run *run, const char *args, const char *pattern)
{
    static struct run_result result;
    run_once(run, args, &result);
    run_check(run, result.status == 1 && !result.killed && run_lines(result.err) == 1, args, &result,
              "one line and status 1");
    run_check(run, run_matches(result.err, pattern), args, &result, pattern);
}

/* Boots, and says one line more than the start line. */
static void mentioned(struct run *run, const char *args, const char *pattern)
{
    static struct run_result result;
    run_once(run, args, &result);
    run_check(run, result.status == 0 && run_lines(result.err) == 2, args, &result, "it should boot");
    run_check(run, run_matches(result.err, pattern), args, &result, pattern);
}

static void by_magic(struct run *run)
{
    static uint8_t image[IMAGE_BYTES];
    static struct run_result result;
    char args[128];
    for (size_t i = 0; i < RUN_ARRAY_LEN(formats); i++) {
        memset(image, 0, sizeof image);
        memcpy(image + formats[i].off, formats[i].mark, formats[i].bytes);
        run_file(run, formats[i].name, image, sizeof image);
        refused(run, formats[i].name, formats[i].err);
        snprintf(args, sizeof args, "--cdrom %s", formats[i].name);
        refused(run, args, formats[i].err);
        snprintf(args, sizeof args, "--snapshot off.img --disk %s", formats[i].name);
        refused(run, args, formats[i].err);
        snprintf(args, sizeof args, "--disk-format raw off.img --disk %s", formats[i].name);
        run_once(run, args, &result);
        run_check(run, result.status == 0, args, &result, "--disk-format raw should insist");
        unlink(formats[i].name);
    }
    run_file(run, "short.gz", "\x1F\x8B\x08", 3); /* shorter than a sector */
    refused(run, "short.gz", "compressed by gzip");
}

static void floppies(struct run *run)
{
    static const size_t sizes[] = {
        163840, 184320, 327680, 368640, 655360, 737280, 1228800, 1474560, 1720320, 2949120
    };
    static const char in_a[] = "floppy\\.img: is an image of a floppy disk, so it is in A:",
                      both[] = "--snapshot --disk-format raw --floppy floppy.img --floppy-b floppy.img --boot floppy";
    static struct run_result result;
    static const uint8_t off[] = { 0xBA, 0x04, 0x06, 0xB8, 0, 0x20, 0xEF, 0xF4 };
    for (size_t i = 0; i < RUN_ARRAY_LEN(sizes); i++) {
        run_boot_disk(run, "floppy.img", off, sizeof off, sizes[i]);
        mentioned(run, "floppy.img", in_a); /* and boots from there: it powers the machine off */
        mentioned(run, "--disk floppy.img", "has the size of a floppy disk \\([0-9.]+[KM]\\), but is a hard disk");
    }
    run_once(run, both, &result);
    run_check(run, result.status == 0 && run_matches(result.err, "floppy A: floppy\\.img .*floppy B: floppy\\.img"),
              both, &result, "two drives");
    chmod("floppy.img", 0444);
    run_once(run, "--floppy floppy.img", &result);
    run_check(run, result.status == 0 && run_matches(result.err, "floppy A: floppy\\.img \\(.*, write-protected\\)"),
              "--floppy floppy.img", &result, "a file that nobody may write is a write-protected disk");
    run_boot_disk(run, "short.img", off, sizeof off, 7 * 512);
    run_once(run, "--floppy short.img --floppy-speed real", &result);
    run_check(run, result.status == 0, "--floppy short.img", &result, "an image without the disk's last sectors");
    run_boot_disk(run, "large.img", off, sizeof off, 4 << 20);
    refused(run, "--floppy large.img", "large\\.img: is no floppy disk");
    unlink("short.img");
    unlink("large.img");
    run_once(run, "off.img", &result);
    run_check(run, run_lines(result.err) == 1, "off.img", &result, "other sizes are not mentioned");
}

/* The same boot code for a disk and, by El Torito, for a CD: powers off. */
static void make_iso(struct run *run, const char *name, bool hybrid)
{
    static uint8_t image[IMAGE_BYTES];
    static const uint8_t off[] = { 0xBA, 0x04, 0x06, 0xB8, 0, 0x20, 0xEF, 0xF4 };
    uint8_t *volume = image + ISO_VOLUME, *boot = volume + 2048, *end = boot + 2048, *catalog = end + 2048;
    memset(image, 0, sizeof image);
    memcpy(volume, "\1CD001\1", 7);
    volume[80] = IMAGE_BYTES / 2048;
    volume[129] = 0x08;
    memcpy(boot, "\0CD001\1EL TORITO SPECIFICATION", 30);
    boot[71] = 19;
    memcpy(end,
           "\xFF"
           "CD001\1",
           7);
    memcpy(catalog, "\1", 1);
    memcpy(catalog + 28, "\xAA\x55\x55\xAA", 4);
    catalog[32] = 0x88;
    catalog[38] = 4;
    catalog[40] = 20;
    memcpy(image + 20 * 2048, off, sizeof off);
    if (hybrid) {
        memcpy(image, off, sizeof off);
        memcpy(image + 446, "\x80\0\0\0\x17\0\0\0\1\0\0\0\x40\0\0\0", 16);
        memcpy(image + 510, "\x55\xAA", 2);
    }
    run_file(run, name, image, sizeof image);
}

static void discs(struct run *run)
{
    static struct run_result result;
    make_iso(run, "plain.iso", false);
    make_iso(run, "hybrid.iso", true);
    mentioned(run, "plain.iso", "plain\\.iso: is an ISO image, so it is in the CD-ROM drive\n.*cdrom plain\\.iso");
    mentioned(run, "hybrid.iso", "hybrid\\.iso: is an image for disks and CDs; it is a hard disk, .*disk hybrid\\.iso");
    run_once(run, "--cdrom hybrid.iso", &result);
    run_check(run, result.status == 0 && run_matches(result.err, "cdrom hybrid"), "--cdrom hybrid.iso", &result,
              "a hybrid should boot as a CD");
    run_once(run, "--boot cdrom plain.iso --disk blank.img", &result);
    run_check(run, result.status == 0 && run_matches(result.err, "disk blank.*cdrom plain"), "plain.iso", &result,
              "a CD and a disk");
    run_once(run, "--disk-format raw plain.iso", &result);
    run_check(run, result.status == 3 && run_matches(result.err, "disk plain"), "--disk-format raw plain.iso", &result,
              "raw should insist on a disk");
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static void to_image(void *opaque)
{
    int fd = open(opaque, O_WRONLY | O_APPEND);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(126);
}

static void outputs(struct run *run)
{
    static const struct {
        const char *args, *err;
    } rows[] = {
        { "--serial file:off.img off.img", "--serial: off\\.img: is in use as disk image; name another" },
        { "--serial file:hard off.img", "--serial: hard: is in use as disk image" },
        { "--serial file:soft off.img", "--serial: soft: is in use as disk image" },
        { "--snapshot --serial file:soft off.img", "--serial: soft: is in use as disk image" },
        { "--serial file:soft --cdrom off.img", "--serial: soft: is in use as CD-ROM image" },
        { "--audio wav=hard off.img", "--audio: hard: is in use as disk image; name another" },
        { "--stats-file hard off.img", "--stats-file: hard: is in use as disk image; name another" },
        { "--stats-file line --serial file:line off.img", "--serial: line: is in use as --stats-file" },
        { "--stats-file line --serial file:./line off.img", "--serial: \\./line: is in use as --stats-file" },
        { "--bios bios --serial file:bios off.img", "--serial: bios: is in use as --bios" },
        { "off.img --disk hard", "hard: in use as disk image already; name another" },
        { "off.img --cdrom soft", "soft: in use as disk image already" },
    };
    static struct run_result result;
    static uint8_t bios[65536];
    if (link("off.img", "hard") != 0 || symlink("off.img", "soft") != 0)
        run->failures++;
    run_file(run, "bios", bios, sizeof bios);
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++)
        refused(run, rows[i].args, rows[i].err);
    run_finish(run, run_start_in(run, "off.img", 1, to_image, "hard"), 1, &result);
    run_check(run, result.status == 1 && run_matches(result.err, "off\\.img: in use as standard output already"),
              "off.img >>hard", &result, "standard output into the image");
    struct stat st;
    run_check(run, stat("off.img", &st) == 0 && st.st_size == 65536 && stat("bios", &st) == 0 && st.st_size == 65536,
              "", &result, "what is refused should be left as it is");
    run_once(run, "--debug-script saves --snapshot idle.img", &result);
    run_check(run, result.status == 1 && run_matches(result.out, "saves:1: .*idle\\.img: is in use as disk image"),
              "--debug-script saves", &result, "the debugger should not save into the image");
}

/* ---- block devices ----------------------------------------------------------------------------------------------- */

/* Where a loop device can be had and mounted: in most places not. */
static void devices(struct run *run)
{
    static char name[128] = "/dev/", args[256];
    if (geteuid() != 0 || access("/dev/loop-control", R_OK) != 0 ||
        system(
            "truncate -s 4M fs.img && mke2fs -q fs.img 2>/dev/null && mkdir -p mnt && losetup -f --show fs.img >loop "
            "2>/dev/null && mount $(cat loop) mnt 2>/dev/null") != 0)
        return;
    FILE *file = fopen("loop", "r");
    if (file != NULL && fgets(name, sizeof name, file) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        refused(run, name, "in use by the host, mounted perhaps");
        snprintf(args, sizeof args, "--snapshot %s", name);
        refused(run, args, "in use by the host, mounted perhaps");
    }
    if (file != NULL)
        fclose(file);
    static struct run_result result;
    if (system("umount mnt") != 0)
        run->failures++;
    run_once(run, name, &result);
    run_check(run, result.status == 3, name, &result, "one that is not mounted should be taken");
    if (system("losetup -d $(cat loop)") != 0)
        run->failures++;
}

int main(int argc, char **argv)
{
    static const char saves[] = "save idle.img 0 0xfff\n";
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: formats VX86\n"), 1;
    run_init(&run, argv[1]);
    guests_make(&run);
    run_file(&run, "saves", saves, sizeof saves - 1);
    by_magic(&run);
    floppies(&run);
    discs(&run);
    outputs(&run);
    devices(&run);
    return run_fini(&run);
}
