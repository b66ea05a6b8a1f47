"""The fonts of the unpacked packages: families with their styles, the characters each has, and those held back.

Usage: fonts.py CACHE lists the families.
"""

import json
import re
import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont

from alphabet import CHARACTERS

HELD_BACK = ("Courier Prime", "Gentium")
"""Families (by the beginning of their names) that only held-back lines and evaluation pages use."""

COMMON = re.compile(
    r"Liberation|DejaVu (Sans|Serif)$|Carlito|Caladea|Nimbus (Roman|Sans)|TeX Gyre (Termes|Heros|Pagella|Schola)|"
    r"TeX Gyre Bonum|Latin Modern Roman|LM Roman|CMU Serif|Free(Serif|Sans)|Noto (Sans|Serif)$|Roboto$|Open Sans|"
    r"Tinos|Arimo|C059|P052|Linux Libertine|STIX|EB Garamond|Bitstream Vera|URW Bookman|Charis|Lato$"
)
"""Families that printed letters, reports and forms are likely to be set in; they are drawn three times as often."""

_UNFIT = re.compile(
    r"Symbol|Dingbat|Emoji|D050000L|Math|Initials|Keyboard|Orn|Music|Mono-Oblique|Chancery|Script|Cursive|Adventor.*Outline|"
    r"Slanted.*Caps|Smallcaps|SmallCap|-SC|Caps|Unicase|Bullets|Chess|OpenSymbol|Standard Symbols|Hand|Swash|Fell|"
    r"Nastaliq|Kufi|Naskh|Display-|Outline|Deco|Shadow|Titling|Junicode-.*Expanded|Z003|Chorus|ElAbogado|Unslanted|"
    r"Upright Italic|Thin|Cupola|Caliban",
    re.I,
)
_FEWEST = 0.85
"""The share of the reader's characters that a font has to have."""


@dataclass(frozen=True)
class Face:
    """One font file, and which of the reader's characters it has."""

    path: str
    family: str
    characters: frozenset[str]

    @property
    def italic(self) -> bool:
        """Whether the file's name says that it slants."""
        return bool(re.search(r"italic|oblique|slant|[-_]i\b|[-_]bi\b|It\b|RI\b|BI\b", Path(self.path).stem, re.I))


def _face(path: Path) -> Face | None:
    if _UNFIT.search(path.name):
        return None
    if path.name.startswith("Noto") and not re.match(r"Noto(Sans|Serif|SansMono|SansDisplay|SerifDisplay)-", path.name):
        return None
    try:
        with TTFont(path, lazy=True) as font:
            codes = font.getBestCmap() or {}
            family = font["name"].getDebugName(16) or font["name"].getDebugName(1) or path.stem
            heavy = font["OS/2"].usWeightClass
        if not 250 <= heavy <= 800 or _UNFIT.search(family):
            return None
        have = frozenset(character for character in CHARACTERS if ord(character) in codes)
        if len(have) < _FEWEST * len(CHARACTERS) or not have.issuperset("AZaz09éäß.,"):
            return None
        if ImageFont.truetype(str(path), 40).getmask("Ég").getbbox() is None:
            return None
        return Face(str(path), family, have)
    except (TTLibError, OSError, KeyError, AssertionError, UnicodeDecodeError):
        return None


def collect(cache: Path) -> dict[str, list[Face]]:
    """The faces of each family, read once and then from CACHE/fonts.json."""
    listed = cache / "fonts.json"
    if not listed.exists():
        faces = [
            face
            for path in sorted((cache / "root/usr/share").rglob("*"))
            if path.suffix in (".ttf", ".otf") and not path.is_symlink() and (face := _face(path))
        ]
        rows = [[face.path, face.family, "".join(sorted(face.characters))] for face in faces]
        listed.write_text(json.dumps(rows, ensure_ascii=False))
    families: dict[str, list[Face]] = {}
    for path, family, characters in json.loads(listed.read_text()):
        families.setdefault(family, []).append(Face(path, family, frozenset(characters)))
    return families


def is_held_back(family: str) -> bool:
    """Whether training leaves this family out."""
    return family.startswith(HELD_BACK)


class Sizes:
    """Loaded fonts by face and size; the least recently used are dropped."""

    _MOST = 700

    def __init__(self) -> None:
        self._loaded: OrderedDict[tuple[str, int], ImageFont.FreeTypeFont] = OrderedDict()

    def get(self, path: str, size: int) -> ImageFont.FreeTypeFont:
        """The font at `size` pixels to the em."""
        key = (path, size)
        if key in self._loaded:
            self._loaded.move_to_end(key)
        else:
            if len(self._loaded) >= self._MOST:
                self._loaded.popitem(last=False)
            self._loaded[key] = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        return self._loaded[key]


if __name__ == "__main__":
    for name, faces in collect(Path(sys.argv[1])).items():
        mark = "held back" if is_held_back(name) else "common" if COMMON.search(name) else ""
        print(f"{name}: {len(faces)} {mark}")
