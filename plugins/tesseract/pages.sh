#!/usr/bin/env bash
# Makes the pages that check.sh has read: pages.sh FOLDER. Needs ImageMagick, pango-view, pdftoppm
# and the Liberation fonts.
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
documents=$repository/examples/documents
cd "$1"

text=$(mktemp)
trap 'rm -f "$text" left.png right.png straight.png' EXIT

# column FONT WIDTH FILE: sets the paragraphs of standard input, black on white at 300 dpi, WIDTH points wide.
column() {
  awk 'BEGIN { RS = ""; ORS = "\n\n" } { gsub(/[ \n]+/, " "); print }' > "$text"
  pango-view -q --dpi=300 --font="$1" --width="$2" --margin=20 --output="$3" "$text"
  /usr/bin/convert "$3" -colorspace Gray -units PixelsPerInch -density 300 -depth 8 "$3"
}

# A scan of a letter, and a page of a book at the resolution of one.
cp "$documents/letter-scan.png" letter.png
pdftoppm -r 300 -gray -f 20 -l 20 -singlefile -png "$documents/handbook.pdf" book

# The same, in brown ink on yellowed paper.
/usr/bin/convert book.png +level-colors '#702010,#f8f0d0' -depth 8 PNG24:coloured.png

# A page that lay askew, copied badly. With the noise of the seeds 4 and 7, of 1 to 10, one letter is another.
pdftoppm -r 200 -gray -f 40 -l 40 -singlefile -png "$documents/handbook.pdf" straight
/usr/bin/convert straight.png -background white -rotate 1.5 -seed 1 -attenuate 0.2 +noise Gaussian \
  -colorspace Gray -depth 8 askew.png

# A4 full of small print.
head -n 68 "$repository/LICENSE-APACHE" | column 'Liberation Serif 10' 500 licence.png

column 'Liberation Serif 12' 460 german.png <<'TEXT'
Fährordnung für die Überfahrt nach Grönwerder

Die Fähre verkehrt täglich von sechs Uhr früh bis zum Einbruch der Dunkelheit. Wer größere Stücke mit sich führt, möge
sie dem Fährmann vor der Abfahrt anzeigen. Für Pferde, Ochsen und Kälber ist je Kopf ein Groschen zu entrichten; Hühner
und Gänse gehen frei. Bei Eisgang, Hochwasser oder dichtem Nebel ruht der Betrieb, ohne dass ein Anspruch auf
Entschädigung bestünde.

Beschwerden nimmt das Fährhaus schriftlich entgegen. Über jede wird binnen zwölf Tagen entschieden, und die Entscheidung
wird öffentlich ausgehängt. Das Übersetzen auf eigene Gefahr, etwa mit Flößen oder Kähnen, ist außerhalb der
Öffnungszeiten nur mit schriftlicher Erlaubnis gestattet.
TEXT

column 'Liberation Sans 10' 228 left.png <<'TEXT'
The river is widest where the old ferry crosses, and slowest too. In a dry summer one can see the posts of the bridge
that was begun in 1811 and never finished. Nobody remembers who paid for it, but the account books name a sum of 4,120
crowns, most of it for oak.

When the ice broke in the spring of 1856 it took the landing with it. The new one was built of stone, twelve paces
further down, and stands to this day.
TEXT
column 'Liberation Sans 10' 228 right.png <<'TEXT'
The ferryman kept a bell on either bank. One stroke meant a single passenger, two a cart, and three that somebody was in
a hurry, for which the fare was doubled. Children rang all three and hid among the willows.

After the railway came there was less to carry: post, milk, and on Sundays people who wanted to be rowed across and back
again, for no reason but the water.
TEXT
/usr/bin/convert left.png right.png +append -depth 8 columns.png
