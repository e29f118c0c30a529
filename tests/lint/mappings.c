/* mappings.c - while a translator lives and has run code, no mapping of the process is writable and executable, and no
 * executable mapping of its cache is where a writable pointer of the process leads by accident: the two views are
 * apart. */
#include "rig.h"

#include <sys/mman.h>

enum { CODE_AT = 0x8000, ROUNDS = 1000 };

/* MOV CX, ROUNDS; INC word [9000h]; ADD AX, CX; LOOP; HLT: chained, with memory accesses and a poll. */
static const uint8_t code[] = {
    0xB9, ROUNDS & 0xFF, ROUNDS >> 8, 0xFF, 0x06, 0x00, 0x90, 0x01, 0xC8, 0xE2, 0xF8, 0xF4,
};

static bool run(struct rig *rig)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    uint16_t count = 0;
    vx_cpu_reset(vcpu, false);
    vx_pmap_write(rig->pmap, CODE_AT, code, sizeof code);
    bool ok = vx_cpu_far_jump(vcpu, 0, CODE_AT, 0) && vx_cpu_load_seg(vcpu, VX_DS, 0);
    ok = ok && rig_run(rig, 0) == RIG_HALT;
    vx_pmap_read(rig->pmap, 0x9000, &count, sizeof count);
    return ok && count == ROUNDS && rig->stats.tu_translated > 0;
}

/* Counts executable mappings of the translation cache, complains about any that is writable too. */
static bool look_at_mappings(unsigned *executable)
{
    char line[512];
    bool ok = true;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL)
        return false;
    while (fgets(line, sizeof line, maps) != NULL) {
        char rights[5] = "";
        if (sscanf(line, "%*s %4s", rights) != 1)
            continue;
        if (rights[1] == 'w' && rights[2] == 'x') {
            fprintf(stderr, "writable and executable: %s", line);
            ok = false;
        }
        if (rights[2] == 'x' && strstr(line, "translation cache") != NULL)
            ++*executable;
    }
    fclose(maps);
    return ok;
}

/* The look finds what it is there to find. */
static bool finds_a_bad_one(void)
{
    unsigned executable = 0;
    void *bad = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bad == MAP_FAILED) /* the system forbids what we are after: nothing to find */
        return true;
    bool found = !look_at_mappings(&executable);
    munmap(bad, 4096);
    return found;
}

int main(void)
{
    struct rig rig;
    unsigned executable = 0;
    rig_create(&rig, &(struct vx_bt_config){ .tu_max = 0 });
    bool ran = run(&rig);
    bool ok = look_at_mappings(&executable);
    rig_destroy(&rig);
    if (!ran || executable == 0) {
        fprintf(stderr, "nothing was translated and run: %u executable mappings of the cache\n", executable);
        return 1;
    }
    if (ok && !finds_a_bad_one()) {
        fprintf(stderr, "a mapping that is writable and executable was not found\n");
        return 1;
    }
    return ok ? 0 : 1;
}
