"""Makes the pages of the evaluation: twenty pages of Debian's handbook in five languages, as a scanner would give them.

The handbook is held back from the training of the reader. The packages are those that plugins/reader/train/get.sh
fetched and texts.py read, in UNTXT_TRAIN_CACHE. Writes NAME.png, grey, and NAME.txt, what is printed in reading order.

Usage: pages.py FOLDER
"""

import io
import os
import random
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from layout import FINE, Page, Typeface

TRAIN = Path(__file__).resolve().parent.parent / "train"
sys.path.insert(0, str(TRAIN))

import texts  # noqa: E402

SEED = 31
TYPEFACES = (
    ("liberation2/LiberationSerif-Regular.ttf", "liberation2/LiberationSerif-Bold.ttf"),
    ("crosextra/Carlito-Regular.ttf", "crosextra/Carlito-Bold.ttf"),
    ("dejavu/DejaVuSerif.ttf", "dejavu/DejaVuSerif-Bold.ttf"),
    ("liberation2/LiberationSans-Regular.ttf", "liberation2/LiberationSans-Bold.ttf"),
    ("crosextra/Caladea-Regular.ttf", "crosextra/Caladea-Bold.ttf"),
    ("open-sans/OpenSans-Regular.ttf", "open-sans/OpenSans-Bold.ttf"),
    ("gentiumplus/GentiumPlus-Regular.ttf", "gentiumplus/GentiumPlus-Bold.ttf"),
    ("noto/NotoSans-Regular.ttf", "noto/NotoSans-Bold.ttf"),
    ("noto/NotoSerif-Regular.ttf", "noto/NotoSerif-Bold.ttf"),
)
COMMON_WORDS = {
    "en": "the of and to is a in that for",
    "de": "der die und das ist nicht ein eine zu den von auf",
    "fr": "le la les des est une et de en un que pour",
    "es": "el la los las del que una de en un es y para",
    "pl": "się nie jest na że do w i z są oraz przez",
}
LABELS = {
    "en": ("Item", "Quantity", "Price", "Total"),
    "de": ("Posten", "Menge", "Preis", "Summe"),
    "fr": ("Article", "Quantité", "Prix", "Total"),
    "es": ("Artículo", "Cantidad", "Precio", "Importe"),
    "pl": ("Pozycja", "Ilość", "Cena", "Razem"),
}
FOOT = {"en": "Page", "de": "Seite", "fr": "Page", "es": "Página", "pl": "Strona"}


def share(words: list[str], common: str) -> float:
    """The share of words that are among the common ones."""
    known = set(common.split())
    return sum(word.lower() in known for word in words) / max(1, len(words))


def in_language(paragraph: str, language: str) -> bool:
    """Whether a paragraph is written in the language; parts of the handbook are not translated."""
    words = re.findall(r"\w+", paragraph)
    if language != "en" and share(words, COMMON_WORDS["en"]) > share(words, COMMON_WORDS[language]):
        return False
    return share(words, COMMON_WORDS[language]) > 0.1


def headings(paragraphs: list[str]) -> list[str]:
    """Titles of sections, without their numbers; what stands in the handbook's navigation is no title."""
    bare = [re.sub(r"^[\d.]+\s*", "", text) for text in paragraphs if len(text) < 48]
    title = re.compile(r"[^\W\d_][\w ,'’()-]{10,}\w")
    return [text for text in bare if title.fullmatch(text) and text[0].isupper()]


def table(r: random.Random, language: str, paragraphs: list[str]) -> list[list[str]]:
    """A small table of goods with made-up numbers."""
    words = sorted({word for text in paragraphs for word in re.findall(r"\b[^\W\d_]{5,11}\b", text)})
    rows = [list(LABELS[language])]
    for _ in range(r.randint(3, 5)):
        quantity, price = r.randint(1, 48), r.randint(95, 48_000)
        amounts = [f"{price / 100:,.2f}", f"{quantity * price / 100:,.2f}"]
        if language != "en":
            amounts = [amount.translate(str.maketrans(",.", ".,")) for amount in amounts]
        rows.append([r.choice(words), str(quantity), *amounts])
    return rows


def fill(page: Page, r: random.Random, language: str, paragraphs: list[str], number: int) -> None:
    """A title, sections with paragraphs, a list, a table, and the page's number."""
    titles = headings(paragraphs)
    prose = [text for text in paragraphs if 160 < len(text) < 700 and in_language(text, language)]
    items = [text for text in paragraphs if 40 < len(text) < 130 and in_language(text, language)]
    start = r.randrange(max(1, len(prose) - 20))
    prose = prose[start : start + 20]
    page.title(r.choice(titles))
    for section in range(20):
        if not page.room(page.points * 3):
            break
        if section % 3 == 0:
            page.heading(f"{number}.{section // 3 + 1} {r.choice(titles)}")
        page.paragraph(prose[section % len(prose)])
        if section == 1:
            mark = r.choice(("•", "–", "-"))
            for item in r.sample(items, min(3, len(items))):
                page.paragraph(item, mark)
        if section == 2:
            page.table(table(r, language, prose))
    page.footer(f"{FOOT[language]} {number}")


def scan(page: Page, r: random.Random, noise: np.random.Generator) -> Image.Image:
    """The page as a scanner gives it: some pages askew, blurred, grainy, unevenly lit, and written as JPEG once."""
    sheet = page.sheet
    if r.random() < 0.5:
        sheet = sheet.rotate(r.uniform(-1.5, 1.5), Image.Resampling.BICUBIC, fillcolor=255)
    small = sheet.resize((sheet.width // FINE, sheet.height // FINE), Image.Resampling.BOX)
    small = small.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 0.75)))
    ink = 1 - np.asarray(small, dtype=np.float32) / 255
    fades, fills = r.uniform(0.0, 0.12), r.uniform(0.0, 0.15)
    ink = np.clip((ink - fades) / (1 - fades - fills), 0, 1)
    paper, dark = r.uniform(215, 252), r.uniform(15, 70)
    height, width = ink.shape
    light = np.linspace(0, r.uniform(-30, 0), width, dtype=np.float32)[None]
    light = light + np.linspace(0, r.uniform(-20, 0), height, dtype=np.float32)[:, None]
    grey = paper - (paper - dark) * ink + light + r.uniform(2, 9) * noise.standard_normal(ink.shape, dtype=np.float32)
    specks = noise.random(ink.shape, dtype=np.float32) < r.uniform(0, 0.0002)
    grey = np.clip(np.where(specks, dark, grey), 0, 255)
    file = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(file, "JPEG", quality=r.randint(60, 88))
    return Image.open(file).convert("L")


def main() -> None:
    """Writes the twenty pages."""
    folder = Path(sys.argv[1])
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("UNTXT_TRAIN_CACHE") or home / "untxt-train")
    held = texts.load(cache, "held")
    paths = sorted((cache / "root/usr/share/fonts").rglob("*.?tf"))
    files = {f"{path.parent.name}/{path.name}": str(path) for path in paths}
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for language in COMMON_WORDS:
        for kind in range(4):
            r, noise = random.Random(SEED + number), np.random.default_rng(SEED + number)
            regular, bold = (files[name] for name in TYPEFACES[number % len(TYPEFACES)])
            columns = 2 if kind == 2 else 1
            page = Page(
                dpi=150 if number % 2 == 0 else 200,
                typeface=Typeface(regular, bold),
                points=r.choice((9.5, 10)) if columns == 2 else r.choice((10, 10.5, 11, 12)),
                columns=columns,
                justified=kind != 1,
            )
            fill(page, r, language, held[language], number + 1)
            name = f"{number + 1:02d}-{language}-{page.dpi}"
            scan(page, r, noise).save(folder / f"{name}.png")
            (folder / f"{name}.txt").write_text("\n".join(page.lines) + "\n")
            number += 1


if __name__ == "__main__":
    main()
