/* workloads.c - the table of workloads, from the lists of the guest programs. See workloads.h. */
#include <string.h>

#include "workloads.h"

/* The rows' amount of work is made for one to two seconds under TCG. */
#define ROW_SHARE(units) ((units) / 5)

static const struct lab_workload workloads[] = {
    { "boot", "BOOT", "power-on to the kernel's first line: firmware, option ROM, boot sector", 1, false, false, true,
      false },
    { "linux", "BOOT", "only when named: a Linux system, power-on to its shell's prompt (--image)", 1, false, false,
      true, true },
#define ROW_0(name, group, units, text)
#define ROW_1(name, group, units, text)           { name, group, text, ROW_SHARE(units), true, false, false, false },
#define ROW(id, name, group, native, units, text) ROW_##native(name, #group, units, text)
#include "rows.def"
#undef ROW
#define WORKLOAD(id, name, group, units, clocked, text) { name, #group, text, units, false, clocked, false, false },
#include "guest/workloads.def"
#undef WORKLOAD
};

extern const uint8_t lab_native_image[], lab_native_image_end[];

const struct lab_workload *lab_workloads(size_t *count)
{
    *count = VX_ARRAY_LEN(workloads);
    return workloads;
}

const struct lab_workload *lab_find(const char *name)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(workloads); i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    return NULL;
}

const uint8_t *lab_native(size_t *bytes)
{
    *bytes = (size_t)(lab_native_image_end - lab_native_image);
    return lab_native_image;
}
