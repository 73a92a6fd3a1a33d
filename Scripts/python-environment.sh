#!/usr/bin/env bash
# python-environment.sh VENV REQUIREMENTS : makes the virtual environment of the black-box tests.
# Does nothing when it was made from the same requirements by the same interpreter.
set -euo pipefail
venv=$1 requirements=$2

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "error: no python3 (3.9 or newer) with the venv module" >&2; exit 1; }

want="$("$python" -c 'import sys; print(sys.executable, sys.version)') $(cksum <"$requirements")"
stamp=$venv/.made-from
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
echo "making the Python environment of the tests in $venv"
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" </dev/null
printf '%s\n' "$want" >"$stamp"
