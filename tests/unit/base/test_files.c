/* No file is written for two purposes, whatever it is called. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vx86/files.h"

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static off_t size_of(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 ? st.st_size : -1;
}

static void enter_folder(void)
{
    char folder[] = "/tmp/vx86-files-XXXXXX";
    cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0);
    write_file("image", "image");
    write_file("kernel", "kernel");
    cr_assert(link("image", "hard") == 0 && symlink("image", "soft") == 0);
}

Test(files, an_output_is_nothing_else)
{
    static const struct {
        const char *path, *why; /* NULL: it is opened */
    } rows[] = {
        { "image", "is in use as disk image" },
        { "hard", "is in use as disk image" },
        { "soft", "is in use as disk image" },
        { "kernel", "is in use as --kernel" },
        { "no/where", "No such file or directory" },
        { "new", NULL },
        { "new", "is in use as row" },
        { "/dev/null", NULL },
        { "/dev/null", NULL },
    };
    struct vx_files *files;
    struct vx_why why = { .text = "" };
    enter_folder();
    int image = open("image", O_RDWR), kernel = open("kernel", O_RDONLY);
    cr_assert_eq(vx_files_create(&files), VX_ERR_OK);
    cr_assert_null(vx_files_claim(files, kernel, VX_FILE_READ, "--kernel"));
    cr_assert_null(vx_files_claim(files, kernel, VX_FILE_READ, "--initrd"));
    cr_assert_null(vx_files_claim(files, image, VX_FILE_IMAGE, "disk image"));
    cr_assert_str_eq(vx_files_claim(files, image, VX_FILE_READ, "--kernel"), "disk image");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        why.text[0] = '\0';
        int fd = vx_files_open_output(files, VX_FILE_ANYWHERE, rows[i].path, "row", &why);
        cr_assert_eq(fd >= 0, rows[i].why == NULL, "%s: %s", rows[i].path, why.text);
        cr_assert_str_eq(why.text, rows[i].why != NULL ? rows[i].why : "", "%s: %s", rows[i].path, why.text);
    }
    cr_assert(size_of("image") == 5 && size_of("kernel") == 6, "what is refused is not emptied");
    vx_files_destroy(files);
}

Test(files, an_output_that_is_closed_may_serve_again)
{
    struct vx_files *files;
    struct vx_why why = { .text = "" };
    enter_folder();
    cr_assert_eq(vx_files_create(&files), VX_ERR_OK);
    int fd = vx_files_open_output(files, VX_FILE_ANYWHERE, "image", "first", &why);
    cr_assert(fd >= 0 && size_of("image") == 0);
    vx_files_release(files, fd);
    close(fd);
    cr_assert(vx_files_open_output(files, VX_FILE_ANYWHERE, "hard", "second", &why) >= 0, "%s", why.text);
    vx_files_destroy(files);
}

Test(files, below_a_directory)
{
    static const struct {
        const char *path;
        int why; /* 0: it is opened */
    } rows[] = {
        { "new", 0 },           { "deep/new", 0 }, { "./deep/./new", 0 },     { "deep/../new", EACCES },
        { "../image", EACCES }, { "..", EACCES },  { "/etc/passwd", EACCES }, { "deep//new", EACCES },
        { "", EACCES },         { "link", ELOOP }, { "out/image", ENOTDIR },  { "none/new", ENOENT },
    };
    struct vx_files *files;
    struct vx_why why = { .text = "" };
    enter_folder();
    cr_assert(mkdir("below", 0700) == 0 && mkdir("below/deep", 0700) == 0 && symlink("../image", "below/link") == 0 &&
              symlink("..", "below/out") == 0);
    cr_assert_eq(vx_files_create(&files), VX_ERR_OK);
    cr_assert_eq(vx_files_open_input(files, VX_FILE_BELOW, "new", &why), -1);
    cr_assert_not_null(strstr(why.text, "no directory is named"));
    cr_assert(!vx_files_set_directory(files, "image") && vx_files_set_directory(files, "below"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        why.text[0] = '\0';
        int fd = vx_files_open_output(files, VX_FILE_BELOW, rows[i].path, "row", &why);
        cr_assert_eq(fd >= 0, rows[i].why == 0, "%s: %s", rows[i].path, why.text);
        cr_assert_str_eq(why.text, rows[i].why != 0 ? strerror(rows[i].why) : "", "%s", rows[i].path);
        vx_files_release(files, fd);
        why.text[0] = '\0';
        cr_assert_eq(vx_files_open_input(files, VX_FILE_BELOW, rows[i].path, &why) >= 0, rows[i].why == 0, "%s: %s",
                     rows[i].path, why.text);
    }
    cr_assert_eq(size_of("image"), 5);
    vx_files_destroy(files);
}

Test(files, none_is_allowed)
{
    struct vx_why why = { .text = "" };
    enter_folder();
    cr_assert_null(vx_files_claim(NULL, 0, VX_FILE_IMAGE, "disk"));
    int fd = vx_files_open_output(NULL, VX_FILE_ANYWHERE, "image", "output", &why);
    cr_assert(fd >= 0);
    vx_files_release(NULL, fd);
    vx_files_destroy(NULL);
}
