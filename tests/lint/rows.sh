#!/usr/bin/env bash
# rows.sh FOLDER... - has every member of a struct with a table of state (devices/core/device_state.h) a row in it?
# A struct has a table as soon as one row names it. A compiler sees that a row has its member; this is the other way.
mapfile -t files < <(find "$@" -name '*.[ch]')
[ ${#files[@]} -gt 0 ] || { echo "no sources in $*"; exit 1; }
awk '
function each_row(text,    call, type, list, n, i, names) {
    while (match(text, /(FIELD|REGISTER|SHOWN|WIRES|DERIVED)[A-Z_]*\(struct [a-z0-9_]+, [^()]*/)) {
        call = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        type = call
        sub(/^[A-Z_]+\(struct /, "", type)
        list = type
        sub(/,.*/, "", type)
        sub(/^[a-z0-9_]+, */, "", list)
        if (call !~ /^(WIRES|DERIVED)/) # the rest are bounds and tables
            sub(/,.*/, "", list)
        gsub(/[ \n]/, "", list)
        n = split(list, names, ",")
        for (i = 1; i <= n; i++)
            rows[type, names[i]]++
        tabled[type] = 1
    }
}
function each_struct(text,    type, body, n, i, members) {
    while (match(text, /(^|\n)struct [a-z0-9_]+ \{/)) {
        type = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        gsub(/\n|struct |[ {]/, "", type)
        body = substr(text, 1, index(text, "\n};"))
        n = split(body, members, ";")
        for (i = 1; i < n; i++)
            each_member(type, members[i])
    }
}
# "void (*send)(void *opaque, int n)", "struct vx_irq intr, nmi", "uint8_t seq_index, seq[SEQ_COUNT]"
function each_member(type, text,    n, i, parts) {
    gsub(/\[[^]]*\]/, "", text)
    if (match(text, /\(\*[a-z0-9_]+\)/)) {
        member(type, substr(text, RSTART + 2, RLENGTH - 3))
        return
    }
    n = split(text, parts, ",")
    for (i = 1; i <= n; i++) {
        gsub(/[*\n]/, " ", parts[i])
        sub(/ +$/, "", parts[i])
        sub(/.* /, "", parts[i])
        member(type, parts[i])
    }
}
function member(type, name) {
    members_of[type] = members_of[type] " " name
}
function each_file() {
    while (match(source, /\/\*([^*]|\*+[^*\/])*\*+\//))
        source = substr(source, 1, RSTART - 1) substr(source, RSTART + RLENGTH)
    each_row(source)
    each_struct(source)
    source = ""
}
FNR == 1 { each_file() }
{ source = source $0 "\n" }
END {
    each_file()
    for (type in tabled) {
        n = split(members_of[type], names, " ")
        if (n == 0) {
            print "struct " type " has rows, but where is it?"
            failed = 1
        }
        for (i = 1; i <= n; i++) {
            checked++
            if (rows[type, names[i]] != 1) {
                print "struct " type ": " names[i] " has " (rows[type, names[i]] + 0) " rows of state, and should have one"
                failed = 1
            }
        }
    }
    print checked " members"
    exit failed || checked == 0
}' "${files[@]}"
