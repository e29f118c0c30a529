/* test_hostfault.c - which host signals in translated code are the guest's, and which are passed on to whoever was
 * there before. */
#include <criterion/criterion.h>
#include <signal.h>
#include <ucontext.h>

#include "support/fragments.h"

#include "hostfault.h" /* of bt/ */
#include "stubs.h"

#define JC_END (BT_POISON + BT_JC_ENTRIES * 8u)

static const struct {
    const char *name;
    enum bt_site_kind site;
    int sig, code;
    uint64_t address;
    bool ours;
} cases[] = {
    { "a poll at the poison", SITE_POLL, SIGSEGV, SEGV_MAPERR, BT_POISON, true },
    { "... where something unreadable is mapped", SITE_POLL, SIGSEGV, SEGV_ACCERR, BT_POISON, true },
    { "a poll in front of the poison", SITE_POLL, SIGSEGV, SEGV_MAPERR, BT_POISON - 1, false },
    { "a poll behind the poison", SITE_POLL, SIGSEGV, SEGV_MAPERR, BT_POISON + 8, false },
    { "a poll at a stray address", SITE_POLL, SIGSEGV, SEGV_MAPERR, 0x7F0012345678, false },
    { "a poll through no address at all", SITE_POLL, SIGSEGV, SI_KERNEL, 0, false },
    { "SIGSEGV sent by process 24 at a poll", SITE_POLL, SIGSEGV, SI_USER, BT_POISON, false },
    { "SIGBUS at a poll", SITE_POLL, SIGBUS, BUS_ADRERR, BT_POISON, false },
    { "SIGFPE at a poll", SITE_POLL, SIGFPE, FPE_INTDIV, BT_POISON, false },
    { "the jump cache's first entry, poisoned", SITE_POLL_INDIRECT, SIGSEGV, SEGV_MAPERR, BT_POISON, true },
    { "the jump cache's last entry, poisoned", SITE_POLL_INDIRECT, SIGSEGV, SEGV_MAPERR, JC_END - 8, true },
    { "behind the poisoned jump cache", SITE_POLL_INDIRECT, SIGSEGV, SEGV_MAPERR, JC_END, false },
    { "in front of the poisoned jump cache", SITE_POLL_INDIRECT, SIGSEGV, SEGV_MAPERR, BT_POISON - 8, false },
    { "a jump cache that is not there", SITE_POLL_INDIRECT, SIGSEGV, SEGV_MAPERR, 0x7F0012345678, false },
    { "#DE", SITE_FAULT, SIGFPE, FPE_INTDIV, 0x7F0000000000, true },
    { "#MF", SITE_FAULT, SIGFPE, FPE_FLTINV, 0x7F0000000000, true },
    { "#GP by alignment", SITE_FAULT, SIGSEGV, SI_KERNEL, 0, true },
    { "#SS", SITE_FAULT, SIGBUS, SI_KERNEL, 0, true },
    { "#AC", SITE_FAULT, SIGBUS, BUS_ADRALN, 0, true },
    { "#UD", SITE_FAULT, SIGILL, ILL_ILLOPN, 0x7F0000000000, true },
    { "a page fault of an instruction", SITE_FAULT, SIGSEGV, SEGV_MAPERR, 0x7F0012345678, false },
    { "a page fault at the poison that is no poll's", SITE_FAULT, SIGSEGV, SEGV_MAPERR, BT_POISON, false },
    { "memory beyond the end of its file", SITE_FAULT, SIGBUS, BUS_ADRERR, 0x7F0012345678, false },
    { "SIGFPE sent by a process", SITE_FAULT, SIGFPE, SI_USER, 0, false },
};

static volatile sig_atomic_t passed_on;

static void before(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    passed_on++;
}

static void be_there_before(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    struct sigaction action = { .sa_sigaction = before, .sa_flags = SA_SIGINFO };
    for (unsigned i = 0; i < VX_ARRAY_LEN(signals); i++)
        cr_assert_eq(sigaction(signals[i], &action, NULL), 0);
}

static const struct bt_site *site_of(const struct bt_tu *tu, enum bt_site_kind kind)
{
    for (unsigned i = 0; i < tu->site_count; i++)
        if (tu->sites[i].kind == kind)
            return &tu->sites[i];
    abort();
}

/* Calls the handler as the kernel would, at offset `at` of the cache at that address; where it goes on. */
static uint64_t signalled(uint64_t cache, uint64_t at, int sig, int code, uint64_t address, uint64_t *reason)
{
    struct sigaction action;
    ucontext_t context = { .uc_mcontext.gregs[REG_RIP] = (greg_t)(cache + at) };
    siginfo_t info = { .si_signo = sig, .si_code = code };
    info.si_addr = (void *)(uintptr_t)address;
    sigaction(sig, NULL, &action);
    action.sa_sigaction(sig, &info, &context);
    *reason = (uint64_t)context.uc_mcontext.gregs[REG_R9];
    return (uint64_t)context.uc_mcontext.gregs[REG_RIP] - cache;
}

static enum fragment_id with_site(enum bt_site_kind kind)
{
    return kind == SITE_POLL ? FRAGMENT_LOOP : FRAGMENT_FP;
}

Test(hostfault, which_are_the_guests)
{
    be_there_before();
    for (unsigned i = 0; i < VX_ARRAY_LEN(cases); i++) {
        struct rig rig;
        struct bt_tu *tu = fragment_make(&rig, with_site(cases[i].site));
        uint64_t reason, at = tu->entry + site_of(tu, cases[i].site)->start;
        bt_hostfault_enter(rig.cpu);
        passed_on = 0;
        uint64_t to =
            signalled(bt_code_address(&rig.bt->code, 0), at, cases[i].sig, cases[i].code, cases[i].address, &reason);
        cr_expect_eq(passed_on, !cases[i].ours, "%s: %s", cases[i].name, passed_on ? "passed on" : "taken");
        cr_expect_eq(to, cases[i].ours ? rig.bt->host->stub.leave : at, "%s", cases[i].name);
        if (cases[i].ours)
            cr_expect_eq(reason, cases[i].site == SITE_FAULT ? EXIT_FAULT : EXIT_POLL, "%s", cases[i].name);
        rig_destroy(&rig);
    }
}

/* Beside every site, in the stubs and outside of the cache nothing is ours; nor is anything once the translator is
 * gone. */
Test(hostfault, elsewhere)
{
    be_there_before();
    struct rig rig;
    struct bt_tu *tu = fragment_make(&rig, FRAGMENT_LOOP);
    const struct bt_site *site = site_of(tu, SITE_POLL);
    const uint64_t places[] = { tu->entry + site->start - 1u, tu->entry + bt_site_end(site), rig.bt->host->stub.leave,
                                rig.bt->code.bytes, UINT64_MAX /* in front of the cache */ };
    uint64_t reason;
    bt_hostfault_enter(rig.cpu);
    for (unsigned i = 0; i < VX_ARRAY_LEN(places); i++) {
        uint64_t to = signalled(bt_code_address(&rig.bt->code, 0), places[i], SIGSEGV, SEGV_MAPERR, BT_POISON, &reason);
        cr_expect_eq(to, places[i], "place %u: taken", i);
    }
    cr_expect_eq(passed_on, VX_ARRAY_LEN(places));
    uint64_t gone = bt_code_address(&rig.bt->code, 0), poll = tu->entry + site->start;
    rig_destroy(&rig);
    cr_expect_eq(signalled(gone, poll, SIGSEGV, SEGV_MAPERR, BT_POISON, &reason), poll, "by a translator that is gone");
}
