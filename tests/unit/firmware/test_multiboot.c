/* Direct multiboot boot: which images are taken, what the load script says, what the kernel is told. The kernels are
 * made up here, from the Multiboot Specification and the ELF header's tables; tests/multiboot boots real ones. */
#include "collect.h"

enum { MIB = 1 << 20, FILE_BYTES = 12288, HEADER_OFF = 0x1000, TEXT_BYTES = 1024 };
enum { INFO = 0x1000, MAP = 0x1080, SCRIPT = 0x1C80 }; /* multiboot.asm */
enum { ELF_PHDRS = 52, PHDR_BYTES = 32, CHANGES = 4 };

/* One 32-bit word of the file that a row changes. */
struct change {
    unsigned off;
    uint32_t value;
};

static void put32s(uint8_t *at, const uint32_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        vx_put_le32(at + 4 * i, values[i]);
}

static void put_header(uint8_t *at, uint32_t flags)
{
    put32s(at, (const uint32_t[]){ 0x1BADB002, flags, 0u - (0x1BADB002 + flags) }, 3);
}

/* The whole file from 1 MiB on, 4 KiB of bss, entered behind the header. */
static void make_aout(uint8_t file[FILE_BYTES])
{
    for (unsigned i = 0; i < FILE_BYTES; i++)
        file[i] = (uint8_t)(i * 7);
    put_header(file + HEADER_OFF, 0x10003);
    put32s(
        file + HEADER_OFF + 12,
        (const uint32_t[]){ MIB + HEADER_OFF, MIB, MIB + FILE_BYTES, MIB + FILE_BYTES + 4096, MIB + HEADER_OFF + 32 },
        5);
}

/* Two segments, 3 GiB higher in virtual memory: 4 KiB at 1 MiB, 4 KiB with 8 KiB of zeros behind them at 2 MiB. */
static void make_elf(uint8_t file[FILE_BYTES])
{
    static const uint8_t ident[] = { 0x7F, 'E', 'L', 'F', 1, 1, 1 };
    const uint32_t segments[][8] = {
        { 1, 0x1000, 0xC0100000, 0x100000, 4096, 4096, 5, 4096 },
        { 1, 0x2000, 0xC0200000, 0x200000, 4096, 12288, 6, 4096 },
        { 0x6474E551, 0, 0, 0, 0, 0, 7, 16 }, /* PT_GNU_STACK */
    };
    memset(file, 0, FILE_BYTES);
    memcpy(file, ident, sizeof ident);
    put32s(file + 16, (const uint32_t[]){ 3u << 16 | 2, 1, 0xC0100010, ELF_PHDRS, 0, 0, PHDR_BYTES << 16 | 52, 3 }, 8);
    for (unsigned i = 0; i < VX_ARRAY_LEN(segments); i++)
        put32s(file + ELF_PHDRS + i * PHDR_BYTES, segments[i], 8);
    put_header(file + HEADER_OFF, 3);
}

/* What vx_fw_build() logs goes to `said`. */
static vx_err build(struct collect *collect, struct vx_fw_config config, char said[TEXT_BYTES])
{
    char *text = NULL;
    size_t bytes;
    collect_init(collect);
    FILE *out = open_memstream(&text, &bytes);
    config.log = vx_log_create(out);
    config.cpus = 1;
    vx_err err = vx_fw_build(&config, &collect->sink);
    vx_log_destroy(config.log);
    fclose(out);
    snprintf(said, TEXT_BYTES, "%s", text);
    free(text);
    return err;
}

static vx_err build_plain(struct collect *collect, const uint8_t *file, size_t bytes, char said[TEXT_BYTES])
{
    return build(collect,
                 (struct vx_fw_config){ .ram_bytes = 16 * MIB, .kernel = file, .kernel_bytes = bytes, .append = "" },
                 said);
}

static unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* ---- what is taken ----------------------------------------------------------------------------------------------- */

Test(multiboot, found)
{
    static const struct {
        const char *what;
        unsigned off; /* of the header */
        uint32_t flags;
        size_t bytes; /* of the file */
        bool taken;
    } rows[] = {
        { "first bytes", 0, 0, FILE_BYTES, true },
        { "a whole file", 0, 0, 12, true },
        { "cut by the file's end", 0, 0, 11, false },
        { "no file", 0, 0, 0, false },
        { "last place without addresses", 8180, 0, FILE_BYTES, true },
        { "no place", 8184, 0, FILE_BYTES, false },
        { "last place with addresses", 8160, 0x10000, FILE_BYTES, true },
        { "no place for the addresses", 8164, 0x10000, FILE_BYTES, false },
        { "not on a 32-bit boundary", 1022, 0, FILE_BYTES, false },
    };
    uint8_t file[FILE_BYTES];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        memset(file, 0, sizeof file);
        put_header(file + rows[i].off, rows[i].flags);
        cr_assert_eq(vx_fw_kernel_kind(file, rows[i].bytes) == VX_KERNEL_MULTIBOOT, rows[i].taken, "%s", rows[i].what);
    }
    put_header(file, 3);
    file[8] ^= 1;
    cr_assert_eq(vx_fw_kernel_kind(file, sizeof file), VX_KERNEL_NONE, "wrong checksum");
}

Test(multiboot, refused)
{
    static const struct {
        const char *what;
        bool elf;
        size_t bytes; /* of the file, 0: all */
        struct change change[CHANGES];
        const char *said; /* NULL: taken */
    } rows[] = {
        { "a.out as made", false, 0, { { 0 } }, NULL },
        { "ELF as made", true, 0, { { 0 } }, NULL },
        { "load address above the header",
          false,
          0,
          { { HEADER_OFF + 16, MIB + HEADER_OFF + 4 } },
          "before the file's" },
        { "load address before the file", false, 0, { { HEADER_OFF + 16, MIB - 4 } }, "before the file's" },
        { "load end before load", false, 0, { { HEADER_OFF + 20, MIB - 1 } }, "load end before the load address" },
        { "bss end before load end", false, 0, { { HEADER_OFF + 24, MIB + 5 } }, "bss end before the load end" },
        { "load end behind the file", false, 0, { { HEADER_OFF + 20, MIB + FILE_BYTES + 1 } }, "truncated" },
        { "a.out cut", false, FILE_BYTES - 1, { { 0 } }, "truncated: the file has 12287 bytes" },
        { "all of the file", false, 0, { { HEADER_OFF + 20, 0 }, { HEADER_OFF + 24, 0 } }, NULL },
        { "a bss of 3 GiB", false, 0, { { HEADER_OFF + 24, 0xC0000000 } }, "no machine has more than" },
        { "a bss of 64 MiB", false, 0, { { HEADER_OFF + 24, 64 * MIB } }, "kernel needs 65 MiB of memory" },
        { "entry outside",
          false,
          0,
          { { HEADER_OFF + 28, MIB - 1 } },
          "its entry point fffffh is not in what it loads" },
        { "entry behind the bss", false, 0, { { HEADER_OFF + 28, MIB + FILE_BYTES + 4096 } }, "entry point" },
        { "into the BIOS",
          false,
          0,
          { { HEADER_OFF + 12, 0xA1000 },
            { HEADER_OFF + 16, 0xA0000 },
            { HEADER_OFF + 20, 0 },
            { HEADER_OFF + 24, 0 } },
          "a0000h-a2fffh, where BIOS and video" },
        { "ELF cut in a segment", true, 0x2800, { { 0 } }, "truncated" },
        { "ELF cut in its segment table", true, 0, { { 28, FILE_BYTES - 40 } }, "outside of the file" },
        { "ELF without segment table", true, 0, { { 28, 0xFFFFFFF0 } }, "outside of the file" },
        { "65535 segments", true, 0, { { 44, 0xFFFE } }, "outside of the file" },
        { "no segment", true, 0, { { 44, 0 } }, "nothing of it is to be loaded" },
        { "segment beyond 4 GiB",
          true,
          0,
          { { ELF_PHDRS + 12, 0xFFFFF000 }, { ELF_PHDRS + 20, 0x2000 } },
          "beyond 4 GiB" },
        { "less memory than file", true, 0, { { ELF_PHDRS + 20, 4095 } }, "more bytes in the file than in memory" },
        { "segment at 0", true, 0, { { ELF_PHDRS + 12, 0 } }, "0h-fffh, where BIOS and video" },
        { "segment into the BIOS data", true, 0, { { ELF_PHDRS + 12, 0xFFF } }, "where BIOS and video" },
        { "segment at A0000h", true, 0, { { ELF_PHDRS + 12, 0xA0000 } }, "where BIOS and video" },
        { "segment up to 1 MiB", true, 0, { { ELF_PHDRS + 12, 0xFF000 } }, "where BIOS and video" },
        { "segments overlap", true, 0, { { ELF_PHDRS + 12, 0x202FFF } }, "two of its segments overlap" },
        { "segments touch", true, 0, { { ELF_PHDRS + 12, 0x203000 } }, NULL },
        { "entry between segments", true, 0, { { 24, 0xC0101000 } }, "entry point" },
        { "physical entry", true, 0, { { 24, 0x200000 } }, NULL },
        { "64-bit ELF", true, 0, { { 4, 0x00010102 } }, "64-bit ELF" },
        { "x86-64 in 32-bit ELF", true, 0, { { 16, 62u << 16 | 2 } }, "64-bit ELF" },
        { "big-endian ELF", true, 0, { { 4, 0x00010201 } }, "for another processor" },
        { "ARM", true, 0, { { 16, 40u << 16 | 2 } }, "for another processor (machine 40)" },
        { "shared object", true, 0, { { 16, 3u << 16 | 3 } }, "type 3, not an executable" },
        { "no ELF and no addresses", true, 0, { { 0, 0 } }, "no valid ELF file" },
        { "not even an ELF header", true, 0, { { 4, 0 } }, "no valid ELF file" },
        { "no room for the block",
          true,
          0,
          { { ELF_PHDRS + 12, 0x10000 }, { ELF_PHDRS + 20, 0x8F000 } },
          "no room below" },
    };
    uint8_t file[FILE_BYTES];
    char said[TEXT_BYTES];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        (rows[i].elf ? make_elf : make_aout)(file);
        for (unsigned j = 0; j < CHANGES; j++)
            if (rows[i].change[j].off != 0 || rows[i].change[j].value != 0 ||
                (j == 0 && strstr(rows[i].what, "no ELF")))
                vx_put_le32(file + rows[i].change[j].off, rows[i].change[j].value);
        vx_err err = build_plain(&collect, file, rows[i].bytes != 0 ? rows[i].bytes : FILE_BYTES, said);
        bool has_rom = find_file(&collect, FW_MULTIBOOT_FILE) != NULL;
        cr_assert_eq(err == VX_ERR_OK, rows[i].said == NULL, "%s: %s", rows[i].what, said);
        cr_assert_eq(has_rom, rows[i].said == NULL, "%s", rows[i].what);
        cr_assert(rows[i].said == NULL || (strstr(said, rows[i].said) != NULL && lines(said) == 1), "%s: %s",
                  rows[i].what, said);
        collect_fini(&collect);
    }
}

Test(multiboot, unknown_flags)
{
    uint8_t file[FILE_BYTES];
    char said[TEXT_BYTES];
    for (unsigned bit = 0; bit < 32; bit++) {
        struct collect collect;
        make_aout(file);
        put_header(file + HEADER_OFF, 0x10000 | 1u << bit);
        vx_err err = build_plain(&collect, file, sizeof file, said);
        bool refused = bit > 2 && bit < 16;
        cr_assert_eq(err, refused ? VX_ERR_BAD_FORMAT : VX_ERR_OK, "bit %u: %s", bit, said);
        cr_assert(!refused || strstr(said, "requires what Multiboot 1 does not have") != NULL, "bit %u: %s", bit, said);
        collect_fini(&collect);
    }
}

/* No byte of the headers may make the builder read or write outside what it was given (run with sanitizers). */
Test(multiboot, mutated_headers)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x7F, 0x80, 0xFF };
    uint8_t file[FILE_BYTES];
    char said[TEXT_BYTES];
    unsigned taken = 0, refused = 0;
    for (unsigned at = 0; at < 52 + 3 * PHDR_BYTES + 32; at++) {
        for (size_t i = 0; i < 2 * sizeof values; i++) {
            struct collect collect;
            bool elf = i < sizeof values;
            (elf ? make_elf : make_aout)(file);
            file[at < 32 ? HEADER_OFF + at : at - 32] = values[i % sizeof values];
            vx_err err = build_plain(&collect, file, sizeof file, said);
            taken += err == VX_ERR_OK;
            refused += err != VX_ERR_OK;
            cr_assert(lines(said) == (err == VX_ERR_OK ? 0 : 1), "byte %u: %s", at, said);
            collect_fini(&collect);
        }
    }
    cr_assert(taken > 500 && refused > 200, "%u taken, %u refused", taken, refused);
}

/* ---- what it is told --------------------------------------------------------------------------------------------- */

struct told {
    struct collect collect;
    const uint8_t *block; /* offset 0 of it would be here */
    uint32_t block_phys, block_end, entry;
};

static void read_back(struct told *told)
{
    const struct collected *data = find_item(&told->collect, FW_KEY_SETUP_DATA),
                           *rom = find_file(&told->collect, FW_MULTIBOOT_FILE);
    uint8_t total = 0;
    for (size_t i = 0; i < rom->bytes; i++)
        total = (uint8_t)(total + rom->data[i]);
    cr_assert(total == 0 && rom->data[2] * 512u == rom->bytes, "checksum of the option ROM");
    told->block = (const uint8_t *)((uintptr_t)data->data - INFO);
    told->block_phys = vx_get_le32(rom->data + rom->bytes - 16) << 4;
    cr_assert_eq(vx_get_le32(rom->data + rom->bytes - 12), data->bytes);
    told->block_end = told->block_phys + INFO + (uint32_t)data->bytes;
    told->entry = vx_get_le32(rom->data + rom->bytes - 8);
}

/* A word, or a text, at a guest address in the block. */
static uint32_t word_at(const struct told *told, uint32_t phys)
{
    cr_assert(phys >= told->block_phys + INFO && phys + 4 <= told->block_end, "%x is outside of the block", phys);
    return vx_get_le32(told->block + (phys - told->block_phys));
}

static const char *text_at(const struct told *told, uint32_t phys)
{
    cr_assert(phys >= told->block_phys + INFO && phys < told->block_end, "%x is outside of the block", phys);
    return (const char *)told->block + (phys - told->block_phys);
}

static uint32_t info(const struct told *told, unsigned off)
{
    return word_at(told, told->block_phys + INFO + off);
}

static void check_script(const struct told *told, const uint32_t (*expected)[4], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < 4; j++)
            cr_assert_eq(word_at(told, told->block_phys + SCRIPT + 16 * i + 4 * j), expected[i][j],
                         "line %u of the script, number %u", i, j);
}

Test(multiboot, elf_with_modules)
{
    static const struct vx_boot_module modules[] = { { 0, 5000, "one a=b" }, { 5000, 4096, "two" }, { 9096, 1, "" } };
    static const uint32_t script[][4] = {
        { FW_KEY_KERNEL_DATA, 0x1000, 4096, 0x100000 },
        { FW_KEY_KERNEL_DATA, 0x2000, 4096, 0x200000 },
        { 0, 4, 8192, 0x201000 },
        { FW_KEY_INITRD_DATA, 0, 5000, 0x203000 },
        { FW_KEY_INITRD_DATA, 5000, 4096, 0x205000 },
        { FW_KEY_INITRD_DATA, 9096, 1, 0x206000 },
        { 0, 0, 0, 0 },
    };
    uint8_t file[FILE_BYTES];
    static uint8_t initrd[9097];
    char said[TEXT_BYTES];
    struct told told;
    make_elf(file);
    struct vx_fw_config config = { .ram_bytes = 16 * MIB,
                                   .kernel = file,
                                   .kernel_bytes = sizeof file,
                                   .kernel_name = "dir/kernel",
                                   .initrd = initrd,
                                   .initrd_bytes = sizeof initrd,
                                   .modules = modules,
                                   .module_count = VX_ARRAY_LEN(modules),
                                   .append = "root=hd0 -s" };
    cr_assert_eq(build(&told.collect, config, said), VX_ERR_OK, "%s", said);
    read_back(&told);
    cr_assert_eq(told.entry, 0x100010);
    check_script(&told, script, VX_ARRAY_LEN(script));
    cr_assert_eq(info(&told, 0), 0x24F);
    cr_assert_eq(info(&told, 12), 0x8000FFFF);
    cr_assert_str_eq(text_at(&told, info(&told, 16)), "dir/kernel root=hd0 -s");
    cr_assert_eq(info(&told, 20), VX_ARRAY_LEN(modules));
    for (unsigned i = 0; i < VX_ARRAY_LEN(modules); i++) {
        uint32_t at = info(&told, 24) + 16 * i;
        cr_assert_eq(word_at(&told, at), script[3 + i][3], "module %u", i);
        cr_assert_eq(word_at(&told, at + 4), script[3 + i][3] + modules[i].bytes, "module %u", i);
        cr_assert_str_eq(text_at(&told, word_at(&told, at + 8)), modules[i].command_line);
    }
    cr_assert_eq(info(&told, 48), told.block_phys + MAP);
    cr_assert_str_eq(text_at(&told, info(&told, 64)), "vx86");
    cr_assert_str_eq((const char *)find_file(&told.collect, "bootorder")->data, "/rom@genroms/multiboot.bin\nHALT\n");
    collect_fini(&told.collect);
}

Test(multiboot, low_kernels)
{
    /* A kernel wherever it likes below 640 KiB; the block has to keep out of its way. */
    uint8_t file[FILE_BYTES];
    char said[TEXT_BYTES];
    for (uint32_t load = 0x1000; load + FILE_BYTES + 4096 <= 0x9F000; load += 0x3000) {
        struct told told;
        make_aout(file);
        put32s(file + HEADER_OFF + 12,
               (const uint32_t[]){ load + HEADER_OFF, load, load + FILE_BYTES, load + FILE_BYTES + 4096, load + 64 },
               5);
        cr_assert_eq(build_plain(&told.collect, file, sizeof file, said), VX_ERR_OK, "%x: %s", load, said);
        read_back(&told);
        cr_assert(told.block_phys >= 0x10000 && told.block_end <= 0x90000, "block at %x", told.block_phys);
        cr_assert(told.block_end <= load || told.block_phys >= load + FILE_BYTES + 4096, "block at %x, kernel at %x",
                  told.block_phys, load);
        collect_fini(&told.collect);
    }
}

Test(multiboot, video_wish)
{
    uint8_t file[FILE_BYTES];
    char said[TEXT_BYTES];
    struct told told;
    make_elf(file);
    put_header(file + HEADER_OFF, 7);
    cr_assert_eq(build_plain(&told.collect, file, sizeof file, said), VX_ERR_OK, "%s", said);
    read_back(&told);
    cr_assert_eq(info(&told, 0), 0x124F);
    cr_assert(info(&told, 88) == 0xB8000 && info(&told, 96) == 160 && info(&told, 100) == 80 && info(&told, 104) == 25);
    cr_assert_eq(info(&told, 108), 2 << 8 | 16, "EGA text, 16 bits a character");
    collect_fini(&told.collect);
}

Test(multiboot, room)
{
    static const struct {
        const char *what;
        unsigned ram_kib, module_kib, append_chars;
        const char *said;
    } rows[] = {
        { "fits", 16384, 100, 10, NULL },
        { "modules just fit", 16384, 16384 - 512 - 2060, 10, NULL },
        { "modules just do not fit", 16384, 16384 - 512 - 2060 + 1, 10, "kernel and modules need 17 MiB of memory" },
        { "kernel just does not fit", 2048 + 12 + 511, 0, 10, "kernel needs 3 MiB of memory" },
        { "longest command line", 16384, 1, 65536 - 0x1C80 - 6 * 16 - 16 - 2 - 5 - 1, NULL },
        { "command line too long", 16384, 1, 65536 - 0x1C80 - 6 * 16 - 16 - 2 - 5, "too long by 1 characters" },
    };
    uint8_t file[FILE_BYTES];
    char said[TEXT_BYTES];
    static char append[70000];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        struct vx_boot_module module = { 0, (size_t)rows[i].module_kib << 10, "m" };
        uint8_t *initrd = calloc(1, module.bytes + 1);
        make_elf(file);
        memset(append, 'a', sizeof append);
        append[rows[i].append_chars] = '\0';
        struct vx_fw_config config = { .ram_bytes = (uint64_t)rows[i].ram_kib << 10,
                                       .kernel = file,
                                       .kernel_bytes = sizeof file,
                                       .initrd = initrd,
                                       .initrd_bytes = module.bytes,
                                       .modules = &module,
                                       .module_count = module.bytes != 0,
                                       .append = append };
        vx_err err = build(&collect, config, said);
        cr_assert_eq(err, rows[i].said == NULL ? VX_ERR_OK : VX_ERR_RANGE, "%s: %s", rows[i].what, said);
        cr_assert(rows[i].said == NULL || (strstr(said, rows[i].said) != NULL && lines(said) == 1), "%s: %s",
                  rows[i].what, said);
        collect_fini(&collect);
        free(initrd);
    }
}
