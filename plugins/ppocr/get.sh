#!/bin/sh
# Makes a package of PP-OCRv6 that `untxt plugin install` takes.
#
#   get.sh FOLDER
#
# FOLDER gets the component, its plugin.toml, the networks, their characters and their
# licence. The networks come out of a wheel of RapidOCR, 27 MB from PyPI, of which nothing
# is run or installed. Needs Python 3.10 or newer with pip. UNTXT_PPOCR_WHEEL names the
# wheel where it is already there.
set -eu

version=3.10.0
digest=2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050
plugins=$(cd "$(dirname "$0")/.." && pwd)
[ $# -eq 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wheel=${UNTXT_PPOCR_WHEEL:-}
if [ -z "$wheel" ]; then
    echo "rapidocr==$version --hash=sha256:$digest" > "$work/requirements.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement "$work/requirements.txt" --dest "$work"
    wheel=$work/rapidocr-$version-py3-none-any.whl
fi
python3 "$plugins/ppocr/unpack.py" "$wheel" "$1"
cp "$plugins/guests/built/ppocr.wasm" "$plugins/ppocr/plugin.toml" "$1/"
