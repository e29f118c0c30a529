/* changes.c - which registers have changed from one stop to the next. */
#include "dbg.h"

enum { FX_STATUS = 2, FX_ST = 32, FX_XMM = 160, FX_SLOT = 16, ST_BYTES = 10 };

static const char *const followed[DBG_FOLLOWED] = {
    "eax", "ecx", "edx", "ebx", "esp",  "ebp",  "esi",       "edi",       "cs",  "ss",  "ds",  "es",
    "fs",  "gs",  "tr",  "cpl", "ldtr", "efer", "gdtr.base", "idtr.base", "cr0", "cr2", "cr3", "cr4",
};

static void take(const struct debugger *dbg, struct dbg_snapshot *snapshot)
{
    for (unsigned i = 0; i < DBG_FOLLOWED; i++)
        VX_ASSERT(dbg_register_get(dbg, followed[i], &snapshot->value[i]));
    snapshot->eflags = vx_eflags(dbg->vcpu);
    memcpy(snapshot->fx, dbg->vcpu->fx, sizeof snapshot->fx);
}

void dbg_snapshot_at_stop(struct debugger *dbg)
{
    dbg->before = dbg->now;
    take(dbg, &dbg->now);
}

/* "  " before the first of a line, " " before others. */
static void begin_item(struct debugger *dbg, unsigned *items)
{
    dbg_say(dbg, "%s", (*items)++ == 0 ? "  " : " ");
}

static void show_wide(struct debugger *dbg, const char *name, unsigned number, const uint8_t *value, unsigned bytes,
                      unsigned *items)
{
    begin_item(dbg, items);
    dbg_say(dbg, "%s%u=", name, number);
    while (bytes-- > 0)
        dbg_say(dbg, "%02x", value[bytes]);
}

static unsigned top_of(const struct dbg_snapshot *snapshot)
{
    return snapshot->fx[FX_STATUS + 1] >> 3 & 7;
}

/* Physical registers are compared: a push leaves the values of all but one as they were. */
static void show_x87(struct debugger *dbg, const struct dbg_snapshot *now, unsigned *items)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned was = (i + top_of(now) - top_of(&dbg->before)) & 7;
        const uint8_t *slot = now->fx + FX_ST + (size_t)i * FX_SLOT;
        if (memcmp(slot, dbg->before.fx + FX_ST + (size_t)was * FX_SLOT, ST_BYTES) != 0)
            show_wide(dbg, "st", i, slot, ST_BYTES, items);
    }
}

static void show_xmm(struct debugger *dbg, const struct dbg_snapshot *now, unsigned *items)
{
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *slot = now->fx + FX_XMM + (size_t)i * FX_SLOT;
        if (memcmp(slot, dbg->before.fx + FX_XMM + (size_t)i * FX_SLOT, FX_SLOT) != 0)
            show_wide(dbg, "xmm", i, slot, FX_SLOT, items);
    }
}

bool dbg_show_changes(struct debugger *dbg)
{
    struct dbg_snapshot now;
    unsigned items = 0;
    take(dbg, &now);
    for (unsigned i = 0; i < DBG_FOLLOWED; i++) {
        if (now.value[i] == dbg->before.value[i])
            continue;
        begin_item(dbg, &items);
        dbg_say(dbg, "%s=%0*" PRIx64, followed[i], (int)dbg_register_bytes(followed[i]) * 2, now.value[i]);
    }
    if (now.eflags != dbg->before.eflags) {
        char text[100];
        dbg_flags_text(now.eflags, text, sizeof text);
        begin_item(dbg, &items);
        dbg_say(dbg, "%s", text);
    }
    show_x87(dbg, &now, &items);
    show_xmm(dbg, &now, &items);
    if (items != 0)
        dbg_say(dbg, "\n");
    return items != 0;
}
