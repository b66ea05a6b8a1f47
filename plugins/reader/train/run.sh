#!/bin/sh
# Trains the reader anew: packages, texts, lines, network, record. An interrupted training goes on where it was.
# Usage: run.sh [FROM:LINES...], a plan as train.py describes it; without one, that of the weights in ../model.
# Everything fetched and made on the way lies in UNTXT_TRAIN_CACHE, by default untxt-train in the user's cache folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${UNTXT_TRAIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/untxt-train}
if [ $# -eq 0 ]; then
    set -- 0:300000 143360:340000 163840:275000
fi
mkdir -p "$cache"
"$here/get.sh" "$cache"
if [ ! -x "$cache/python/bin/python" ]; then
    python3 -m venv "$cache/python"
fi
"$cache/python/bin/pip" install --quiet --requirement "$here/requirements.txt"
python=$cache/python/bin/python
if [ ! -e "$cache/texts/counts.json" ]; then
    "$python" "$here/texts.py" "$cache"
fi
from=
if [ -e "$cache/run/checkpoint.pt" ]; then
    from=$cache/run/checkpoint.pt
fi
"$python" "$here/train.py" "$cache" "$cache/run" --plan "$@" ${from:+--from "$from"}
"$python" "$here/finish.py" "$cache" "$cache/run" "$here/../model"
