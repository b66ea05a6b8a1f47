#!/usr/bin/env bash
# Writes ten pages to compare on into FOLDER, as PNG: a scan of a letter, and pages of
# Debian's documents in English, German, French, Chinese and Japanese, some of them small,
# askew, on their side or large.
#
#   pages.sh FOLDER
#
# It gets the documents with `apt-get download` and needs pdftoppm and ImageMagick.
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
documents=$(cd "$(dirname "$0")/../../examples/documents" && pwd)
mkdir -p "$1"
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(
  cd "$work"
  apt-get -qq download debian-faq debian-faq-de debian-faq-fr maint-guide-ja maint-guide-zh-cn 2> apt.log ||
    { cat apt.log >&2; exit 1; }
  for package in *.deb; do dpkg-deb -x "$package" .; done
  find usr -name '*.pdf.gz' -exec gunzip -f {} +
)
faq=$work/usr/share/doc/debian/FAQ

# page DOCUMENT NUMBER DPI NAME
page() { pdftoppm -r "$3" -f "$2" -l "$2" -singlefile -png "$1" "$4"; }

cp "$documents/letter-scan.png" 01-letter.png
page "$documents/handbook.pdf" 20 150 02-book
page "$faq/debian-faq.en.pdf" 15 150 03-en
page "$faq/debian-faq.de.pdf" 14 150 04-de
page "$faq/debian-faq.fr.pdf" 16 110 05-fr-small
page "$work/usr/share/doc/maint-guide-zh-cn/maint-guide.zh-cn.pdf" 14 150 06-zh
page "$work/usr/share/doc/maint-guide-zh-cn/maint-guide.zh-cn.pdf" 22 150 straight
/usr/bin/convert straight.png -background white -rotate 2 -seed 1 -attenuate 0.2 +noise Gaussian 07-zh-askew.png
page "$work/usr/share/doc/maint-guide-ja/maint-guide.ja.pdf" 14 150 08-ja
page "$work/usr/share/doc/maint-guide-ja/maint-guide.ja.pdf" 22 150 straight
/usr/bin/convert straight.png -rotate 90 09-ja-on-its-side.png
page "$work/usr/share/doc/maint-guide-ja/maint-guide.ja.pdf" 30 250 10-ja-large
rm straight.png
