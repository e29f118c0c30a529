/* Parts of the program below its command line: places of drives, port 402h, files as images, BIOS checks. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app_debugcon.h"
#include "app_engine.h"
#include "app_media.h"

struct captured {
    char *text;
    size_t bytes;
    FILE *file;
    struct vx_log *log;
};

static void capture(struct captured *captured)
{
    captured->file = open_memstream(&captured->text, &captured->bytes);
    captured->log = vx_log_create(captured->file);
}

static void release(struct captured *captured)
{
    vx_log_destroy(captured->log);
    fclose(captured->file);
    free(captured->text);
}

static unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* ---- drives ------------------------------------------------------------------------------------------------------ */

Test(app_media, places_of_drives)
{
    static const struct {
        unsigned disks, cdroms;
        const char *places; /* position by position: disk number, C and CD-ROM number, or - */
    } rows[] = {
        { 0, 0, "----" }, { 1, 0, "0---" }, { 1, 1, "0-A-" }, { 2, 1, "01A-" }, { 3, 1, "01A2" }, { 4, 0, "0123" },
        { 0, 1, "--A-" }, { 1, 2, "0-AB" }, { 1, 3, "0CAB" }, { 0, 4, "DCAB" }, { 2, 2, "01AB" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct app_places places;
        char text[VX_MAX_IDE + 1] = "";
        cr_assert(app_place_drives(rows[i].disks, rows[i].cdroms, &places));
        for (unsigned at = 0; at < VX_MAX_IDE; at++)
            text[at] = (char)(places.disk[at] >= 0    ? '0' + places.disk[at]
                              : places.cdrom[at] >= 0 ? 'A' + places.cdrom[at]
                                                      : '-');
        cr_assert_str_eq(text, rows[i].places, "row %zu: %s", i, text);
    }
    struct app_places places;
    cr_assert_not(app_place_drives(5, 0, &places));
    cr_assert_not(app_place_drives(3, 2, &places));
    cr_assert_not(app_place_drives(1, UINT32_MAX, &places));
}

/* ---- port 402h --------------------------------------------------------------------------------------------------- */

struct heard {
    unsigned nothing, gave_up;
    bool is_bios;
    uint64_t resets;
};

static bool heard_is_bios(void *opaque)
{
    return ((struct heard *)opaque)->is_bios;
}

static uint64_t heard_resets(void *opaque)
{
    return ((struct heard *)opaque)->resets;
}

static void hear_nothing(void *opaque)
{
    ((struct heard *)opaque)->nothing++;
}

static void hear_gave_up(void *opaque)
{
    ((struct heard *)opaque)->gave_up++;
}

static const struct app_debugcon_ops heard_ops = { heard_is_bios, heard_resets, hear_nothing, hear_gave_up };

static void feed(struct app_debugcon *debugcon, const char *text)
{
    debugcon->chr.ops->write(debugcon->chr.opaque, (const uint8_t *)text, strlen(text));
}

Test(app_debugcon, lines_and_the_last_word)
{
    static const struct {
        const char *text; /* R: a reset, G: from here on a guest writes, B: the BIOS again */
        unsigned nothing, gave_up;
    } rows[] = {
        { "Booting from Hard Disk...\nBoot failed: not a bootable disk\n", 0, 0 },
        { "No bootable device.\n", 1, 0 },
        { "No bootable device.  Retrying in 60 seconds.\n", 1, 0 },
        { "x No bootable device.\n", 0, 0 },
        { "No bootable device", 0, 0 }, /* the line is not over */
        { "\r\nNo bootable device.\r\n", 1, 0 },
        { "Booting from DVD/CD...\nBoot failed: Could not read from CDROM\nNo bootable device.\n", 1, 0 },
        { "Booting from 0000:7c00\nNo bootable device.\n", 0, 1 },
        { "Booting from 0000:7c00\nRNo bootable device.\n", 1, 0 },
        { "GNo bootable device.\nB\n", 0, 0 },
        { "Booting from 0000:7c00\nG\nNo bootable device.\nR", 0, 0 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct captured captured;
        struct app_debugcon debugcon;
        struct heard heard = { .is_bios = true, .resets = 1 };
        capture(&captured);
        cr_assert_eq(vx_log_set_filter(captured.log, "firmware=debug", NULL), VX_ERR_OK);
        app_debugcon_init(&debugcon, captured.log, &heard_ops, &heard);
        for (const char *at = rows[i].text; *at != '\0'; at++) {
            heard.resets += *at == 'R' && at[1] != 'e';
            heard.is_bios = (heard.is_bios || *at == 'B') && *at != 'G';
            if (*at != 'G' && (*at != 'R' || at[1] == 'e') && (*at != 'B' || at[1] == 'o'))
                feed(&debugcon, (char[]){ *at, '\0' });
        }
        cr_assert(heard.nothing == rows[i].nothing && heard.gave_up == rows[i].gave_up, "%s", rows[i].text);
        release(&captured);
    }
}

Test(app_debugcon, shown_in_the_log_and_bounded)
{
    struct captured captured;
    struct app_debugcon debugcon;
    char wide[5000];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    capture(&captured);
    app_debugcon_init(&debugcon, captured.log, NULL, NULL);
    feed(&debugcon, "quiet\n");
    fflush(captured.file);
    cr_assert_eq(captured.bytes, 0);
    cr_assert_eq(vx_log_set_filter(captured.log, "firmware=debug", NULL), VX_ERR_OK);
    feed(&debugcon, "hello \033[2J\n");
    feed(&debugcon, wide);
    feed(&debugcon, "\nend\n");
    fflush(captured.file);
    cr_assert_not_null(strstr(captured.text, "vx86: firmware: hello \\x1b[2J\n"));
    cr_assert_not_null(strstr(captured.text, "vx86: firmware: end\n"));
    release(&captured);
}

/* ---- the engine -------------------------------------------------------------------------------------------------- */

static const char lacks[] = "this processor lacks BMI2";

/* What a host that cannot translate is told, by what was asked for. */
Test(app_engine, choice)
{
    static const struct {
        const char *word;
        const char *refusal;
        vx_err err;
        enum vx_engine engine;
        const char *told; /* of what is logged; "" for nothing */
    } rows[] = {
        { NULL, NULL, VX_ERR_OK, VX_ENGINE_BT, "" },
        { NULL, lacks, VX_ERR_OK, VX_ENGINE_INTERP,
          "vx86: the translator cannot run: this processor lacks BMI2; the interpreter runs the guest" },
        { "--engine=bt", NULL, VX_ERR_OK, VX_ENGINE_BT, "" },
        { "--engine=bt", lacks, VX_ERR_OK, VX_ENGINE_BT, "" }, /* the machine says that it cannot be had */
        { "--engine=interp", lacks, VX_ERR_OK, VX_ENGINE_INTERP, "" },
        { "--lockstep", NULL, VX_ERR_OK, VX_ENGINE_BT, "" },
        { "--lockstep", lacks, VX_ERR_BAD_ARGUMENT, VX_ENGINE_BT, "needs --engine bt, but this processor lacks BMI2" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct captured captured;
        struct options options;
        enum vx_engine engine;
        char *argv[] = { "vx86", (char *)rows[i].word };
        capture(&captured);
        cr_assert_eq(options_parse(rows[i].word != NULL ? 2 : 1, argv, &options), VX_ERR_OK);
        cr_expect_eq(app_engine_choose(&options, captured.log, rows[i].refusal, &engine), rows[i].err, "row %zu", i);
        cr_expect(rows[i].err != VX_ERR_OK || engine == rows[i].engine, "row %zu", i);
        if (rows[i].err == VX_ERR_OK)
            app_engine_tell(&options, captured.log, rows[i].refusal);
        fflush(captured.file);
        const char *text = captured.bytes != 0 ? captured.text : "";
        cr_expect(rows[i].told[0] != '\0' ? strstr(text, rows[i].told) != NULL : text[0] == '\0', "row %zu: %s", i,
                  text);
        release(&captured);
    }
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

Test(image, reads_and_refuses)
{
    char directory[] = "/tmp/vx86-image-XXXXXX", path[64], fifo[64], empty[64], missing[64];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(fifo, sizeof fifo, "%s/fifo", directory);
    snprintf(empty, sizeof empty, "%s/empty", directory);
    snprintf(missing, sizeof missing, "%s/missing", directory);
    write_file(path, "0123456789", 10);
    write_file(empty, "", 0);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    const struct {
        const char *path;
        uint64_t limit_bytes;
        vx_err err;
        const char *message;
    } rows[] = {
        { path, 10, VX_ERR_OK, "" },
        { path, 9, VX_ERR_RANGE, "--kernel: " },
        { empty, 10, VX_ERR_BAD_FORMAT, "is empty" },
        { missing, 10, VX_ERR_NOT_FOUND, "check the path" },
        { directory, 10, VX_ERR_BAD_ARGUMENT, "is a directory" },
        { fifo, 10, VX_ERR_BAD_ARGUMENT, "not a regular file" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct captured captured;
        struct file_image image;
        capture(&captured);
        cr_assert_eq(image_read(&(struct image_reader){ .log = captured.log }, "--kernel", rows[i].path,
                                rows[i].limit_bytes, "the most", &image),
                     rows[i].err, "row %zu", i);
        fflush(captured.file);
        cr_assert_not_null(strstr(captured.text, rows[i].message), "row %zu: %s", i, captured.text);
        cr_assert_eq(lines(captured.text), rows[i].err != VX_ERR_OK, "row %zu: %s", i, captured.text);
        cr_assert_eq(image.data != NULL, rows[i].err == VX_ERR_OK);
        if (image.data != NULL)
            cr_assert_arr_eq(image.data, "0123456789", 10);
        image_free(&image);
        release(&captured);
    }
    unlink(path);
    unlink(empty);
    unlink(fifo);
    rmdir(directory);
}

Test(firmware_file, checks)
{
    enum { ROOM = (4 << 20) + 65536 };
    static uint8_t data[ROOM];
    char path[] = "/tmp/vx86-bios-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    static const struct {
        bool vga;
        size_t bytes;
        uint8_t start[3];
        vx_err err;
    } rows[] = {
        { false, 65536, { 0 }, VX_ERR_OK },
        { false, 4 << 20, { 0 }, VX_ERR_OK },
        { false, 65535, { 0 }, VX_ERR_BAD_FORMAT },
        { false, ROOM, { 0 }, VX_ERR_RANGE },
        { true, 1024, { 0x55, 0xAA, 2 }, VX_ERR_OK },
        { true, 1024, { 0x55, 0xAA, 3 }, VX_ERR_BAD_FORMAT }, /* says it is longer than it is */
        { true, 1024, { 0x55, 0xAB, 2 }, VX_ERR_BAD_FORMAT },
        { true, 2, { 0x55, 0xAA, 0 }, VX_ERR_BAD_FORMAT },
        { true, 65536 + 512, { 0x55, 0xAA, 2 }, VX_ERR_RANGE },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct captured captured;
        struct firmware_set set;
        memcpy(data, rows[i].start, 3);
        write_file(path, data, rows[i].bytes);
        capture(&captured);
        cr_assert_eq(firmware_load(&(struct image_reader){ .log = captured.log }, rows[i].vga ? NULL : path,
                                   rows[i].vga ? path : NULL, &set),
                     rows[i].err, "row %zu", i);
        if (rows[i].err == VX_ERR_OK)
            cr_assert_eq(rows[i].vga ? set.vga_bios_bytes : set.bios_bytes, rows[i].bytes);
        fflush(captured.file);
        cr_assert_eq(lines(captured.text), rows[i].err != VX_ERR_OK, "row %zu: %s", i, captured.text);
        firmware_free(&set);
        release(&captured);
    }
    close(fd);
    unlink(path);
}
