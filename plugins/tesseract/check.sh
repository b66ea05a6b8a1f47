#!/usr/bin/env bash
# Looks the package over that build.sh made, and compares it with the distribution's own program on the pages of
# pages.sh: the same text, letter for letter; then it says how much processor time each takes.
#
#   check.sh FOLDER [ROUNDS]
#
# FOLDER has the models eng and deu. The time is that of the whole process, from its start, user and system: of
# `tesseract` on one thread, and of `untxt plugin run` with the engine compiled before, one after the other, the median
# of ROUNDS (5). UNTXT names the program `untxt`, a release build.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/apt.sh"
[ $# -ge 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
package=$(cd "$1" && pwd) rounds=${2:-5}
need tesseract-ocr imagemagick pango1.0-tools poppler-utils fonts-liberation jq
untxt=${UNTXT:-$(command -v untxt)} || { echo "no untxt on the PATH; UNTXT=… names it" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UNTXT_DATA_DIR=$work/data
mkdir "$work/pages" "$work/results"
"$here/pages.sh" "$work/pages"
cp "$package/scan.tif" "$work/pages/"
cd "$work"

native() { # native PAGE MODELS PSM
  OMP_THREAD_LIMIT=1 tesseract "pages/$1."* - --tessdata-dir "$package" --oem 1 -l "$2" --psm "$3" 2> native.log
}
engine() { # engine PAGE TAGS PSM
  local options=(--dpi 600 --settings "{\"psm\": $3}") tag
  for tag in ${2//+/ }; do options+=(--language "$tag"); done
  [ "$1" != coloured ] || options+=(--color)
  "$untxt" plugin run "pages/$1."* "$package" "${options[@]}" 2> engine.log
}

# Empty lines, where Tesseract saw a paragraph end or a word without letters, are no text.
letters() { tr -d '\f' | sed 's/[[:space:]]*$//; /^$/d'; }

echo "== the gate and the conformance kit"
"$untxt" plugin check "$package"
"$untxt" plugin test "$package"

echo "== the same text as $(tesseract --version 2>&1 | head -n 1)"
pages='letter eng en 3
scan eng en 3
book eng en 3
coloured eng en 3
askew eng en 3
licence eng en 3
columns eng en 3
licence eng en 6
letter eng en 11
german deu de 3
german deu+eng de+en 3'
while read -r page models tags psm; do
  native "$page" "$models" "$psm" | letters > native.txt
  engine "$page" "$tags" "$psm" | letters > engine.txt
  [ -s native.txt ] || { echo "FAIL  $page: the program read nothing" >&2; exit 1; }
  diff native.txt engine.txt || { echo "FAIL  $page $models psm $psm: above, < is the program's text" >&2; exit 1; }
  echo "ok    $page, $models, psm $psm: $(wc -w < engine.txt) words"
done <<< "$pages"

echo "== installed, through a whole workflow"
"$untxt" plugin install "$package" > install.log
"$untxt" ocr --engine tesseract --dpi 600 --language en --format txt,json --out results pages/letter.png 2> ocr.log
native letter eng 3 | letters > native.txt
letters < results/letter.txt | tr '\t' ' ' | diff native.txt - || { echo "FAIL  letter.txt" >&2; exit 1; }
jq -e '[.pages[].blocks[].lines[].words[]] | length > 100 and all(.confidence >= 0 and .confidence <= 1)' \
  results/letter.json > jq.log || { echo "FAIL  letter.json has too few words, or confidences not in 0..1" >&2; exit 1; }
echo "ok    letter.txt and letter.json"

echo "== processor time, medians of $rounds"
cpu_ms() { # cpu_ms COMMAND…: user and system of it and its children, milliseconds
  local TIMEFORMAT='%U %S'
  { time "$@" > output; } 2>&1 | awk '{ print int(($1 + $2) * 1000 + 0.5) }'
}
median() { sort -n | awk '{ at[NR] = $1 } END { print at[int((NR + 1) / 2)] }'; }
printf '%-10s %10s %10s %7s\n' page native engine ratio
while read -r page models tags psm; do
  : > native.ms
  : > engine.ms
  for ((round = 0; round < rounds; round++)); do
    cpu_ms native "$page" "$models" "$psm" >> native.ms
    cpu_ms engine "$page" "$tags" "$psm" >> engine.ms
  done
  awk -v page="$page" -v native="$(median < native.ms)" -v engine="$(median < engine.ms)" \
    'BEGIN { printf "%-10s %7d ms %7d ms %7.2f\n", page, native, engine, engine / native }'
done <<< 'letter eng en 3
scan eng en 3
licence eng en 3
german deu de 3'
