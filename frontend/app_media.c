/* app_media.c - opens what the options name, in the order in which a user would look for mistakes: combination,
 * firmware, kernel, drives. */
#include "app_media.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "block.h"
#include "vx86/firmware.h"
#include "vx86/host.h"

#define MAX_KERNEL_BYTES (1ull << 30)
#define EMPTY            "empty" /* in place of a floppy disk */

/* ---- what is named ----------------------------------------------------------------------------------------------- */

struct drive_list {
    const char *path[VX_OPTION_REPEATS + 1];
    unsigned count;
};

struct named {
    struct drive_list disks, cdroms;
    const char *floppy[VX_MAX_FLOPPIES]; /* path or EMPTY; NULL: no drive */
    bool kernel;
};

static void append(struct drive_list *list, const struct option_value *further)
{
    for (unsigned i = 0; i < further->count; i++)
        list->path[list->count++] = further->list[i];
}

/* The image comes before the drives that options name, and is where its content belongs. */
static void list_named(const struct options *options, struct vx_log *log, struct named *named)
{
    const char *image = options->image;
    bool insists = options->value[VX_OPT_disk_format].number != 0;
    enum block_content content = image != NULL && !insists ? block_content(image) : VX_BLOCK_OTHER;
    if (content == VX_BLOCK_ISO) {
        vx_log_info(log, VX_LOG_GENERAL, "%s: is an ISO image, so it is in the CD-ROM drive", image);
        named->cdroms.path[named->cdroms.count++] = image;
    } else if (content == VX_BLOCK_FLOPPY_SIZED && !options->value[VX_OPT_floppy].given) {
        vx_log_info(log, VX_LOG_GENERAL,
                    "%s: is an image of a floppy disk, so it is in A:; --disk makes it a hard disk", image);
        named->floppy[0] = image;
    } else if (image != NULL) {
        named->disks.path[named->disks.count++] = image;
    }
    if (content == VX_BLOCK_HYBRID)
        vx_log_info(log, VX_LOG_GENERAL, "%s: is an image for disks and CDs; it is a hard disk, --cdrom makes it a CD",
                    image);
    append(&named->disks, &options->value[VX_OPT_disk]);
    append(&named->cdroms, &options->value[VX_OPT_cdrom]);
    if (options->value[VX_OPT_floppy].given)
        named->floppy[0] = options->value[VX_OPT_floppy].text;
    named->floppy[1] = options->value[VX_OPT_floppy_b].text;
    named->kernel = options->value[VX_OPT_kernel].given;
}

static bool has_floppy_disk(const struct named *named)
{
    for (unsigned i = 0; i < VX_MAX_FLOPPIES; i++)
        if (named->floppy[i] != NULL && strcmp(named->floppy[i], EMPTY) != 0)
            return true;
    return false;
}

/* Only CD-ROMs, floppies or a kernel: the default system is for those who name nothing at all. */
static bool goes_without_disk(const struct named *named)
{
    return named->disks.count == 0 && (named->cdroms.count != 0 || named->kernel || has_floppy_disk(named));
}

static vx_err check_combination(const struct options *options, struct vx_log *log, const struct named *named)
{
    const struct option_value *value = options->value;
    const char *problem = NULL;
    if (value[VX_OPT_initrd].given && !named->kernel)
        problem = "--initrd is for direct boots; name the kernel with --kernel FILE";
    else if (value[VX_OPT_append].given && !named->kernel)
        problem = "--append is for direct boots; name the kernel with --kernel FILE";
    else if (value[VX_OPT_boot].given && value[VX_OPT_boot].number == 1 && named->cdroms.count == 0)
        problem = "--boot cdrom: there is no CD-ROM; name one with --cdrom FILE";
    else if (value[VX_OPT_boot].given && value[VX_OPT_boot].number == 2 && named->floppy[0] == NULL)
        problem = "--boot floppy: there is no drive A:; name a disk with --floppy FILE";
    else if (value[VX_OPT_boot].given && value[VX_OPT_boot].number == 0 && goes_without_disk(named))
        problem = "--boot disk: there is no disk; name a disk image";
    if (problem == NULL)
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_GENERAL, "%s", problem);
    return VX_ERR_BAD_ARGUMENT;
}

/* ---- the default system ------------------------------------------------------------------------------------------ */

/* <directory of the program>/../guest/default.img: where tools/run puts it beside build/release/vx86. */
static bool default_beside_program(char *path, size_t room)
{
    static const char tail[] = "/../guest/default.img";
    if (!vx_host_program_path(path, room))
        return false;
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + sizeof tail > room)
        return false;
    memcpy(slash, tail, sizeof tail);
    return true;
}

vx_err app_default_disk(struct vx_log *log, char *path, size_t room)
{
    const char *named = getenv("VX86_DEFAULT_DISK");
    if (named != NULL && named[0] != '\0' && strlen(named) < room) {
        strcpy(path, named);
        return VX_ERR_OK; /* what is wrong with it, block.h says */
    }
    struct stat st;
    if (default_beside_program(path, room) && stat(path, &st) == 0)
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_GENERAL,
                 "no disk is named and there is no default system: name a disk image, or let tools/run make one");
    return VX_ERR_NOT_FOUND;
}

/* ---- drives ------------------------------------------------------------------------------------------------------ */

static const unsigned cdrom_order[VX_MAX_IDE] = { 2, 3, 1, 0 };

bool app_place_drives(unsigned disks, unsigned cdroms, struct app_places *places)
{
    if (disks > VX_MAX_IDE || cdroms > VX_MAX_IDE - disks)
        return false;
    for (unsigned i = 0; i < VX_MAX_IDE; i++)
        places->disk[i] = places->cdrom[i] = -1;
    for (unsigned i = 0; i < cdroms; i++)
        places->cdrom[cdrom_order[i]] = (int)i;
    for (unsigned i = 0, position = 0; i < disks; position++)
        if (places->cdrom[position] < 0)
            places->disk[position] = (int)i++;
    return true;
}

/* The default system when nothing at all is named. */
static vx_err add_default(struct vx_log *log, struct app_media *media, struct named *named)
{
    if (named->disks.count != 0 || goes_without_disk(named))
        return VX_ERR_OK;
    VX_TRY(app_default_disk(log, media->default_disk, sizeof media->default_disk));
    named->disks.path[named->disks.count++] = media->default_disk;
    return VX_ERR_OK;
}

static vx_err open_drives(struct app_media *media, const struct named *named)
{
    struct app_places places;
    if (!app_place_drives(named->disks.count, named->cdroms.count, &places)) {
        vx_log_error(media->log, VX_LOG_GENERAL, "%u drives are too many: the IDE controller has room for %d",
                     named->disks.count + named->cdroms.count, VX_MAX_IDE);
        return VX_ERR_BAD_ARGUMENT;
    }
    struct block_config config = {
        .log = media->log, .loop = media->loop, .files = media->files, .snapshot = media->snapshot, .raw = media->raw
    };
    for (unsigned i = 0; i < VX_MAX_IDE; i++) {
        if (places.disk[i] >= 0) {
            config.kind = VX_BLOCK_DISK;
            config.path = named->disks.path[places.disk[i]];
            VX_TRY(block_open(&config, &media->disk[i]));
        } else if (places.cdrom[i] >= 0) {
            config.kind = VX_BLOCK_CDROM;
            config.path = named->cdroms.path[places.cdrom[i]];
            VX_TRY(block_open(&config, &media->cdrom[i]));
        }
    }
    return VX_ERR_OK;
}

static vx_err open_floppy(const struct app_media *media, const char *path, struct vx_block **out)
{
    return block_open(&(struct block_config){ .log = media->log,
                                              .loop = media->loop,
                                              .path = path,
                                              .kind = VX_BLOCK_FLOPPY,
                                              .files = media->files,
                                              .raw = media->raw,
                                              .snapshot = media->snapshot },
                      out);
}

static vx_err open_floppies(struct app_media *media, const struct named *named)
{
    for (unsigned i = 0; i < VX_MAX_FLOPPIES; i++) {
        media->floppy[i].present = named->floppy[i] != NULL;
        if (media->floppy[i].present && strcmp(named->floppy[i], EMPTY) != 0)
            VX_TRY(open_floppy(media, named->floppy[i], &media->floppy[i].disk));
    }
    return VX_ERR_OK;
}

vx_err app_media_change_floppy(struct app_media *media, struct vx_machine *machine, unsigned drive, const char *path)
{
    struct vx_block *disk = NULL;
    VX_ASSERT(drive < VX_MAX_FLOPPIES);
    if (path != NULL)
        VX_TRY(open_floppy(media, path, &disk));
    vx_err err = vx_machine_change_floppy(machine, drive, disk);
    if (err != VX_ERR_OK) {
        block_close(disk);
        return err;
    }
    block_close(media->floppy[drive].disk);
    media->floppy[drive].disk = disk;
    return VX_ERR_OK;
}

/* ---- kernel ------------------------------------------------------------------------------------------------------ */

static vx_err read_kernel(const struct options *options, const struct image_reader *reader, struct app_media *media)
{
    const char *kernel = options->value[VX_OPT_kernel].text, *initrd = options->value[VX_OPT_initrd].text;
    uint64_t memory = options->value[VX_OPT_memory].number;
    if (kernel == NULL)
        return VX_ERR_OK;
    VX_TRY(image_read(reader, "--kernel", kernel, MAX_KERNEL_BYTES, "the most a kernel can have", &media->kernel));
    enum vx_kernel_kind kind = vx_fw_kernel_kind(media->kernel.data, media->kernel.bytes);
    if (kind == VX_KERNEL_NONE) {
        vx_log_error(
            reader->log, VX_LOG_GENERAL,
            "--kernel: %s: is neither a Linux kernel in bzImage format nor a multiboot kernel; name a vmlinuz, "
            "bzImage or multiboot file",
            kernel);
        return VX_ERR_BAD_FORMAT;
    }
    if (initrd == NULL)
        return VX_ERR_OK;
    if (kind == VX_KERNEL_MULTIBOOT)
        return app_modules_read(reader, initrd, memory, &media->modules);
    return image_read(reader, "--initrd", initrd, memory, "the guest's memory; give it more with --memory",
                      &media->initrd);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static vx_err open_all(const struct options *options, struct vx_log *log, struct app_media *media)
{
    struct image_reader reader = { .log = log, .files = media->files };
    struct named named = { .kernel = false };
    list_named(options, log, &named);
    VX_TRY(check_combination(options, log, &named));
    VX_TRY(firmware_load(&reader, options->value[VX_OPT_bios].text, options->value[VX_OPT_vga_bios].text,
                         &media->firmware));
    VX_TRY(read_kernel(options, &reader, media));
    VX_TRY(add_default(log, media, &named));
    VX_TRY(open_floppies(media, &named));
    return open_drives(media, &named);
}

vx_err app_media_open(const struct options *options, struct vx_log *log, struct vx_loop *loop, struct vx_files *files,
                      struct app_media *media)
{
    *media = (struct app_media){ .files = files,
                                 .log = log,
                                 .loop = loop,
                                 .snapshot = options->value[VX_OPT_snapshot].given,
                                 .raw = options->value[VX_OPT_disk_format].number != 0 };
    vx_err err = open_all(options, log, media);
    if (err != VX_ERR_OK)
        app_media_close(media);
    return err;
}

void app_media_drop_kernel(struct app_media *media)
{
    image_free(&media->kernel);
    image_free(&media->initrd);
    app_modules_free(&media->modules);
}

void app_media_close(struct app_media *media)
{
    for (unsigned i = 0; i < VX_MAX_IDE; i++) {
        block_close(media->disk[i]);
        block_close(media->cdrom[i]);
    }
    for (unsigned i = 0; i < VX_MAX_FLOPPIES; i++)
        block_close(media->floppy[i].disk);
    app_media_drop_kernel(media);
    firmware_free(&media->firmware);
    memset(media, 0, sizeof *media);
}

void app_media_configure(const struct app_media *media, const struct options *options, struct vx_machine_config *config)
{
    static const enum vx_boot boots[] = { VX_BOOT_DISK, VX_BOOT_CDROM, VX_BOOT_FLOPPY }; /* as options.def has them */
    const struct option_value *boot = &options->value[VX_OPT_boot];
    for (unsigned i = 0; i < VX_MAX_IDE; i++) {
        config->disk[i] = media->disk[i];
        config->cdrom[i] = media->cdrom[i];
    }
    for (unsigned i = 0; i < VX_MAX_FLOPPIES; i++) {
        config->floppy[i].present = media->floppy[i].present;
        config->floppy[i].disk = media->floppy[i].disk;
    }
    config->floppy_real_speed = options->value[VX_OPT_floppy_speed].number != 0;
    config->boot = boot->given ? boots[boot->number] : VX_BOOT_DEFAULT;
    config->bios = media->firmware.bios;
    config->bios_bytes = media->firmware.bios_bytes;
    config->vga_bios = media->firmware.vga_bios;
    config->vga_bios_bytes = media->firmware.vga_bios_bytes;
    config->kernel = media->kernel.data;
    config->kernel_bytes = media->kernel.bytes;
    config->kernel_name = options->value[VX_OPT_kernel].text;
    bool modules = media->modules.count != 0;
    config->initrd = modules ? media->modules.data.data : media->initrd.data;
    config->initrd_bytes = modules ? media->modules.data.bytes : media->initrd.bytes;
    config->modules = media->modules.list;
    config->module_count = media->modules.count;
    config->append = options->value[VX_OPT_append].text;
}

/* ---- the start line ---------------------------------------------------------------------------------------------- */

struct line {
    char *text;
    size_t room, used;
};

VX_PRINTF(2, 3) static void add(struct line *line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(line->text + line->used, line->room - line->used, fmt, args);
    va_end(args);
    size_t left = line->room - line->used - 1;
    line->used += length < 0 ? 0 : (size_t)length < left ? (size_t)length : left;
}

static void add_drive(struct line *line, const char *kind, const struct vx_block *block, const char *note)
{
    char size[24];
    option_format_size(block->bytes, size, sizeof size);
    add(line, "%s %s (%s%s), ", kind, block->name, size, note);
}

void app_media_describe(const struct app_media *media, const struct options *options, char *text, size_t room)
{
    struct line line = { .text = text, .room = room };
    const char *note = options->value[VX_OPT_snapshot].given ? ", snapshot" : "";
    text[0] = '\0';
    for (unsigned i = 0; i < VX_MAX_IDE; i++)
        if (media->disk[i] != NULL)
            add_drive(&line, "disk", media->disk[i], note);
    for (unsigned i = 0; i < VX_MAX_IDE; i++)
        if (media->cdrom[i] != NULL)
            add_drive(&line, "cdrom", media->cdrom[i], "");
    for (unsigned i = 0; i < VX_MAX_FLOPPIES; i++)
        if (media->floppy[i].disk != NULL)
            add_drive(&line, i == 0 ? "floppy A:" : "floppy B:", media->floppy[i].disk,
                      media->floppy[i].disk->read_only ? ", write-protected" : note);
    if (options->value[VX_OPT_kernel].given)
        add(&line, "kernel %s, ", options->value[VX_OPT_kernel].text);
    add(&line, "firmware %s", media->firmware.origin);
}
