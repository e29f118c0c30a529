/* read_boot.c - a partition table and an El Torito catalog, as the BIOS and the drives meet them: SeaBIOS boots from a
 * disk whose first sectors, and from a CD whose descriptors and catalog, are the input.
 *
 *     input   0 disk sectors 0 and 1 | 400h volume descriptor | 600h boot record | 800h catalog | A00h boot image
 *     medium  0                      | 8000h                  | 8800h            | 9000h        | 9800h          */
#include <stdlib.h>
#include <string.h>

#include "back_ends.h"
#include "readers.h"
#include "vx86/firmware.h"
#include "vx86/machine.h"

enum { RAM = 2 << 20, DISK = 64 << 10, CD = 64 << 10, RUN_MS = 150, MIPS = 200 };
enum { MBR = 0, VOLUME = 0x400, RECORD = 0x600, CATALOG = 0x800, IMAGE = 0xA00, END = 0xC00 };

static const struct {
    unsigned drive;
    size_t from, to, bytes; /* of the input, of the medium */
} parts[] = {
    { 0, MBR, 0, 0x400 },          { 1, VOLUME, 0x8000, 0x200 }, { 1, RECORD, 0x8800, 0x200 },
    { 1, CATALOG, 0x9000, 0x200 }, { 1, IMAGE, 0x9800, 0x200 },
};

static void *create(struct vx_log *log)
{
    return log;
}

static void destroy(void *state)
{
    (void)state;
}

static void put_code(struct input *out, size_t off)
{
    static const uint8_t code[] = { 0xB8, 0x00, 0x42, 0xCD, 0x13, 0xE6, 0xF4, 0xF4 }; /* INT 13h, OUT F4h, HLT */
    memcpy(out->at + off, code, sizeof code);
    out->at[off + 0x1FE] = 0x55;
    out->at[off + 0x1FF] = 0xAA;
}

/* Without a boot sector on the disk the CD is next; emulation is none, a floppy disk, a hard disk. */
static bool seed(unsigned n, struct input *out)
{
    static const uint8_t media[] = { 0, 0, 2, 4 };
    if (n >= VX_ARRAY_LEN(media))
        return false;
    input_zeros(out, END);
    if (n == 0) {
        put_code(out, MBR);
        memcpy(out->at + 0x1BE, "\x80\1\1\0\6\xFE\x3F\x05\x3F\0\0\0\1\0\0\0", 16);
    }
    memcpy(out->at + VOLUME, "\1CD001\1", 7);
    input_put32(out, VOLUME + 80, CD / 2048);
    memcpy(out->at + RECORD, "\0CD001\1EL TORITO SPECIFICATION", 30);
    input_put32(out, RECORD + 0x47, 0x9000 / 2048);
    memcpy(out->at + CATALOG, "\1\0\0\0", 4);
    memcpy(out->at + CATALOG + 28, "\xAA\x55\x55\xAA", 4);
    out->at[CATALOG + 32] = 0x88;
    out->at[CATALOG + 33] = media[n];
    input_put16(out, CATALOG + 38, 1);
    input_put32(out, CATALOG + 40, 0x9800 / 2048);
    put_code(out, IMAGE);
    return true;
}

static void time_is_up(void *opaque)
{
    vx_machine_stop(opaque, 1);
}

static void must(vx_err err)
{
    if (err != VX_ERR_OK)
        abort();
}

static void fill(struct fuzz_disk disk[2], const uint8_t *at, size_t bytes)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(parts); i++) {
        size_t left = parts[i].from < bytes ? bytes - parts[i].from : 0;
        memcpy(disk[parts[i].drive].bytes + parts[i].to, at + parts[i].from,
               left < parts[i].bytes ? left : parts[i].bytes);
    }
}

static void read_input(void *log, const uint8_t *at, size_t bytes)
{
    struct vx_loop *loop;
    struct vx_clock *clock;
    struct vx_machine *machine;
    struct fuzz_disk disk[2];
    struct vx_timer end;
    struct vx_display display = fuzz_display();
    must(vx_loop_create(log, &loop));
    must(vx_clock_create_counted(MIPS, 0, &clock));
    fuzz_disk_init(&disk[0], loop, DISK);
    fuzz_disk_init(&disk[1], loop, CD);
    fill(disk, at, bytes);
    struct vx_machine_config config = { .log = log,
                                        .loop = loop,
                                        .clock = clock,
                                        .ram_bytes = RAM,
                                        .engine = vx_bt_unavailable() == NULL ? VX_ENGINE_BT : VX_ENGINE_INTERP,
                                        .disk = { &disk[0].block },
                                        .cdrom = { [2] = &disk[1].block },
                                        .display = &display,
                                        .no_reboot = true,
                                        .debug_exit = { { 0xF4, 4 } } };
    config.bios = vx_firmware_bios(&config.bios_bytes);
    config.vga_bios = vx_firmware_vga_bios(&config.vga_bios_bytes);
    must(vx_machine_create(&config, &machine));
    vx_timer_init(clock, &end, time_is_up, machine);
    vx_timer_set(clock, &end, UINT64_C(1000000) * RUN_MS);
    vx_machine_run(machine, NULL);
    vx_timer_set(clock, &end, VX_NEVER);
    vx_machine_destroy(machine);
    vx_clock_destroy(clock);
    vx_loop_destroy(loop);
    for (unsigned i = 0; i < 2; i++)
        fuzz_disk_fini(&disk[i]);
}

const struct reader reader_boot = {
    .name = "boot", .create = create, .destroy = destroy, .seed = seed, .read = read_input
};
