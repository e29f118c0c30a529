/* priv_pads.c - pieces that call a little code in a data page again and again while what the page holds, or which page
 * it is, changes between the calls: translations, chains and jump caches of old mappings must not come back.
 *
 * Each data page has two pads: MOV AL, number; RET at PF_PAD, and another one that begins in its last byte, whose
 * number and RET are the next page's first bytes. The caller adds AL to a cell, so that one wrong call is seen at the
 * end. */
#include "gen.h"
#include "priv.h"

static void put2(struct gen *g, unsigned a, unsigned b)
{
    put(g, a);
    put(g, b);
}

/* Opcode, ModRM.reg and a linear address, in flat 32-bit code. */
static void put_op_lin(struct gen *g, unsigned opcode, unsigned reg, uint32_t lin)
{
    put2(g, opcode, reg << 3 | 5);
    put_value(g, lin, 4);
}

static uint32_t entry_of(const struct gen *g, uint32_t page, bool second)
{
    if (g->setup->paging == PAGING_PAE)
        return PF_SEEN(second ? PF_PT_PAE_B : PF_PT_PAE_A) + 8 * page;
    return PF_SEEN(second ? PF_PT_B : PF_PT_A) + 4 * page;
}

/* Another frame for the page: in the present tables, or, where the entry is global, in both. */
static void put_remap(struct gen *g, uint32_t page)
{
    uint32_t change = 1u << (VX_PAGE_SHIFT + pick(g, 4));
    bool second = chance(g, 2);
    for (unsigned i = 0; i < (pf_global_page(page) ? 2 : 1); i++) {
        put_op_lin(g, 0x81, 6, entry_of(g, page, i == 0 ? second : !second));
        put_value(g, change, 4);
    }
    put(g, 0x0F);
    put_op_lin(g, 0x01, 7, page << VX_PAGE_SHIFT);
}

static void put_other_root(struct gen *g)
{
    put(g, 0x0F), put2(g, 0x20, 0xD8);
    put(g, 0x35);
    put_value(g, g->setup->paging == PAGING_PAE ? PF_ROOT_PAE_A ^ PF_ROOT_PAE_B : PF_ROOT_A ^ PF_ROOT_B, 4);
    put(g, 0x0F), put2(g, 0x22, 0xD8);
}

static void put_change(struct gen *g, uint32_t page, uint32_t pad)
{
    bool tables = g->setup->cpl == 0 && g->setup->paging != PAGING_OFF;
    uint32_t alias = g->setup->paging == PAGING_PAE ? 0x200000 : 0x400000;
    uint32_t lin = pad + 1 + (g->setup->paging != PAGING_OFF && chance(g, 2) ? alias : 0);
    switch (tables ? pick(g, 6) : 4 + pick(g, 2)) {
    case 0:
    case 1:
    case 2: put_remap(g, page); break;
    case 3: put_other_root(g); break;
    case 4: put_op_lin(g, 0xFE, 0, lin); break; /* INC byte: the number */
    default:
        put_op_lin(g, 0x80, 6, lin);
        put(g, 0x40);
        break;
    }
}

static void put_call(struct gen *g, uint32_t pad)
{
    if (chance(g, 2)) { /* CALL rel32 */
        put(g, 0xE8);
        put_value(g, pad - (PF_CODE + g->at + g->piece->len + 4), 4);
    } else {
        put_mov_imm(g, VX_RAX, pad);
        put2(g, 0xFF, 0xD0);
    }
}

void pf_gen_pad(struct gen *g)
{
    uint32_t page = (PF_DATA >> VX_PAGE_SHIFT) + pick(g, 15);
    uint32_t pad = (page << VX_PAGE_SHIFT) + (chance(g, 3) ? VX_PAGE_MASK : PF_PAD);
    if (!g->setup->flat) {
        g->overflow = true;
        return;
    }
    put2(g, 0x6A, 2 + pick(g, 5)); /* so many times, counted on the stack */
    unsigned again = g->piece->len;
    put_change(g, page + ((pad & VX_PAGE_MASK) == VX_PAGE_MASK && chance(g, 2)), pad);
    put_call(g, pad);
    put_op_lin(g, 0x00, VX_RAX, PF_STACK + 0x100 + (page & 15)); /* ADD [cell], AL */
    put(g, 0xFF), put2(g, 0x0C, 0x24);
    put2(g, 0x75, (again - g->piece->len - 2) & 0xFF);
    put(g, 0x58);
}
