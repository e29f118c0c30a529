/* vga_picture.c - one whole picture when somebody asks for it, with or without a display.
 *
 *   I1  Neither the guest nor the display notices: what updates compare with (vga_update.c I3) and which pages were
 *       written stay as they are. vga->cells is free between updates. */
#include <stdlib.h>

#include "vga_state.h"

vx_err vga_take_picture(struct vga *vga, struct vx_picture *out)
{
    struct vga_picture picture;
    vga_render_unblanked(vga, true, &picture);
    unsigned width = picture.screen.width, height = picture.screen.height;
    uint32_t *pixels = calloc((size_t)width * height, sizeof *pixels);
    if (pixels == NULL)
        return VX_ERR_NO_MEMORY;
    for (unsigned y = 0; !vga_is_blank(vga) && y < height; y++)
        picture.draw(vga, &picture, y, pixels + (size_t)y * width);
    *out = (struct vx_picture){ .width = width, .height = height, .pixels = pixels };
    return VX_ERR_OK;
}
