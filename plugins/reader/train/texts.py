"""Paragraphs of Debian's documents by language, taken out of the unpacked packages once and kept in CACHE/texts.

The handbook is held back whole: held-back lines and the pages of the evaluation are made of it, training never sees it.

Usage: texts.py CACHE
"""

import gzip
import html
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from alphabet import is_known, known

HELD_BACK = "debian-handbook"
LANGUAGES = "en de fr es pl it pt nl cs sk hu ro sl sv da nb fi tr ca".split()
MOST_CHARACTERS = 6_000_000
"""Of one language and split: enough that no line comes twice often, and little enough to keep in memory."""

_DROPPED = re.compile(r"<(script|style|head|nav|pre|aside|header)\b.*?</\1>", re.S | re.I)
_BLOCK_ENDS = re.compile(r"</?(p|div|li|ul|ol|h[1-6]|dt|dd|td|th|tr|table|br|section|title)\b[^>]*>", re.I)
_TAGS = re.compile(r"<[^>]*>")
_ROFF_FONTS = re.compile(r"\\f(\[[^]]*\]|\(..|.)|\\[&|^/,c]")
_ROFF_CHARACTERS = {r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(lq": "“", r"\(rq": "”", r"\(bu": "•", r"\e": "\\"}


def language_of(path: str) -> str | None:
    """The language of a document by the folder or suffix that names it; English where none does."""
    for pattern in (
        r"/man/([a-z]{2})(?:_[A-Z]{2})?/",
        r"/debian-handbook/html/([a-z]{2})-[A-Z]{2}/",
        r"/libreoffice/help/([a-z]{2})/",
        r"/installation-guide-amd64/([a-z]{2})(?:_[A-Z]{2})?/",
        r"[.-]([a-z]{2})(?:[-_](?:br|pt|no|[A-Z]{2}))?\.(?:html|txt)(?:\.gz)?$",
        r"/(?:debian-faq|debian-reference|developers-reference|maint-guide|debian-edu-doc(?:-legacy)?)-([a-z]{2})",
    ):
        found = re.search(pattern, path)
        if found:
            return found[1] if found[1] in LANGUAGES else None
    return "en"


def paragraphs(path: str, text: str) -> Iterator[str]:
    """The paragraphs of an HTML page, a manual page or a plain text, without the help pages' names of their files."""
    if ".html" in path:
        text = _BLOCK_ENDS.sub("\n\n", _DROPPED.sub(" ", text))
        text = html.unescape(_TAGS.sub("", text))
    elif re.search(r"\.[1-8](\.gz)?$", path):
        text = _ROFF_FONTS.sub("", text)
        for escape, character in _ROFF_CHARACTERS.items():
            text = text.replace(escape, character)
        text = re.sub(r"^[.'](B|I|BI|BR|IR|RB|RI|SH|SS|SM)\b\s*", "", text, flags=re.M)
        text = re.sub(r"^[.'].*$", "\n", text, flags=re.M)
    for paragraph in re.split(r"\n\s*\n", text):
        if not is_known(paragraph) or ".xhp" in paragraph:
            continue
        line = known(paragraph)
        if 2 < len(line) < 4000:
            yield line


def documents(root: Path) -> Iterator[Path]:
    """The documents under an unpacked root, in an order that does not depend on the file system."""
    for folder in ("usr/share/doc", "usr/share/debian-reference", "usr/share/libreoffice/help", "usr/share/man"):
        for path in sorted((root / folder).rglob("*")):
            if re.search(r"\.(txt|html|[1-8])(\.gz)?$", path.name) and path.is_file() and not path.is_symlink():
                yield path


def collect(cache: Path) -> dict:
    """Writes CACHE/texts/{train,held}.LANGUAGE.txt, one paragraph a line, and returns how much there is of each."""
    texts: dict[tuple[str, str], dict[str, None]] = {}
    files: dict[str, int] = {"train": 0, "held": 0}
    sizes: dict[tuple[str, str], int] = {}
    for path in documents(cache / "root"):
        language = language_of(str(path))
        split = "held" if HELD_BACK in str(path) else "train"
        key = (split, language or "")
        if language is None or sizes.get(key, 0) > MOST_CHARACTERS:
            continue
        data = path.read_bytes()
        try:
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        except UnicodeDecodeError:
            continue
        kept = texts.setdefault(key, {})
        before = len(kept)
        for paragraph in paragraphs(str(path), text):
            if paragraph not in kept:
                kept[paragraph] = None
                sizes[key] = sizes.get(key, 0) + len(paragraph)
        files[split] += len(kept) > before
    folder = cache / "texts"
    folder.mkdir(exist_ok=True)
    for (split, language), kept in texts.items():
        (folder / f"{split}.{language}.txt").write_text("\n".join(kept))
    words: set[str] = set()
    for path in sorted((cache / "root/usr/share/dict").iterdir()):
        if path.is_file() and not path.is_symlink():
            listed = [word.strip() for word in path.read_text(encoding="utf-8", errors="ignore").splitlines()]
            fit = [word for word in listed if 1 < len(word) < 18 and is_known(word)]
            words.update(fit[:: max(1, len(fit) // 20_000)])
    (folder / "words.txt").write_text("\n".join(sorted(words)))
    counts = {
        "documents": files,
        "characters": {f"{split}.{language}": size for (split, language), size in sorted(sizes.items())},
        "words": len(words),
    }
    (folder / "counts.json").write_text(json.dumps(counts, indent=1))
    return counts


def load(cache: Path, split: str) -> dict[str, list[str]]:
    """The paragraphs of one split by language."""
    found = {
        language: path.read_text().split("\n")
        for language in LANGUAGES
        if (path := cache / "texts" / f"{split}.{language}.txt").exists()
    }
    if not found:
        raise SystemExit(f"no texts in {cache}/texts: run get.sh and texts.py first")
    return found


if __name__ == "__main__":
    print(json.dumps(collect(Path(sys.argv[1]))))
