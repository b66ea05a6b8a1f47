"""Synthetic lines as a scanner and the reader's line finder would give them.

Usage: lines.py CACHE SHEET.png draws a sheet of forty lines to look at.
"""

import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import damage
import fonts
import texts
from alphabet import CLASS
from phrases import Phrases

HEIGHT = 32
"""Rows of every line given to the network."""
STRIDE = 4
"""Columns of a line for each column of the network's output."""
WIDEST = 768
NARROWEST = 16

LEVELS = {"clean": 0.0, "light": 0.35, "usual": 0.65, "heavy": 1.0}
"""Strengths of damage, by the names under which held-back lines are counted."""

_FINE_SIZES = (36, 48, 72)
_RESAMPLING = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BILINEAR,
    Image.Resampling.BOX,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


@dataclass(frozen=True)
class Line:
    """A picture of HEIGHT rows with mean 0 and deviation 1, and what it says."""

    pixels: np.ndarray
    text: str

    @property
    def classes(self) -> list[int]:
        """The text as classes of the network."""
        return [CLASS[character] for character in self.text]


class Lines:
    """Draws lines of one split, `train` or `held`: held-back lines say held-back texts, half in held-back fonts."""

    def __init__(self, cache: Path, split: str) -> None:
        words = (cache / "texts/words.txt").read_text().split("\n")
        self._phrases = Phrases(texts.load(cache, split), words)
        families = fonts.collect(cache)
        self._seen = {name: faces for name, faces in families.items() if not fonts.is_held_back(name)}
        self._unseen = {name: faces for name, faces in families.items() if fonts.is_held_back(name)}
        self._held = split == "held"
        self._names = list(self._seen)
        self._weights = [3.0 if fonts.COMMON.search(name) else 1.0 for name in self._names]
        self._sizes = fonts.Sizes()

    def draw(self, r: random.Random, noise: np.random.Generator, level: float) -> Line:
        """One line with damage of this strength, 0 to 1; a text that leaves next to no ink is drawn anew."""
        while True:
            text = self._phrases.draw(r)
            face = self._face(r, text)
            size = r.choice(_FINE_SIZES)
            fine = self._set(r, text, face.path, size)
            if fine is not None:
                break
        return Line(_scan(r, noise, fine, size, level), text)

    def _face(self, r: random.Random, text: str) -> fonts.Face:
        """A face that has every character of `text`; some common families have all, so the search ends."""
        needed = frozenset(text)
        while True:
            if self._held and r.random() < 0.5:
                faces = self._unseen[r.choice(list(self._unseen))]
            else:
                faces = self._seen[r.choices(self._names, self._weights)[0]]
            face = r.choice(faces)
            if face.italic and r.random() < 0.6:
                continue
            if needed <= face.characters:
                return face

    def _set(self, r: random.Random, text: str, path: str, size: int) -> "_Set | None":
        """The text set in fine pixels, with what surrounds it on a page."""
        font = self._sizes.get(path, size)
        left, top, right, bottom = font.getbbox(text)
        if bottom - top < 3 or right - left < 2:
            return None
        spacing = r.random()
        wide = 0
        if spacing < 0.22 and " " in text:
            wide = int(size * (r.uniform(-0.08, 0.5) if r.random() < 0.9 else r.uniform(0.5, 3)))
        tracking = int(size * r.uniform(-0.03, 0.2)) if 0.22 <= spacing < 0.28 else 0
        margin = size
        length = right + max(0, wide) * text.count(" ") + max(0, tracking) * len(text)
        sheet = Image.new("L", (length + 2 * margin, bottom - top + 4 * margin), 0)
        pen = ImageDraw.Draw(sheet)
        base = 2 * margin - top
        if wide or tracking:
            x = float(margin)
            pieces = [word + " " for word in text.split(" ")] if wide else list(text)
            for piece in pieces:
                pen.text((x, base), piece, font=font, fill=255)
                x += max(1.0, font.getlength(piece) + (wide or tracking))
        else:
            pen.text((margin, base), text, font=font, fill=255)
        box = sheet.getbbox()
        if box is None:
            return None
        if r.random() < 0.2:
            other = self._phrases.draw(r)
            step = int(size * r.uniform(1.0, 1.4))
            pen.text((margin - r.randint(0, size), base + r.choice((-step, step))), other, font=font, fill=255)
        _rules(r, pen, sheet.size, box, size)
        return _Set(np.asarray(sheet, dtype=np.float32) / 255, box)


@dataclass(frozen=True)
class _Set:
    """Coverage in fine pixels, and the box of the line's own ink: left, top, right, bottom."""

    ink: np.ndarray
    box: tuple[int, int, int, int]


def _rules(r: random.Random, pen: ImageDraw.ImageDraw, extent: tuple[int, int], box: tuple, size: int) -> None:
    """Underlines, rules of tables above and below, and rules at the sides."""
    left, top, right, bottom = box
    width, height = extent
    thick = max(1, int(size * r.uniform(0.02, 0.07)))
    if r.random() < 0.06:
        y = bottom - int(size * r.uniform(-0.12, 0.22))
        start = left if r.random() < 0.5 else r.randint(left, right)
        pen.line((start, y, r.randint(start, right), y), fill=r.randint(120, 255), width=thick)
    if r.random() < 0.07:
        y = r.choice((top - int(size * r.uniform(0.08, 0.4)), bottom + int(size * r.uniform(0.08, 0.4))))
        pen.line((0, y, width, y), fill=r.randint(100, 255), width=thick)
    if r.random() < 0.05:
        x = r.choice((left - int(size * r.uniform(0.15, 0.6)), right + int(size * r.uniform(0.15, 0.6))))
        pen.line((x, 0, x, height), fill=r.randint(100, 255), width=thick)


def _scan(r: random.Random, noise: np.random.Generator, fine: _Set, size: int, level: float) -> np.ndarray:
    """The line as scanned, cut out and brought to the height that the network takes."""
    ink = damage.heavier(fine.ink, r) if r.random() < 0.35 else fine.ink
    left, top, right, bottom = fine.box
    # Pixels to the em of the scan: 8 to 14 points at 100 to 300 dots an inch, most of them small.
    em = min(size, 15 * (58 / 15) ** (r.random() ** 1.6))
    scale = em / size
    # Cut generously first, so that resampling and turning have something to take from the surroundings.
    spare = int(size * 0.8)
    x0, y0 = max(0, left - spare), max(0, top - spare)
    ink = ink[y0 : bottom + spare, x0 : right + spare]
    wide = r.uniform(0.92, 1.1)
    width, height = max(8, int(ink.shape[1] * scale * wide)), max(8, int(ink.shape[0] * scale))
    picture = Image.fromarray((ink * 255).astype(np.uint8)).resize((width, height), r.choice(_RESAMPLING[:3]))
    if r.random() < 0.45:
        picture = picture.rotate(r.uniform(-0.9, 0.9), Image.Resampling.BILINEAR)
    ink = np.asarray(picture, dtype=np.float32) / 255
    if r.random() < 0.3 + 0.6 * level:
        ink = damage.blur(ink, r.uniform(0.2, 0.35 + 0.6 * level) * min(1.6, em / 26))
    if level > 0:
        ink = damage.develop(ink, r, level)
    across, down = width / max(1, right + spare - x0), height / max(1, bottom + spare - y0)
    line = _cut(r, ink, ((left - x0) * across, (top - y0) * down, (right - x0) * across, (bottom - y0) * down), em)
    grey = damage.shade(line, r, noise, level)
    if r.random() < 0.14 * level:
        grey = damage.threshold(grey, r)
    if r.random() < 0.45 * level:
        grey = damage.jpeg(grey, r.randint(25, 92))
    if r.random() < 0.015:
        grey = 255 - grey
    return fit(grey, r.choice(_RESAMPLING), r.uniform(0.95, 1.06))


def _cut(r: random.Random, ink: np.ndarray, box: tuple[float, float, float, float], em: float) -> np.ndarray:
    """The line's box with margins as a line finder leaves them: mostly a tenth to a fifth, some tight, some loose."""
    left, top, right, bottom = box
    height = bottom - top
    kind = r.random()
    least, most = (0.06, 0.22) if kind < 0.7 else (-0.02, 0.08) if kind < 0.85 else (0.15, 0.45)
    above, below = (height * r.uniform(least, most) for _ in range(2))
    before, after = (em * r.uniform(0.0, 0.5) for _ in range(2))
    y0, y1 = max(0, round(top - above)), min(ink.shape[0], round(bottom + below))
    x0, x1 = max(0, round(left - before)), min(ink.shape[1], round(right + after))
    return ink[y0 : max(y1, y0 + 4), x0 : max(x1, x0 + 3)]


def fit(grey: np.ndarray, resampling: Image.Resampling, stretch: float = 1.0) -> np.ndarray:
    """A cut-out line brought to HEIGHT rows, its brightness to mean 0 and deviation 1."""
    rows, columns = grey.shape
    width = min(WIDEST, max(NARROWEST, round(columns * HEIGHT / rows * stretch)))
    pixels = np.asarray(Image.fromarray(grey.astype(np.uint8)).resize((width, HEIGHT), resampling), dtype=np.float32)
    return (pixels - pixels.mean()) / (pixels.std() + 1e-3)


def sheet(cache: Path, file: Path) -> None:
    """Draws forty lines of all strengths under each other."""
    lines = Lines(cache, "train")
    r, noise = random.Random(1), np.random.default_rng(1)
    page = Image.new("L", (WIDEST + 10, 40 * 38), 255)
    for n in range(40):
        line = lines.draw(r, noise, r.random())
        pixels = np.clip((line.pixels - line.pixels.min()) / np.ptp(line.pixels) * 255, 0, 255)
        page.paste(Image.fromarray(pixels.astype(np.uint8)), (5, n * 38))
        print(f"{n}: {line.text}")
    page.save(file)


if __name__ == "__main__":
    sheet(Path(sys.argv[1]), Path(sys.argv[2]))
