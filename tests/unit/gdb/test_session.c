/* test_session.c - the stub on a unix socket, with a client that follows a script: good packets, and everything that a
 * hostile or dying client can send. The guest counts up the word at 500h for ever. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gdb.h"
#include "unit/machine/rom.h"

enum { PATIENCE_MS = 20000, REPLY_MAX = 40000 };

struct row {
    const char *packet, *pattern; /* of the reply, an extended regular expression */
};

static const struct row attached[] = {
    { "qSupported:swbreak+;hwbreak+", "^PacketSize=4000;.*qXfer:features:read\\+;" },
    { "?", "^T05thread:1;$" },
    { "!", "^OK$" },
    { "qAttached", "^1$" },
    { "qC", "^QC1$" },
    { "qfThreadInfo", "^m1$" },
    { "qsThreadInfo", "^l$" },
    { "qThreadExtraInfo,1", "^43505520302c2072756e6e696e67$" },
    { "Hg1", "^OK$" },
    { "Hc-1", "^OK$" },
    { "Hg5", "^E16$" },
    { "T1", "^OK$" },
    { "T7", "^E16$" },
    { "vMustReplyEmpty", "^$" },
    { "", "^$" },
    { "qNothing", "^$" },
    { "vCont?", "^vCont;c;C;s;S;r$" },
    /* the target description */
    { "qXfer:features:read:target.xml:0,2000", "<architecture>i8086</architecture>.*name=\"eax\"" },
    { "qXfer:features:read:target.xml:0,10", "^m<\\?xml version=\"1$" },
    { "qXfer:features:read:target.xml:ffffff,10", "^E16$" },
    { "qXfer:features:read:target.xml:0", "^E16$" },
    { "qXfer:features:read:other.xml:0,10", "^$" },
    /* registers */
    { "p8", "^f0ffffff$" },
    { "pa", "^00f00000$" },
    { "p30", "^00000000$" },
    { "p1000", "^E16$" },
    { "p", "^E16$" },
    { "pzz", "^E16$" },
    { "P0=78563412", "^OK$" },
    { "p0", "^78563412$" },
    { "P0=7856", "^E16$" },
    { "P0=785634120", "^E16$" },
    { "P0", "^E16$" },
    { "Pa=01000000", "^E01$" },             /* CS is not loaded like that */
    { "Pc=50000000", "^OK$" },              /* DS ... */
    { "Pc=00000000", "^OK$" },              /* ... is */
    { "P10=00000000000000c0ff3f", "^OK$" }, /* ST0 */
    { "p10", "^00000000000000c0ff3f$" },    /* 1.5 */
    { "P1a=ff3f0000", "^OK$" },             /* tags: R7 alone is full */
    { "p1a", "^ff(3f|7f|bf)0000$" },        /* by what is in it */
    { "P17=0000000000000080ff7f", "^OK$" }, /* R7: infinity ... */
    { "p1a", "^ffbf0000$" },                /* ... is special */
    { "P17=00000000000000000000", "^OK$" },
    { "p1a", "^ff7f0000$" },
    { "P17=00000000000000c0ff3f", "^OK$" },
    { "p1a", "^ff3f0000$" },
    { "P28=ffffffff", "^E01$" },                    /* MXCSR has no such bits */
    { "g", "^7856341200000000.*f0ffffff02000000" }, /* EAX; EIP, EFLAGS */
    { "G00", "^E16$" },
    { "G", "^E16$" },
    /* memory */
    { "m600,4", "^00000000$" },
    { "M600,2:3412", "^OK$" },
    { "m600,2", "^3412$" },
    { "X602,3:\x01}\x03\x05", "^OK$" },
    { "m600,5", "^3412012305$" },
    { "mfffffff0,3", "^e90d00$" },
    { "mffffffff,10", "^00$" },
    { "ma0000000,4", "^E0e$" },
    { "Ma0000000,1:00", "^E0e$" },
    { "Mb8000,4:41074207", "^OK$" }, /* video memory */
    { "mb8000,4", "^41074207$" },
    { "m9fffe,4", "^00000000$" },
    { "mfee00020,4", "^E0e$" }, /* a device's register */
    { "Mfee00080,4:ff000000", "^E0e$" },
    { "m600", "^E16$" },
    { "m,", "^E16$" },
    { "m100000000,1", "^E16$" },
    { "mfffffffffffffffff,1", "^E16$" },
    { "M600,4:12", "^E16$" },
    { "M600,ffffffff:00", "^E16$" },
    { "M600,1:0g", "^E16$" },
    { "X600,5:ab", "^E16$" },
    { "X600,0:", "^OK$" },
    { "qCRC:fffffff0,3", "^C0464e438$" },
    { "qCRC:a0000000,3", "^E0e$" },
    { "qCRC:0,ffffffff", "^E16$" },
    { "qSearch:memory:0;1000;\x34\x12", "^1,600$" },
    { "qSearch:memory:0;1000;\x77\x77", "^0$" },
    { "Mffe,4:41424344", "^OK$" }, /* over the border of what is read at once */
    { "qSearch:memory:0;2000;ABCD", "^1,ffe$" },
    { "qSearch:memory:0;1001;ABCD", "^0$" },
    { "qSearch:memory:0;1000;", "^E16$" },
    { "qSearch:memory:0;ffffffffffff;x", "^E16$" },
    { "qRcmd,6563", "^$" }, /* nobody is there for it */
    { "qRcmd,6", "^E16$" },
    { "qRcmd,00", "^E16$" },
    { "qqemu.PhyMemMode", "^0$" },
    { "Qqemu.PhyMemMode:2", "^E16$" },
    { "Qqemu.PhyMemMode:1", "^OK$" },
    { "qqemu.PhyMemMode", "^1$" },
    { "m600,2", "^3412$" },
    { "Qqemu.PhyMemMode:0", "^OK$" },
    { "qXfer:features:read:target.xml:0,4000", "name=\"dr7\"" },
    { "p3a", "^ffff0000$" }, /* CS.limit */
    { "P42=00050000", "^OK$" },
    { "p42", "^00050000$" }, /* DR0 */
    { "P42=00000000", "^OK$" },
    { "qqemu.sstepbits", "^ENABLE=1,NOIRQ=2,NOTIMER=4$" },
    { "qqemu.sstep", "^0x7$" },
    { "Qqemu.sstep=0x5", "^OK$" },
    { "qqemu.sstep", "^0x5$" },
    { "Qqemu.sstep=6", "^E16$" }, /* steps are always steps */
    { "Qqemu.sstep=f", "^E16$" },
    { "Qqemu.sstep=", "^E16$" },
    { "Qqemu.sstep=7", "^OK$" },
    /* stepping: the jump, INC [500h], the jump back */
    { "s", "^T05thread:1;$" },
    { "p8", "^0000ffff$" },
    { "p29", "^00000000$" },
    { "vCont;s:1;c", "^T05thread:1;$" },
    { "p8", "^0400ffff$" },
    { "m500,2", "^0100$" },
    { "S05", "^T05thread:1;$" },
    { "sffff0004", "^T05thread:1;$" },
    { "p8", "^0000ffff$" },
    { "vCont;rffff0000,ffff0004", "^T05thread:1;$" }, /* one instruction leads out of it */
    { "p8", "^0400ffff$" },
    { "m500,2", "^0200$" },
    { "Z1,ffff0000,1", "^OK$" },
    { "vCont;rffff0000,ffff0006:1", "^T05hwbreak:;thread:1;$" }, /* nothing leads out; a point stops it */
    { "p8", "^0000ffff$" },
    { "z1,ffff0000,1", "^OK$" },
    { "vCont;rffff0000,ffff0000", "^T05thread:1;$" }, /* nothing in it: a step */
    { "p8", "^0400ffff$" },
    { "S05", "^T05thread:1;$" },
    { "vCont;r", "^E16$" },
    { "vCont;r1", "^E16$" },
    { "vCont;r1,", "^E16$" },
    { "vCont;r1,2x", "^E16$" },
    { "vCont;r100000000,1", "^E16$" },
    { "vCont;x", "^E16$" },
    { "vCont", "^E16$" },
    { "vCont;", "^E16$" },
    { "vCont;cc", "^E16$" },
    { "C", "^E16$" },
    { "czz", "^E16$" },
    /* points */
    { "Z0,ffff0004,1", "^OK$" },
    { "Z0,ffff0004,1", "^OK$" },
    { "c", "^T05swbreak:;thread:1;$" },
    { "p8", "^0400ffff$" },
    { "mffff0004,2", "^ebfa$" },
    { "z0,ffff0004,1", "^OK$" },
    { "Z1,ffff0000,1", "^OK$" },
    { "vCont;c:-1", "^T05hwbreak:;thread:1;$" },
    { "C05", "^T05hwbreak:;thread:1;$" },
    { "z1,ffff0000,1", "^OK$" },
    { "Z2,501,1", "^OK$" },
    { "c", "^T05watch:501;thread:1;$" },
    { "p8", "^0400ffff$" },
    { "z2,501,1", "^OK$" },
    { "Z3,500,2", "^OK$" },
    { "c", "^T05rwatch:500;thread:1;$" },
    { "z3,500,2", "^OK$" },
    { "Z4,4ff,2", "^OK$" },
    { "c", "^T05awatch:500;thread:1;$" },
    { "z4,4ff,2", "^OK$" },
    { "z4,4ff,2", "^OK$" },
    { "Z9,0,1", "^$" },
    { "Z0,zz", "^E16$" },
    { "Z2,500,0", "^E16$" },
    { "Z2,ffffffff,2", "^E16$" },
    { "Z1,100000000,1", "^E16$" },
    { "Z", "^E16$" },
};

struct client {
    const char *path;
    char failure[400]; /* the first one */
};

/* ---- the client -------------------------------------------------------------------------------------------------- */

static void fail(struct client *client, const char *what, const char *packet, const char *reply)
{
    if (client->failure[0] == '\0')
        snprintf(client->failure, sizeof client->failure, "%s: '%.100s' gives '%.200s'", what, packet, reply);
}

static int connect_to(struct client *client)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", client->path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail(client, "connect", client->path, "");
    return fd;
}

static void send_bytes(int fd, const char *bytes, size_t count)
{
    if (send(fd, bytes, count, MSG_NOSIGNAL) != (ssize_t)count)
        perror("send");
}

static void send_packet(int fd, const char *body, size_t count)
{
    char frame[REPLY_MAX];
    uint8_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + (uint8_t)body[i]);
    frame[0] = '$';
    memcpy(frame + 1, body, count);
    int n = snprintf(frame + 1 + count, 4, "#%02x", sum);
    send_bytes(fd, frame, count + 1 + (size_t)n);
}

/* The next byte; -1 at the end, or when nothing comes. */
static int next(int fd)
{
    struct pollfd pfd = { fd, POLLIN, 0 };
    uint8_t byte;
    return poll(&pfd, 1, PATIENCE_MS) > 0 && read(fd, &byte, 1) == 1 ? byte : -1;
}

/* The next reply's body; acknowledgements before it are passed over. "(gone)" when there is none. */
static void receive(int fd, char reply[REPLY_MAX])
{
    int byte;
    size_t n = 0;
    do
        byte = next(fd);
    while (byte == '+');
    while (byte >= 0 && (byte = next(fd)) != '#' && byte >= 0 && n + 1 < REPLY_MAX)
        reply[n++] = (char)byte;
    reply[n] = '\0';
    if (byte < 0 || next(fd) < 0 || next(fd) < 0)
        strcpy(reply, "(gone)");
}

static void expect(struct client *client, int fd, const char *what, const char *pattern)
{
    static _Thread_local char reply[REPLY_MAX];
    regex_t regex;
    receive(fd, reply);
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    if (regexec(&regex, reply, 0, NULL, 0) != 0)
        fail(client, pattern, what, reply);
    regfree(&regex);
}

static void ask(struct client *client, int fd, const char *packet, const char *pattern)
{
    send_packet(fd, packet, strlen(packet));
    expect(client, fd, packet, pattern);
}

static void expect_end(struct client *client, int fd, const char *what)
{
    int byte;
    while ((byte = next(fd)) == '+')
        ;
    if (byte >= 0)
        fail(client, "the connection should end", what, (char[]){ (char)byte, '\0' });
    close(fd);
}

static void kill_guest(int fd)
{
    send_packet(fd, "k", 1);
    close(fd);
}

/* ---- what clients do --------------------------------------------------------------------------------------------- */

static void *follow_rows(void *opaque)
{
    struct client *client = opaque;
    int fd = connect_to(client);
    for (size_t i = 0; i < VX_ARRAY_LEN(attached) && client->failure[0] == '\0'; i++) {
        const struct row *row = &attached[i];
        send_packet(fd, row->packet, strlen(row->packet));
        expect(client, fd, row->packet, row->pattern);
    }
    kill_guest(fd);
    return NULL;
}

/* Each insult is survived: the next question is answered. */
static void *insult(void *opaque)
{
    struct client *client = opaque;
    static char noise[20000];
    int fd = connect_to(client);
    memset(noise, 'm', sizeof noise);
    send_packet(fd, noise, sizeof noise);
    expect(client, fd, "a packet too long", "^E07$");
    send_bytes(fd, "$p8#00", 6);
    if (next(fd) != '-')
        fail(client, "a wrong checksum", "$p8#00", "no -");
    send_bytes(fd, "$p8#zz", 6);
    if (next(fd) != '-')
        fail(client, "a wrong checksum", "$p8#zz", "no -");
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 7919 % 251 + 1);
    for (size_t i = 0; i < sizeof noise; i++)
        if (noise[i] == '$' || noise[i] == '-')
            noise[i] = '+';
    send_bytes(fd, noise, sizeof noise);
    send_bytes(fd, "$m50$m5", 7); /* packets that begin anew */
    ask(client, fd, "p8", "^f0ffffff$");
    send_bytes(fd, "-", 1); /* again, please */
    expect(client, fd, "-", "^f0ffffff$");
    for (unsigned i = 0; i < 200 && client->failure[0] == '\0'; i++) {
        char packet[40];
        snprintf(packet, sizeof packet, "Z1,%x,1", 0x1000 + i);
        ask(client, fd, packet, "^OK$");
    }
    ask(client, fd, "QStartNoAckMode", "^OK$");
    send_bytes(fd, "+$p8#a8$p8#a8", 13);
    expect(client, fd, "two at once", "^f0ffffff$");
    expect(client, fd, "two at once", "^f0ffffff$");
    send_packet(fd, "k", 1);
    close(fd);
    return NULL;
}

/* In the extended protocol a guest is killed, and run again. */
static void *run_again(void *opaque)
{
    struct client *client = opaque;
    int fd = connect_to(client);
    ask(client, fd, "!", "^OK$");
    ask(client, fd, "Z1,ffff0004,1", "^OK$");
    ask(client, fd, "c", "^T05thread:1;$");
    ask(client, fd, "vRun;", "^T05thread:1;$");
    ask(client, fd, "p8", "^f0ffffff$");
    ask(client, fd, "c", "^T05thread:1;$"); /* points outlive it */
    ask(client, fd, "p8", "^0400ffff$");
    send_packet(fd, "R00", 3);
    ask(client, fd, "p8", "^f0ffffff$");
    ask(client, fd, "vKill;1", "^OK$");
    ask(client, fd, "vRun;6869;7468657265", "^T05thread:1;$");
    ask(client, fd, "s", "^T05thread:1;$");
    ask(client, fd, "vKill;1", "^OK$");
    close(fd); /* nobody runs it again */
    return NULL;
}

/* What a web page can make a browser send: to be heard no further than its first byte. */
static const char browser[] = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n$k#6b";

/* Clients come and go. */
static void *come_and_go(void *opaque)
{
    struct client *client = opaque;
    int fd = connect_to(client), second;
    send_packet(fd, "c", 1);
    usleep(50000);
    send_bytes(fd, "\x03", 1);
    expect(client, fd, "an interrupt", "^T02thread:1;$");
    second = connect_to(client);
    expect_end(client, second, "a second client while the guest stands");
    close(fd);
    fd = connect_to(client);
    send_bytes(fd, browser, sizeof browser - 1);
    expect_end(client, fd, "a browser while the guest stands");
    fd = connect_to(client);
    ask(client, fd, "?", "^T02thread:1;$");
    send_bytes(fd, "$vCont;c#a8\x03", 12);
    expect(client, fd, "an interrupt in the same breath", "^T02thread:1;$");
    send_bytes(fd, "$c#63$p0#a0", 11); /* a question without waiting for the stop */
    expect(client, fd, "c and p0", "^T02thread:1;$");
    expect(client, fd, "c and p0", "^00000000$");
    ask(client, fd, "Z1,ffff0000,1", "^OK$");
    send_bytes(fd, "$m50", 4);
    close(fd); /* dies in the middle of a packet: the guest stands, without its points */
    fd = connect_to(client);
    ask(client, fd, "?", "^T02thread:1;$");
    send_packet(fd, "c", 1);
    usleep(50000);
    close(fd); /* dies while the guest runs: that runs on */
    usleep(50000);
    fd = connect_to(client);
    send_bytes(fd, browser, sizeof browser - 1);
    expect_end(client, fd, "a browser while the guest runs");
    fd = connect_to(client);
    ask(client, fd, "?", "^T02thread:1;$");
    ask(client, fd, "M500,2:0000", "^OK$");
    ask(client, fd, "QStartNoAckMode", "^OK$");
    ask(client, fd, "D;1", "^OK$");
    expect_end(client, fd, "detach");
    usleep(100000);
    fd = connect_to(client);
    send_packet(fd, "qC", 2);
    if (next(fd) != '+') /* nothing is left of the other session */
        fail(client, "a new session", "qC", "no acknowledgement");
    expect(client, fd, "qC", "^QC1$");
    ask(client, fd, "?", "^T02thread:1;$");
    ask(client, fd, "m500,2", "[1-9a-f]"); /* it has run meanwhile */
    ask(client, fd, "vKill;1", "^OK$");
    close(fd);
    return NULL;
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

static void run_client(void *(*script)(void *), enum vx_engine engine, bool run)
{
    static const uint8_t count[] = { 0xFF, 0x06, 0x00, 0x05, 0xEB, 0xFA }; /* INC word [500h]; JMP $-4 */
    char directory[] = "/tmp/vx86-test-XXXXXX", path[80], spec[90];
    struct client client = { .path = path };
    struct rom_machine rig;
    struct rom rom;
    struct gdb *gdb;
    pthread_t thread;
    int value;
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/gdb", directory);
    snprintf(spec, sizeof spec, "unix:%s", path);
    rom_make(&rom, count, sizeof count, NULL, 0);
    cr_assert_eq(rom_machine_create_with(&rig, &rom, (struct vx_machine_config){ .engine = engine, .debug = true }),
                 VX_ERR_OK);
    cr_assert_eq(
        gdb_create(
            &(struct gdb_config){ .log = rig.log, .loop = rig.loop, .machine = rig.machine, .spec = spec, .run = run },
            &gdb),
        VX_ERR_OK);
    cr_assert_eq(pthread_create(&thread, NULL, script, &client), 0);
    cr_assert_eq(vx_machine_run(rig.machine, &value), VX_END_STOPPED);
    pthread_join(thread, NULL);
    gdb_destroy(gdb);
    rom_machine_destroy(&rig);
    cr_assert_eq(rmdir(directory), 0, "the socket is still there");
    cr_assert(client.failure[0] == '\0', "%s", client.failure);
}

Test(session, packets_interp)
{
    run_client(follow_rows, VX_ENGINE_INTERP, false);
}

Test(session, packets_bt)
{
    run_client(follow_rows, VX_ENGINE_BT, false);
}

Test(session, insults)
{
    run_client(insult, VX_ENGINE_INTERP, false);
}

Test(session, clients_come_and_go_interp)
{
    run_client(come_and_go, VX_ENGINE_INTERP, false);
}

Test(session, clients_come_and_go_bt)
{
    run_client(come_and_go, VX_ENGINE_BT, false);
}

Test(session, killed_and_run_again)
{
    run_client(run_again, VX_ENGINE_BT, false);
}
