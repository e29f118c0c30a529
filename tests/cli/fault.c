/* fault.c - see fault.h. */
#include "fault.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1
#endif

enum { CODE_MAX = 64 };

struct filter {
    struct sock_filter code[CODE_MAX];
    unsigned count;
};

static void add(struct filter *filter, struct sock_filter insn)
{
    if (filter->count == CODE_MAX)
        _exit(126);
    filter->code[filter->count++] = insn;
}

static void load(struct filter *filter, size_t off)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)off));
}

static void answer(struct filter *filter, uint32_t action)
{
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Ends the filter and puts it into force; returns what seccomp() does. */
static int enforce(struct filter *filter, unsigned flags)
{
    answer(filter, SECCOMP_RET_ALLOW);
    struct sock_fprog program = { .len = (unsigned short)filter->count, .filter = filter->code };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(126);
    int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (result < 0)
        _exit(126);
    return result;
}

/* Arguments are 64 bits; what tests ask about stands in the lower half. */
void fault_install(void *faults)
{
    struct filter filter = { .count = 0 };
    for (const struct fault *fault = faults; fault->error != 0; fault++) {
        unsigned conditions = 0;
        while (conditions < 2 && fault->when[conditions].is != FAULT_ALWAYS)
            conditions++;
        uint8_t skip = (uint8_t)(2 * conditions + 1); /* what is left of this fault */
        load(&filter, offsetof(struct seccomp_data, nr));
        add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fault->call, 0, skip));
        for (unsigned i = 0; i < conditions; i++) {
            unsigned compare = fault->when[i].is == FAULT_HAS_BITS ? BPF_JSET : BPF_JEQ;
            load(&filter, offsetof(struct seccomp_data, args) + fault->when[i].argument * sizeof(uint64_t));
            skip = (uint8_t)(skip - 2);
            add(&filter, (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | compare | BPF_K), fault->when[i].value,
                                                      0, skip));
        }
        answer(&filter, SECCOMP_RET_ERRNO | (uint32_t)fault->error);
    }
    enforce(&filter, 0);
}

/* ---- later ------------------------------------------------------------------------------------------------------- */

void fault_later_init(struct fault_later *later)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, later->link) == 0)
        return;
    perror("socketpair");
    exit(1);
}

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

void fault_later_install(void *opaque)
{
    struct fault_later *later = opaque;
    struct filter filter = { .count = 0 };
    load(&filter, offsetof(struct seccomp_data, nr));
    for (const int *call = later->call; *call != 0; call++) {
        add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)*call, 0, 1));
        answer(&filter, SECCOMP_RET_USER_NOTIF);
    }
    int listener = enforce(&filter, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    union control control = {
        .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
    };
    memcpy(CMSG_DATA(&control.header), &listener, sizeof listener);
    char byte = 0;
    struct iovec data = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    if (sendmsg(later->link[1], &message, 0) != 1)
        _exit(126);
    close(listener);
}

static int take_listener(int from)
{
    union control control;
    char byte;
    int listener = -1;
    struct iovec data = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof listener);
    return listener;
}

unsigned fault_later_serve(struct fault_later *later)
{
    unsigned calls = 0;
    close(later->link[1]); /* the child has it */
    int listener = take_listener(later->link[0]);
    close(later->link[0]);
    struct pollfd fd = { .fd = listener, .events = POLLIN };
    while (listener >= 0 && poll(&fd, 1, -1) == 1 && (fd.revents & POLLIN) != 0) {
        struct seccomp_notif call;
        memset(&call, 0, sizeof call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
            continue; /* killed in the meantime */
        bool fails = calls++ >= later->after;
        struct seccomp_notif_resp response = { .id = call.id,
                                               .error = fails ? -later->error : 0,
                                               .flags = fails ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE };
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
    close(listener);
    return calls;
}
