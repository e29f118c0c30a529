/* state.c - the rows of vcpu_state.def at run time, and a vCPU as a string of bytes.
 *
 * Loading reads all values into a copy first, looks at them row by row (struct vx_state_row.max) and together
 * (check()), and only then changes the vCPU.
 *
 *   I1  Nothing is read from the input without having been counted. */
#include "vx86/vcpu_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu_model.h"
#include "creg.h"
#include "vx86/cpu.h"

#define VERSION 1u

static const char magic[8] = { 'v', 'x', '8', '6', 'v', 'c', 'p', 'u' };

static const struct vx_state_row rows[] = {
#define VCPU_NUMBER(its_name, member, most, digits, its_uses, its_bits) \
    { its_name, most, offsetof(struct vx_vcpu, member), sizeof(((struct vx_vcpu *)0)->member), its_uses, its_bits },
#define VCPU_BYTES(its_name, member, count, most, its_uses, its_bits) \
    { its_name, most, offsetof(struct vx_vcpu, member), count, its_uses, its_bits },
#include "vx86/vcpu_state.def"
};

const struct vx_state_row *vx_state_row(unsigned n)
{
    return n < VX_ARRAY_LEN(rows) ? &rows[n] : NULL;
}

const struct vx_state_row *vx_state_find(const char *name)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* ---- setting ----------------------------------------------------------------------------------------------------- */

static bool set_cr(struct vx_vcpu *cpu, unsigned n, uint64_t value)
{
    uint8_t cpl = cpu->cpl;
    cpu->cpl = 0;
    bool done = vx_cpu_write_cr(cpu, n, value);
    cpu->cpl = cpl;
    return done;
}

bool vx_state_set(struct vx_vcpu *cpu, const struct vx_state_row *row, uint64_t value)
{
    const void *const at = vx_state_at(cpu, row);
    const uint64_t *const cr[] = { &cpu->cr0, NULL, &cpu->cr2, &cpu->cr3, &cpu->cr4 };
    if (!(row->uses & VX_STATE_SETTABLE) || (row->max != 0 && value > row->max))
        return false;
    for (unsigned n = 0; n < VX_ARRAY_LEN(cr); n++)
        if (at == cr[n])
            return set_cr(cpu, n, value);
    for (unsigned seg = 0; seg < VX_SEG_COUNT; seg++)
        if (at == &cpu->seg[seg].sel)
            return vx_cpu_load_seg(cpu, (enum vx_segment)seg, (uint16_t)value);
    memcpy(vx_state_at(cpu, row), &value, row->bytes < sizeof value ? row->bytes : sizeof value);
    return true;
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

struct writer {
    uint8_t *out;
    size_t room, count;
};

static void put(struct writer *to, const void *bytes, size_t count)
{
    if (to->count + count <= to->room)
        memcpy(to->out + to->count, bytes, count);
    to->count += count;
}

static void put_number(struct writer *to, uint64_t value, size_t bytes)
{
    put(to, &value, bytes);
}

size_t vx_vcpu_save(const struct vx_vcpu *cpu, uint8_t *out, size_t room)
{
    struct writer to = { .out = out, .room = room };
    put(&to, magic, sizeof magic);
    put_number(&to, VERSION, 2);
    put_number(&to, VX_ARRAY_LEN(rows), 2);
    put_number(&to, cpu->model->signature, 4);
    put_number(&to, cpu->model->features, 8);
    put_number(&to, cpu->model->phys_bits, 1);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        size_t length = strlen(rows[i].name);
        put_number(&to, length, 1);
        put(&to, rows[i].name, length);
        put_number(&to, rows[i].bytes, 2);
        put(&to, (const uint8_t *)cpu + rows[i].off, rows[i].bytes);
    }
    return to.count;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at;
    size_t left;
    char *problem;
    size_t room;
};

/* Says what is wrong; returns false. */
VX_PRINTF(2, 3) static bool refuse(struct reader *in, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(in->problem, in->room, format, args);
    va_end(args);
    return false;
}

/* The next bytes; NULL when there are not so many: keeps I1. */
static const uint8_t *take(struct reader *in, size_t bytes)
{
    if (bytes > in->left)
        return NULL;
    in->at += bytes;
    in->left -= bytes;
    return in->at - bytes;
}

static bool take_number(struct reader *in, size_t bytes, uint64_t *value)
{
    const uint8_t *at = take(in, bytes);
    *value = 0;
    if (at == NULL)
        return refuse(in, "the input is cut off");
    memcpy(value, at, bytes);
    return true;
}

static bool take_header(struct reader *in, const struct vx_cpu_model *model)
{
    uint64_t version, count, signature, features, phys_bits;
    const uint8_t *at = take(in, sizeof magic);
    if (at == NULL || memcmp(at, magic, sizeof magic) != 0)
        return refuse(in, "this is no state of a vCPU");
    if (!take_number(in, 2, &version) || !take_number(in, 2, &count) || !take_number(in, 4, &signature) ||
        !take_number(in, 8, &features) || !take_number(in, 1, &phys_bits))
        return false;
    if (version != VERSION || count != VX_ARRAY_LEN(rows))
        return refuse(in, "the state is of another version of vx86");
    if (signature != model->signature || features != model->features || phys_bits != model->phys_bits)
        return refuse(in, "the state is of another CPU model");
    return true;
}

static bool take_row(struct reader *in, const struct vx_state_row *row, struct vx_vcpu *loaded)
{
    uint64_t length, bytes, value = 0;
    if (!take_number(in, 1, &length))
        return false;
    const uint8_t *name = take(in, (size_t)length);
    if (name == NULL || length != strlen(row->name) || memcmp(name, row->name, (size_t)length) != 0 ||
        !take_number(in, 2, &bytes) || bytes != row->bytes)
        return refuse(in, "%s: missing or of another size", row->name);
    const uint8_t *at = take(in, row->bytes);
    if (at == NULL)
        return refuse(in, "%s: the input is cut off", row->name);
    memcpy(&value, at, row->bytes < sizeof value ? row->bytes : sizeof value);
    if (row->max != 0 && value > row->max)
        return refuse(in, "%s: %llx is out of range", row->name, (unsigned long long)value);
    memcpy(vx_state_at(loaded, row), at, row->bytes);
    return true;
}

/* What the engines rely on and rows alone do not say: NULL, or the row that is wrong. */
static const char *check(const struct vx_vcpu *cpu)
{
    const struct vx_cpu_model *model = cpu->model;
    const uint64_t above = ~((1ull << model->phys_bits) - 1);
    const uint32_t flags = (VX_FL_MASK & ~(uint32_t)(VX_FL_IF | VX_FL_DF)) | VX_FL_1;
    if ((cpu->eflags & ~flags) != 0 || !(cpu->eflags & VX_FL_1) || (vx_vm86(cpu) && vx_real_mode(cpu)))
        return "eflags";
    if ((cpu->cr0 & ~(uint64_t)(cpu_cr0_mask(model) | VX_CR0_ET)) != 0 || ((cpu->cr0 & VX_CR0_PG) && vx_real_mode(cpu)))
        return "cr0";
    if ((cpu->cr4 & ~(uint64_t)cpu_cr4_mask(model)) != 0)
        return "cr4";
    if ((cpu->efer & ~(uint64_t)VX_EFER_NXE) != 0)
        return "efer";
    if (vx_real_mode(cpu) ? cpu->cpl != 0 : vx_vm86(cpu) && cpu->cpl != 3)
        return "cpl";
    if ((cpu->cr0 & VX_CR0_PG) && (cpu->cr4 & VX_CR4_PAE))
        for (unsigned i = 0; i < VX_ARRAY_LEN(cpu->pdpte); i++)
            if (!vx_mmu_pdpte_valid(cpu->pdpte[i], model->phys_bits))
                return "pdpte";
    if ((cpu->monitor.phys & (sizeof cpu->monitor.line - 1)) != 0 || (cpu->monitor.phys & above) != 0)
        return "monitor address";
    return NULL;
}

static void commit(struct vx_vcpu *cpu, const struct vx_vcpu *loaded)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        memcpy(vx_state_at(cpu, &rows[i]), (const uint8_t *)loaded + rows[i].off, rows[i].bytes);
    creg_restored(cpu);
    uint32_t pending = (cpu->intr_line ? VX_ATTN_INTR : 0u) | (cpu->nmi_pending ? VX_ATTN_NMI : 0u) |
                       (cpu->smi_pending ? VX_ATTN_SMI : 0u);
    if (pending != 0)
        vx_vcpu_raise(cpu, pending);
}

static bool take_all(struct reader *in, struct vx_vcpu *loaded)
{
    if (!take_header(in, loaded->model))
        return false;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        if (!take_row(in, &rows[i], loaded))
            return false;
    const char *wrong = check(loaded);
    if (wrong != NULL)
        return refuse(in, "%s: no CPU has this value", wrong);
    return in->left == 0 || refuse(in, "there is more behind the end");
}

vx_err vx_vcpu_load(struct vx_vcpu *cpu, const uint8_t *bytes, size_t count, char *problem, size_t room)
{
    struct reader in = { .at = bytes, .left = count, .problem = problem, .room = room };
    struct vx_vcpu *loaded = aligned_alloc(64, (sizeof *loaded + 63) & ~(size_t)63);
    if (loaded == NULL)
        return VX_ERR_NO_MEMORY;
    memcpy(loaded, cpu, sizeof *loaded);
    bool good = take_all(&in, loaded);
    if (good)
        commit(cpu, loaded);
    free(loaded);
    return good ? VX_ERR_OK : VX_ERR_BAD_FORMAT;
}
