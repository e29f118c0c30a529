/* screenshot.c - see vx86/screenshot.h: libpng's simplified interface. */
#include "vx86/screenshot.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

const char *vx_screenshot_missing(void)
{
    return NULL;
}

/* 0x00RRGGBB to red, green, blue. NULL: no memory. */
static uint8_t *to_rgb(const struct vx_picture *picture)
{
    size_t count = (size_t)picture->width * picture->height;
    uint8_t *rgb = malloc(count * 3), *at = rgb;
    for (size_t i = 0; rgb != NULL && i < count; i++) {
        *at++ = (uint8_t)(picture->pixels[i] >> 16);
        *at++ = (uint8_t)(picture->pixels[i] >> 8);
        *at++ = (uint8_t)picture->pixels[i];
    }
    return rgb;
}

static bool write_png(const struct vx_picture *picture, const uint8_t *rgb, FILE *file, struct vx_why *why)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = picture->width, .height = picture->height, .format = PNG_FORMAT_RGB
    };
    errno = 0;
    bool good = png_image_write_to_stdio(&image, file, 0, rgb, 0, NULL) != 0;
    if (!good) {
        why->reason = errno;
        snprintf(why->text, sizeof why->text, "%s", errno != 0 ? strerror(errno) : image.message);
    }
    png_image_free(&image);
    return good;
}

bool vx_screenshot_write(struct vx_machine *machine, FILE *file, struct vx_why *why)
{
    struct vx_picture picture;
    *why = (struct vx_why){ "there is no memory for the picture", 0 };
    if (vx_machine_picture(machine, &picture) != VX_ERR_OK)
        return false;
    uint8_t *rgb = to_rgb(&picture);
    bool good = rgb != NULL && write_png(&picture, rgb, file, why);
    free(rgb);
    free(picture.pixels);
    return good;
}
