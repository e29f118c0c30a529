#!/usr/bin/env bash
# scripts.sh ROOT - every shell script of the tree, by its first line, passes the shell checker.
set -euo pipefail

command -v shellcheck >/dev/null || {
    echo "skipped: no shellcheck on this host"
    exit 77
}
cd "$1"
mapfile -t scripts < <(grep -rlIE '^#!.*\b(bash|sh)\b|^# shellcheck shell=' --exclude-dir=build --exclude-dir=.git . | LC_ALL=C sort)
[ ${#scripts[@]} -gt 10 ] || { echo "FAILED: found only ${#scripts[@]} scripts"; exit 1; }
shellcheck -x -P SCRIPTDIR "${scripts[@]}"
echo "${#scripts[@]} scripts"
