#!/usr/bin/env bash
# walls.sh SOURCE-ROOT - what only some folders may name, though the compiler would let others.
#   1. Headers of the host's encoders (asm.h, codegen.h, emit*.h, fragment.h): bt/x86_64 alone.
#   2. Zydis, which decodes for the translator and disassembles for people: bt/decode.c and debug/.
#   3. Capstone, by which the verifier judges what Zydis and the encoders have made: bt/verify alone.
#   4. Which system or C library this is: base/host_linux.c and base/host_macos.c are chosen by the build, nobody asks.
#   5. Printing as it comes: what the debugger says goes through vx86/text.h. gdb_registers.c makes XML of our own tables.
#   6. What only one system has, headers, calls and flags: base/host_*. vx86/host.h says what of it there is for all. The
#      sandbox is Linux's own (frontend/sandbox*.c, one of which the build chooses); so are guest programs (bench/guest).
# Tests may name all of them.
set -uo pipefail
cd "$1" || exit 2
failed=0

# directive PLACES PATTERN WHAT: no source outside of PLACES (a regular expression) has a directive that matches PATTERN.
directive() {
    local found
    found=$(grep -rnE --include='*.[chS]' --include='*.def' "^[[:space:]]*#[[:space:]]*$2" \
        base mmu cpu bt devices debug firmware frontend bench include | grep -vE "^($1)")
    [ -z "$found" ] && return
    echo "$3:"
    echo "$found"
    failed=1
}

# within PLACES PATTERN WHAT: includes only.
within() { directive "$1" "include[[:space:]]*[<\"]$2" "$3"; }

within 'bt/x86_64/' '(asm|codegen|emit(_[a-z0-9]+)?|fragment)\.h"' "encoders are named outside of bt/x86_64"
within 'bt/decode\.c:|debug/' 'Z(ydis|ycore)/' "Zydis is named outside of its places"
within 'bt/verify/' 'capstone' "Capstone is named outside of bt/verify"
directive 'base/host_' '.*(__linux__|__APPLE__|__GLIBC__)' "the host's system is asked for outside of base/host_*"

raw=$(grep -rnE --include='*.[ch]' '(^|[^a-z_])(v?f?printf|f?puts)\(' frontend/debug frontend/gdb base/log.c |
    grep -vE '^(frontend/gdb/gdb_registers\.c|base/log\.c:[0-9]+:    fprintf\(log->out, "%s\\n", line\);)')
if [ -n "$raw" ]; then
    echo "text is printed that nobody has escaped:"
    echo "$raw"
    failed=1
fi

# The hosts' own.
own='base/host(_[a-z0-9_]+)?\.[ch]:|frontend/sandbox(_landlock)?\.c:|frontend/sandbox_calls\.def:|bench/guest/|bench/lab/guest/'
headers='(linux|mach|mach-o|asm|libkern)/|(elf|libelf|gelf|link|ucontext|malloc|sched|libproc|endian|byteswap|features|error|argp)\.h>'
sys_headers='sys/(auxv|capability|epoll|event|eventfd|fanotify|file|inotify|personality|prctl|ptrace|random|reg|sendfile|'
sys_headers+='signalfd|sysctl|syscall|sysinfo|timerfd|ucontext|user)\.h>'
within "$own" "($headers|$sys_headers)" "a header of one host is included outside of base/host_*"

# calls PLACES NAMES WHAT: no source outside of PLACES uses one of the names as a word.
calls() {
    local found
    found=$(grep -rnwE --include='*.[chS]' --include='*.def' "($2)" base mmu cpu bt devices debug firmware frontend bench include |
        grep -vE "^($1)|^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)")
    [ -z "$found" ] && return
    echo "$3:"
    echo "$found"
    failed=1
}

names='memfd_create|eventfd|accept4|pipe2|dup3|ppoll|prctl|syscall|unshare|getauxval|qsort_r|sigtimedwait|sigwaitinfo|fdatasync|'
names+='getrandom|getentropy|sched_[a-z]+|posix_fadvise|fallocate|posix_fallocate|copy_file_range|sendfile|clock_nanosleep|'
names+='pthread_setname_np|pthread_condattr_setclock|pthread_timedjoin_np|mallopt|malloc_trim|strchrnul|mempcpy|rawmemchr|'
names+='program_invocation_[a-z_]+|mach_[a-z_]+|shm_open|madvise|mremap|kqueue|kevent|flock|closefrom|close_range|'
names+='pthread_kill|tgkill|tkill|gettid|SOCK_CLOEXEC|SOCK_NONBLOCK|POLLRDHUP|MFD_[A-Z]+|EFD_[A-Z]+|F_OFD_[A-Z]+|F_FULLFSYNC|MADV_[A-Z]+|AT_HWCAP2?|SEEK_DATA|'
names+='SEEK_HOLE|SI_KERNEL|REG_R[A-Z0-9]+|gregs|uc_mcontext|O_TMPFILE|O_PATH|CLONE_[A-Z]+|__builtin_cpu_[a-z]+|MAP_JIT|MAP_ANON'
calls "$own" "$names" "what one host has is used outside of base/host_*"
calls "$own" '"(/proc|/sys)/[^"]*"' "a path of one system is named outside of base/host_*"
exit $failed
