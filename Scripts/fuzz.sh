#!/usr/bin/env bash
# fuzz.sh PROGRAM TARGET SECONDS: runs one fuzz target on a copy of its corpus. New inputs stay in that copy; one that fails is
# written to the working folder, is printed, and belongs into Fuzz/Corpora/TARGET with a fix.
set -euo pipefail
program=$1 target=$2 seconds=$3
corpus=$(dirname "${BASH_SOURCE[0]}")/../Fuzz/Corpora/$target
[ -d "$corpus" ] || { echo "there is no Fuzz/Corpora/$target" >&2; exit 1; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# libFuzzer writes the input that failed; it must see the signal first.
SWIFT_BACKTRACE=enable=no FUZZ_TARGET=$target "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 "$copy" "$corpus"
