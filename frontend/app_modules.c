/* app_modules.c - splits what --initrd says for a multiboot kernel and reads the files, one behind the other. */
#include "app_modules.h"

#include <stdlib.h>
#include <string.h>

/* Copies one entry, its double commas made single, to *to and moves that behind the copy's NUL. Returns what stands
 * behind the comma that ends the entry, NULL for the last one. */
static const char *take_entry(const char *from, char **to)
{
    const char *rest = NULL;
    for (; *from != '\0'; from++) {
        if (from[0] == ',' && from[1] != ',') {
            rest = from + 1;
            break;
        }
        from += *from == ',';
        *(*to)++ = *from;
    }
    *(*to)++ = '\0';
    return rest;
}

static vx_err append(struct app_modules *modules, const struct file_image *file, const char *command_line)
{
    struct vx_boot_module *module = &modules->list[modules->count];
    uint8_t *grown = realloc(modules->data.data, modules->data.bytes + file->bytes);
    if (grown == NULL)
        return VX_ERR_NO_MEMORY;
    memcpy(grown + modules->data.bytes, file->data, file->bytes);
    *module = (struct vx_boot_module){ modules->data.bytes, file->bytes, command_line };
    modules->data = (struct file_image){ grown, modules->data.bytes + file->bytes };
    modules->count++;
    return VX_ERR_OK;
}

/* `entry` is a name and what may follow it. */
static vx_err read_module(const struct image_reader *reader, const char *entry, uint64_t limit_bytes,
                          struct app_modules *modules)
{
    struct file_image file;
    size_t length = strcspn(entry, " ");
    if (length == 0) {
        vx_log_error(reader->log, VX_LOG_GENERAL,
                     "--initrd: a name in the list of modules is empty; name a file (,, is a comma)");
        return VX_ERR_BAD_ARGUMENT;
    }
    char *path = strndup(entry, length);
    if (path == NULL)
        return VX_ERR_NO_MEMORY;
    vx_err err = image_read(reader, "--initrd", path, limit_bytes - modules->data.bytes,
                            "what is left of the guest's memory; give it more with --memory", &file);
    free(path);
    if (err != VX_ERR_OK)
        return err;
    err = append(modules, &file, entry);
    image_free(&file);
    return err;
}

static vx_err read_all(const struct image_reader *reader, const char *spec, uint64_t limit_bytes,
                       struct app_modules *modules)
{
    size_t entries = 1;
    for (const char *at = spec; *at != '\0'; at++)
        entries += *at == ',';
    modules->text = malloc(strlen(spec) + entries + 1);
    modules->list = calloc(entries, sizeof *modules->list);
    if (modules->text == NULL || modules->list == NULL)
        return VX_ERR_NO_MEMORY;
    char *to = modules->text;
    for (const char *from = spec; from != NULL;) {
        const char *entry = to;
        from = take_entry(from, &to);
        VX_TRY(read_module(reader, entry, limit_bytes, modules));
    }
    return VX_ERR_OK;
}

vx_err app_modules_read(const struct image_reader *reader, const char *spec, uint64_t limit_bytes,
                        struct app_modules *out)
{
    *out = (struct app_modules){ .count = 0 };
    vx_err err = read_all(reader, spec, limit_bytes, out);
    if (err != VX_ERR_OK)
        app_modules_free(out);
    return err;
}

void app_modules_free(struct app_modules *modules)
{
    image_free(&modules->data);
    free(modules->list);
    free(modules->text);
    *modules = (struct app_modules){ .count = 0 };
}
