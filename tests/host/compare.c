/* compare.c - two outcomes of one program: the first difference, in words. */
#include "hostfuzz.h"

#include <string.h>

static const char *const gpr_names[8] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
static const char *const seg_names[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

enum {
    FLAGS_KNOWN = 0x003F7FD5, /* all there are */
    FLAG_RF = 0x10000,
    FX_ST = 32,
    FX_XMM = 160,
    FX_XMM_END = 288,
};

/* Byte ranges of the FXSAVE image: what is compared as it is. Behind the tags come the pointers. */
static const struct {
    uint16_t first, bytes;
    const char *name;
} fx_fields[] = { { 0, 2, "FCW" }, { 2, 2, "FSW" }, { 4, 1, "FTW (abridged)" }, { 24, 4, "MXCSR" } };

#define SAY(...) snprintf(found->text, sizeof found->text, __VA_ARGS__)

static bool same_bytes(const uint8_t *host, const uint8_t *guest, unsigned bytes, const char *name, unsigned n,
                       struct hf_difference *found)
{
    char text[2][40] = { "", "" };
    if (memcmp(host, guest, bytes) == 0)
        return true;
    for (unsigned i = 0; i < bytes; i++) {
        snprintf(text[0] + 2 * i, 3, "%02x", host[bytes - 1 - i]);
        snprintf(text[1] + 2 * i, 3, "%02x", guest[bytes - 1 - i]);
    }
    SAY("%s%u: host %s, guest %s", name, n, text[0], text[1]);
    return false;
}

static bool same_fx(const uint8_t *host, const uint8_t *guest, struct hf_difference *found)
{
    if (memcmp(host, guest, 6) == 0 && memcmp(host + 24, guest + 24, 4) == 0 &&
        memcmp(host + FX_XMM, guest + FX_XMM, FX_XMM_END - FX_XMM) == 0) {
        bool same = true;
        for (unsigned i = 0; i < 8; i++)
            same &= memcmp(host + FX_ST + 16 * i, guest + FX_ST + 16 * i, 10) == 0;
        if (same)
            return true;
    }
    for (unsigned i = 0; i < sizeof fx_fields / sizeof fx_fields[0]; i++) {
        unsigned at = fx_fields[i].first;
        uint32_t a = 0, b = 0;
        memcpy(&a, host + at, fx_fields[i].bytes);
        memcpy(&b, guest + at, fx_fields[i].bytes);
        if (a != b) {
            SAY("%s: host %04x, guest %04x", fx_fields[i].name, a, b);
            return false;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (!same_bytes(host + FX_ST + 16 * i, guest + FX_ST + 16 * i, 10, "ST", i, found))
            return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (!same_bytes(host + FX_XMM + 16 * i, guest + FX_XMM + 16 * i, 16, "XMM", i, found))
            return false;
    }
    return true;
}

/* A null selector loses its RPL when the host's kernel returns to user mode, at any time. */
static uint16_t null_selector(uint16_t sel)
{
    return sel & ~3u ? sel : 0;
}

static bool same_registers(const struct hf_outcome *host, const struct hf_outcome *guest, struct hf_difference *found)
{
    bool out = host->end == HF_END_OUT;
    uint32_t flags = out ? FLAGS_KNOWN & ~(uint32_t)FLAG_RF : FLAGS_KNOWN;
    for (unsigned i = 0; i < 8; i++) {
        if (host->state.gpr[i] != guest->state.gpr[i]) {
            SAY("%s: host %08x, guest %08x", gpr_names[i], host->state.gpr[i], guest->state.gpr[i]);
            return false;
        }
    }
    if ((host->state.eflags ^ guest->state.eflags) & flags) {
        SAY("eflags: host %06x, guest %06x, differ %06x", host->state.eflags & flags, guest->state.eflags & flags,
            (host->state.eflags ^ guest->state.eflags) & flags);
        return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        uint16_t a = null_selector(host->state.seg[i]), b = null_selector(guest->state.seg[i]);
        if (a != b && !(out && i == 1)) {
            SAY("%s: host %04x, guest %04x", seg_names[i], host->state.seg[i], guest->state.seg[i]);
            return false;
        }
    }
    return true;
}

void hf_compare(const struct hf_outcome *host, const struct hf_outcome *guest, struct hf_difference *found)
{
    static const char *const ends[] = { "comes to its end", "trap", "does not end", "system call", "lost" };
    found->text[0] = 0;
    if (host->end != guest->end || host->trap != guest->trap || host->error != guest->error ||
        (host->trap == 14 && host->cr2 != guest->cr2) ||
        (host->end == HF_END_TRAP && host->state.eip != guest->state.eip)) {
        SAY("host: %s %u error %x cr2 %x eip %x; guest: %s %u error %x cr2 %x eip %x", ends[host->end], host->trap,
            host->error, host->trap == 14 ? host->cr2 : 0, host->end == HF_END_OUT ? 0 : host->state.eip,
            ends[guest->end], guest->trap, guest->error, guest->trap == 14 ? guest->cr2 : 0,
            guest->end == HF_END_OUT ? 0 : guest->state.eip);
        return;
    }
    if (same_registers(host, guest, found))
        same_fx(host->state.fx, guest->state.fx, found);
}
