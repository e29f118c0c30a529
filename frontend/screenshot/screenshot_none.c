/* screenshot_none.c - see vx86/screenshot.h: where there is no libpng. */
#include "vx86/screenshot.h"

const char *vx_screenshot_missing(void)
{
    return "this vx86 was built without libpng";
}

bool vx_screenshot_write(struct vx_machine *machine, FILE *file, struct vx_why *why)
{
    (void)machine, (void)file;
    *why = (struct vx_why){ "this vx86 was built without libpng", 0 };
    return false;
}
