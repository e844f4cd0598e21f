#!/bin/sh
# Serve {{ref}} from an environment beside this file, made at the first run by uv, or by venv and pip.
#   ./run.sh [--host H] [--port P] [--workers N]        ./run.sh --install makes the environment only
# Packages come from the index that pip or uv is set up with, or from a folder `wheels` here. PYTHON names another Python.
set -eu
cd "$(dirname "$0")"
want={{python}}
if [ ! -f .venv/ready ]; then
    python=${PYTHON:-}
    for name in "python$want" python3 python; do
        [ -n "$python" ] || ! "$name" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$want')" 2>/dev/null ||
            python=$name
    done
    options="--require-hashes -r requirements.txt"
    [ ! -d wheels ] || options="$options --no-index --find-links wheels"
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --python "${python:-$want}" .venv
        uv pip install --quiet --python .venv/bin/python $options
    elif [ -n "$python" ]; then
        "$python" -m venv .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check $options
    else
        echo "Python $want was not found: install it, or uv, or say PYTHON=/path/to/python$want ./run.sh" >&2
        exit 69
    fi
    touch .venv/ready
fi
[ "${1:-}" != --install ] || exit 0
exec .venv/bin/python serve/serve_package.py "$@"
