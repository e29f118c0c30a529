#!/bin/sh
# headers.sh COMPILER INCLUDE-FOLDER HEADER... - does every header compile alone, twice, with all warnings?
compiler=$1
include=$2
shift 2
failed=0
for header; do
    name=vx86/$(basename "$header")
    printf '#include "%s"\n#include "%s"\ntypedef int lint_nothing;\n' "$name" "$name" |
        "$compiler" -x c -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror -I"$include" -fsyntax-only - || {
        echo "$name does not compile alone"
        failed=1
    }
done
exit $failed
