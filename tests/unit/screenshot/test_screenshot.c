/* test_screenshot.c - what a machine without a display shows, read back from its PNG. */
#include <criterion/criterion.h>
#include <png.h>
#include <stdlib.h>

#include "unit/machine/rom.h"
#include "vx86/screenshot.h"

enum { WIDTH = 64, HEIGHT = 48, FRAME_BUFFER = 0xA0000, VBE_PORT = 0x1CE };

static void set_vbe(struct vx_machine *machine, unsigned index, unsigned value)
{
    vx_bus_write(vx_machine_bus(machine), VX_SPACE_IO, VBE_PORT, 2, index);
    vx_bus_write(vx_machine_bus(machine), VX_SPACE_IO, VBE_PORT + 1, 2, value);
}

static uint32_t color_at(unsigned x, unsigned y)
{
    return (x * 4) << 16 | (y * 5) << 8 | ((x ^ y) & 0xFF);
}

static void draw(struct vx_machine *machine)
{
    static const unsigned mode[] = { 0, WIDTH, HEIGHT, 32, 0x41 }; /* from VBE register 1 on */
    for (unsigned i = 1; i < VX_ARRAY_LEN(mode); i++)
        set_vbe(machine, i, mode[i]);
    for (unsigned i = 0; i < WIDTH * HEIGHT; i++) {
        uint32_t color = color_at(i % WIDTH, i / WIDTH);
        vx_pmap_write(vx_machine_pmap(machine), FRAME_BUFFER + 4 * i, &color, sizeof color);
    }
}

/* Attribute controller: bit 5 of its index is the palette's to the screen. */
static void show(struct vx_machine *machine, bool on)
{
    vx_bus_write(vx_machine_bus(machine), VX_SPACE_IO, 0x3C0, 1, on ? 0x20 : 0);
    vx_bus_read(vx_machine_bus(machine), VX_SPACE_IO, 0x3BA, 1);
}

static void use_machine(void (*use)(struct vx_machine *machine))
{
    static const uint8_t hang[] = { 0xEB, 0xFE };
    struct rom_machine rig;
    struct rom rom;
    rom_make(&rom, hang, sizeof hang, NULL, 0);
    cr_assert_eq(rom_machine_create_with(&rig, &rom, (struct vx_machine_config){ .engine = VX_ENGINE_INTERP }),
                 VX_ERR_OK);
    draw(rig.machine);
    use(rig.machine);
    rom_machine_destroy(&rig);
}

/* The picture of the file, which must be WIDTH x HEIGHT, is black or the one that was drawn. */
static void check_file(FILE *file, bool black)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    rewind(file);
    cr_assert(png_image_begin_read_from_stdio(&image, file));
    image.format = PNG_FORMAT_RGB;
    cr_assert(image.width == WIDTH && image.height == HEIGHT);
    cr_assert(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    for (unsigned i = 0; i < WIDTH * HEIGHT; i++) {
        uint32_t color = (uint32_t)rgb[3 * i] << 16 | (uint32_t)rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
        uint32_t wanted = black ? 0 : color_at(i % WIDTH, i / WIDTH);
        cr_assert_eq(color, wanted, "at %u, %u: %06x, not %06x", i % WIDTH, i / WIDTH, color, wanted);
    }
}

static void shoot(struct vx_machine *machine, bool on)
{
    struct vx_why why;
    FILE *file = tmpfile();
    show(machine, on);
    cr_assert(vx_screenshot_write(machine, file, &why), "%s", why.text);
    check_file(file, !on);
    fclose(file);
}

static void shoot_twice(struct vx_machine *machine)
{
    shoot(machine, true);
    shoot(machine, false);
}

Test(screenshot, file_is_the_picture_and_black_while_blanked)
{
    cr_assert_null(vx_screenshot_missing());
    use_machine(shoot_twice);
}

static void shoot_nowhere(struct vx_machine *machine)
{
    struct vx_why why;
    FILE *file = fopen("/dev/full", "w");
    cr_assert_not_null(file);
    setbuf(file, NULL);
    show(machine, true);
    cr_assert(!vx_screenshot_write(machine, file, &why));
    cr_assert_str_eq(why.text, "No space left on device");
    fclose(file);
}

Test(screenshot, full_disk_is_said)
{
    use_machine(shoot_nowhere);
}
