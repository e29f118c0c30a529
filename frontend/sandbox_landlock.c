/* sandbox_landlock.c - see sandbox_landlock.h. The C library has no functions for these system calls, and its headers
 * may be older than the kernel: rights are written as the kernel numbers them, and those that a kernel does not know
 * are left out by its version. */
#include "sandbox_landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_EXECUTE   (1ull << 0)
#define FS_WRITE     (1ull << 1)
#define FS_READ      (1ull << 2)
#define FS_READ_DIR  (1ull << 3)
#define FS_REMOVE    (1ull << 5)
#define FS_MAKE_FILE (1ull << 8)
#define FS_TRUNCATE  (1ull << 14)

enum { VERSION_TRUNCATE = 3, VERSION_NETWORK = 4, VERSION_SCOPE = 6 };

/* As of version 6: a kernel takes a shorter structure for one whose end is zero. */
struct ruleset {
    uint64_t files, network, scope;
};

/* All rights over files that a version knows. */
static uint64_t all_rights(int version)
{
    static const unsigned count[] = { 0, 13, 14, 15, 15, 16 };
    return (1ull << count[version < 5 ? version : 5]) - 1;
}

static int create_ruleset(int version)
{
    struct ruleset ruleset = { .files = all_rights(version),
                               .network = version >= VERSION_NETWORK ? 3 : 0,
                               .scope = version >= VERSION_SCOPE ? 3 : 0 };
    size_t bytes = version >= VERSION_SCOPE ? 24 : version >= VERSION_NETWORK ? 16 : 8;
    return (int)syscall(SYS_landlock_create_ruleset, &ruleset, bytes, 0);
}

static bool allow_below(int ruleset, int directory, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = directory };
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static bool allow_below_path(int ruleset, const char *path, uint64_t rights)
{
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool done = directory >= 0 && allow_below(ruleset, directory, rights);
    if (directory >= 0)
        close(directory);
    return done;
}

static bool add_rules(int ruleset, int version, const struct sandbox_config *config)
{
    uint64_t files = FS_WRITE | FS_READ | FS_READ_DIR | FS_MAKE_FILE | (version >= VERSION_TRUNCATE ? FS_TRUNCATE : 0);
    bool done = true;
    if ((config->needs & SANDBOX_FILES) && config->directory >= 0)
        done = allow_below(ruleset, config->directory, files);
    else if (config->needs & SANDBOX_FILES)
        done = allow_below_path(ruleset, "/", files);
    if (config->needs & SANDBOX_REMOVES)
        done = done && allow_below_path(ruleset, config->socket_folder, FS_REMOVE);
    return done;
}

int sandbox_landlock_version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool sandbox_landlock(const struct sandbox_config *config)
{
    int version = sandbox_landlock_version();
    int ruleset = version >= 1 ? create_ruleset(version) : -1;
    if (ruleset < 0)
        return false;
    bool done = add_rules(ruleset, version, config) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return done;
}
