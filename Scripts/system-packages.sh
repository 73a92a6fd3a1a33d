#!/usr/bin/env bash
# system-packages.sh PURPOSE... : installs the Debian packages that are missing for build, test or bench.
# Elsewhere (no apt-get) it says what to install and goes on: the build then names what it lacks.
set -euo pipefail

# One list a purpose; a later C library is one word here.
build="libsqlite3-dev libpcre2-dev libssl-dev zlib1g-dev librdkafka-dev libcurl4-openssl-dev pkg-config"
test="$build python3 python3-venv curl nghttp2-client prometheus chromium"
bench="$build python3 python3-venv nginx-light|nginx wrk gcc libc6-dev"

installed() {
    local state
    state=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) || return 1
    [ "$state" = installed ]
}

missing=()
for purpose in "$@"; do
    case $purpose in
    build | test | bench) ;;
    *) echo "system-packages.sh: unknown purpose '$purpose' (build, test, bench)" >&2; exit 2 ;;
    esac
    for package in ${!purpose}; do
        if ! command -v dpkg-query >/dev/null; then
            missing+=("${package%%|*}")
            continue
        fi
        # "a|b": either is good; the first is installed when neither is there.
        found=
        for choice in ${package//|/ }; do
            if installed "$choice"; then found=1; fi
        done
        [ -n "$found" ] || [[ " ${missing[*]} " == *" ${package%%|*} "* ]] || missing+=("${package%%|*}")
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "note: this machine has no apt-get; please provide: ${missing[*]}" >&2
    exit 0
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "error: missing packages (${missing[*]}), and neither root nor sudo to install them" >&2
        exit 1
    }
    as_root=(sudo)
fi
echo "installing system packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}
# Package lists may be fresh already; if they are not, fetch them once.
install 2>/dev/null || { "${as_root[@]}" apt-get update -qq </dev/null; install; }
