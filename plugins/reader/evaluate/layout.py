"""Sets text on a page: headings, paragraphs, lists, tables, one column or two. Keeps what it printed, line by line."""

from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

POINTS_TO_THE_INCH = 72
FINE = 2
"""The page is set at this many times the resolution of the scan, and brought down by the scan."""


@dataclass(frozen=True)
class Typeface:
    """Files of a family's regular and bold faces."""

    regular: str
    bold: str


@dataclass
class Page:
    """A sheet of A4 that is filled from top to bottom, column by column."""

    dpi: int
    typeface: Typeface
    points: float
    columns: int = 1
    justified: bool = True
    lines: list[str] = field(default_factory=list)
    """What is printed, in reading order."""

    def __post_init__(self) -> None:
        self.unit = self.dpi * FINE / POINTS_TO_THE_INCH
        self.size = (round(595.3 * self.unit), round(841.9 * self.unit))
        self.sheet = Image.new("L", self.size, 255)
        self.pen = ImageDraw.Draw(self.sheet)
        self.leading = self.points * 1.28
        gap = 22.0
        self.measure = (595.3 - 2 * 62 - gap * (self.columns - 1)) / self.columns
        self.lefts = [62 + n * (self.measure + gap) for n in range(self.columns)]
        self.column = 0
        self.top = 62.0
        self.bottom = 841.9 - 80
        self.y = self.top

    @property
    def left(self) -> float:
        """Where the present column begins, in points."""
        return self.lefts[self.column]

    def font(self, points: float, bold: bool = False) -> ImageFont.FreeTypeFont:
        """A face at a size in points."""
        path = self.typeface.bold if bold else self.typeface.regular
        return ImageFont.truetype(path, round(points * self.unit), layout_engine=ImageFont.Layout.BASIC)

    def room(self, height: float) -> bool:
        """Whether `height` points are left on the page; goes to the next column where this one is full."""
        if self.y + height > self.bottom and self.column + 1 < self.columns:
            self.column += 1
            self.y = self.column_top
        return self.y + height <= self.bottom

    def title(self, text: str) -> None:
        """A heading across the page; the columns begin below it."""
        self._set(text, self.font(self.points * 1.8, bold=True), self.points * 2.4, 595.3 - 2 * 62)
        self.y += self.points
        self.column_top = self.y

    def heading(self, text: str) -> None:
        """A heading within a column."""
        if self.room(self.points * 4):
            self.y += self.points * 0.6
            self._set(text, self.font(self.points * 1.2, bold=True), self.points * 1.6, self.measure)
            self.y += self.points * 0.3

    def paragraph(self, text: str, mark: str = "") -> None:
        """A paragraph, or an item of a list after its mark. What does not fit is left out from a line on."""
        indent = self.points * 1.4 if mark else 0.0
        font = self.font(self.points)
        wrapped = self._wrap(text, font, self.measure - indent)
        for number, words in enumerate(wrapped):
            if not self.room(self.leading):
                return
            first = number == 0
            if mark and first:
                self._draw(self.left, mark, font)
            stretch = self.justified and number + 1 < len(wrapped)
            self._words(words, self.left + indent, self.measure - indent, font, stretch)
            self.lines.append(" ".join([mark, *words] if mark and first else words))
            self.y += self.leading
        self.y += self.points * (0.2 if mark else 0.6)

    def table(self, rows: list[list[str]]) -> None:
        """A table with a bold first row and a rule under each row."""
        height = self.points * 1.9
        if not self.room(height * (len(rows) + 1)):
            return
        self.y += self.points * 0.5
        width = self.measure / len(rows[0])
        for number, row in enumerate(rows):
            font = self.font(self.points, bold=number == 0)
            for column, cell in enumerate(row):
                self._draw(self.left + 6 + column * width, cell, font)
            self.lines.append(" ".join(row))
            self.y += height
            y = round((self.y - self.points * 0.35) * self.unit)
            ends = [(round(self.left * self.unit), y), (round((self.left + self.measure) * self.unit), y)]
            self.pen.line(ends, fill=0, width=round(self.unit * (1.0 if number == 0 else 0.6)))
        self.y += self.points * 0.7

    def footer(self, text: str) -> None:
        """A small line at the foot of the page."""
        self.y = 841.9 - 58
        self.column = 0
        self._draw(self.lefts[0], text, self.font(8.5))
        self.lines.append(text)

    def _draw(self, x: float, text: str, font: ImageFont.FreeTypeFont) -> None:
        """Text with its top line at the present height; `x` is in points."""
        self.pen.text((x * self.unit, self.y * self.unit), text, font=font, fill=0)

    def _set(self, text: str, font: ImageFont.FreeTypeFont, leading: float, measure: float) -> None:
        for words in self._wrap(text, font, measure):
            self._draw(self.left, " ".join(words), font)
            self.lines.append(" ".join(words))
            self.y += leading

    def _words(self, words: list[str], x: float, measure: float, font: ImageFont.FreeTypeFont, stretch: bool) -> None:
        if not stretch or len(words) < 2:
            self._draw(x, " ".join(words), font)
            return
        widths = [font.getlength(word) / self.unit for word in words]
        space = (measure - sum(widths)) / (len(words) - 1)
        for word, width in zip(words, widths, strict=True):
            self._draw(x, word, font)
            x += width + space

    def _wrap(self, text: str, font: ImageFont.FreeTypeFont, measure: float) -> list[list[str]]:
        lines: list[list[str]] = [[]]
        for word in text.split(" "):
            if lines[-1] and font.getlength(" ".join([*lines[-1], word])) > measure * self.unit:
                lines.append([])
            lines[-1].append(word)
        return lines
