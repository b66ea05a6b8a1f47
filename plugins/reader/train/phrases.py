"""What the lines say: prose, words, headings, cells, dates, amounts, addresses, and characters easily confused."""

import random
import re
import string

from alphabet import CHARACTERS, known

_LANGUAGE_WEIGHTS = dict(en=22, de=14, fr=13, es=11, pl=11, cs=5, it=5, pt=4, hu=4, nl=3, sv=3)
_OTHER_LANGUAGE = 1.5
_QUOTES = tuple("“%s”|„%s“|„%s”|«%s»|« %s »|»%s«|‘%s’|‚%s‘|'%s'|\"%s\"|(%s)|[%s]|‹%s›|(%s|%s)".split("|"))
_CONFUSED = tuple("Il1|!i O0oQD .,;: mnr cldo S5s$ B8ß3 Z2z G6C ceo uvn ft hbk ’'‘` -–— gq9".split())
_ACCENTED = {
    "a": "àáâãäåąăæ",
    "e": "èéêëęě",
    "i": "ìíîïı",
    "o": "òóôõöøőœ",
    "u": "ùúûüůű",
    "c": "çćč",
    "n": "ñńň",
    "s": "śşšșß",
    "z": "źżž",
    "l": "łľĺ",
    "r": "řŕ",
    "t": "ťțţ",
    "y": "ýÿ",
    "d": "ďđð",
    "g": "ğ",
    "p": "þ",
}
_MONTHS = (
    "January February March April May June July August September October November December Jan Feb Aug Sept Nov Dec "
    "Januar Februar März Mai Juni Juli Oktober Dezember janvier février mars avril mai juin juillet août septembre "
    "octobre novembre décembre enero febrero marzo mayo junio julio agosto septiembre diciembre stycznia lutego "
    "marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
).split()
_UNITS = (
    "% ‰ € $ £ EUR USD GBP PLN CHF zł Kč Ft kr. kg g t km m cm mm m² m³ l ml h min s kWh MB GB °C St. pcs Stk. szt."
).split()
_CODE = string.ascii_uppercase + string.digits
_HOSTS = "example mail archive office post library museum shop bank verein mairie correo urzad".split()
_ENDINGS = "com org net de fr es pl eu at ch it cz info".split()
_LABELS = (
    "Total Subtotal VAT Tax Page Date Invoice No. Ref. Tel. Fax Phone E-mail Name Address Summe MwSt. Betrag Datum "
    "Seite Nr. Rechnung Kunde Montant Facture Adresse Téléphone Importe Fecha Factura Página Kwota Razem Strona Data "
    "Faktura Item Qty Price Amount Menge Preis Prix Quantité Cantidad Precio Ilość Cena IBAN BIC Figure Table Abb. "
    "Tab. Chapter §"
).split()


class Phrases:
    """Draws the text of lines; what it draws depends on nothing but its random numbers."""

    def __init__(self, paragraphs: dict[str, list[str]], words: list[str]) -> None:
        self._paragraphs = paragraphs
        self._languages = list(paragraphs)
        self._weights = [_LANGUAGE_WEIGHTS.get(language, _OTHER_LANGUAGE) for language in self._languages]
        self._words = words

    def draw(self, r: random.Random) -> str:
        """The text of one line: 1 to 72 known characters."""
        kind = r.random()
        if kind < 0.56:
            text = self._prose(r, r.randint(8, 64))
        elif kind < 0.64:
            text = " ".join(r.choice(self._words) for _ in range(r.randint(1, 6)))
        elif kind < 0.71:
            text = self._heading(r)
        elif kind < 0.77:
            text = self._cell(r)
        elif kind < 0.88:
            text = " ".join(self._made_up(r) for _ in range(r.randint(1, 4)))
        elif kind < 0.93:
            text = self._confusing(r)
        elif kind < 0.97:
            text = _accented(r, self._prose(r, r.randint(6, 40)), 0.25)
        else:
            text = _scattered(r)
        if r.random() < 0.08:
            text = self._quoted(r, text)
        if r.random() < 0.05:
            text = text.upper()
        return known(text)[:72].strip() or r.choice(_CODE)

    def _paragraph(self, r: random.Random) -> str:
        language = r.choices(self._languages, self._weights)[0]
        return r.choice(self._paragraphs[language])

    def _prose(self, r: random.Random, length: int) -> str:
        """A piece of a paragraph from a word's beginning, ended like a set line: after a word or in one, hyphenated."""
        paragraph = self._paragraph(r)
        for _ in range(3):
            if len(paragraph) >= 25:
                break
            paragraph = self._paragraph(r)
        start = r.randrange(max(1, len(paragraph) - length // 2)) if r.random() < 0.8 else 0
        if start:
            start = paragraph.find(" ", start) + 1
        piece = paragraph[start : start + length]
        if start + length < len(paragraph):
            whole = piece.rfind(" ")
            in_word = piece[-1:].isalpha() and paragraph[start + length].isalpha()
            if in_word and len(piece) - whole > 3 and r.random() < 0.4:
                piece += "-"
            elif whole > 3:
                piece = piece[:whole]
        return piece

    def _heading(self, r: random.Random) -> str:
        words = self._prose(r, r.randint(8, 34)).split(" ")
        style = r.random()
        if style < 0.35:
            words = [word[:1].upper() + word[1:] for word in words]
        elif style < 0.6:
            words = [word.upper() for word in words]
        text = " ".join(words)
        if r.random() < 0.4:
            number = ".".join(str(r.randint(1, 12)) for _ in range(r.randint(1, 3)))
            text = f"{number}{r.choice(('.', '', ')'))} {text}"
        return text

    def _cell(self, r: random.Random) -> str:
        kind = r.random()
        if kind < 0.3:
            return _number(r)
        if kind < 0.5:
            return r.choice(_LABELS) + r.choice(("", "", ":"))
        if kind < 0.75:
            return r.choice(self._words)
        if kind < 0.85:
            return r.choice(CHARACTERS[1:]) if r.random() < 0.4 else str(r.randint(0, 99))
        return f"{r.choice(_LABELS)} {_number(r)}"

    def _made_up(self, r: random.Random) -> str:
        kind = r.random()
        if kind < 0.2:
            return _date(r)
        if kind < 0.4:
            return _number(r)
        if kind < 0.47:
            return f"{r.randint(0, 23)}{r.choice('::.h')}{r.randint(0, 59):02d}"
        if kind < 0.54:
            name = f"{r.choice(self._words)}{r.choice('._-')}{r.choice(_HOSTS)}".lower()
            return f"{name}@{r.choice(_HOSTS)}.{r.choice(_ENDINGS)}"
        if kind < 0.62:
            path = "/".join(r.choice(self._words).lower() for _ in range(r.randint(0, 3)))
            start = r.choice(("https://www.", "http://", "www.", "https://", ""))
            host = f"{start}{r.choice(_HOSTS)}.{r.choice(_ENDINGS)}"
            return f"{host}/{path}{r.choice(('', '.html', '/', f'?id={r.randint(1, 999)}'))}"
        if kind < 0.7:
            return r.choice(("", "+", "0", "(0", "00")) + r.choice((" ", "-", "/")).join(
                str(r.randint(10, 9999)) for _ in range(r.randint(2, 4))
            )
        if kind < 0.8:
            parts = ["".join(r.choice(_CODE) for _ in range(r.randint(1, 5))) for _ in range(r.randint(2, 4))]
            return r.choice("-/. _").join(parts)
        if kind < 0.84:
            return "".join(r.choice(_CODE) for _ in range(2)) + "".join(
                f"{r.randint(0, 9999):04d}{r.choice((' ', ''))}" for _ in range(r.randint(3, 5))
            )
        if kind < 0.9:
            return f"{r.choice(_LABELS)} {r.randint(1, 2000)}"
        if kind < 0.95:
            start = r.choice(("/", "~/", "./", "--", "-"))
            return f"{start}{r.choice(self._words)}{r.choice('/=_-.')}{r.choice(self._words)}".lower()
        return r.choice(self._words) + r.choice(":;,.!?…")

    def _confusing(self, r: random.Random) -> str:
        """Prose or codes in which characters are exchanged for those they are taken for."""
        if r.random() < 0.4:
            groups = r.sample(_CONFUSED, r.randint(1, 3))
            pool = "".join(groups) + " "
            return "".join(r.choice(pool) for _ in range(r.randint(2, 18)))
        exchanged = []
        for character in self._prose(r, r.randint(5, 36)):
            if r.random() < 0.2:
                group = next((group for group in _CONFUSED if character in group), None)
                exchanged.append(r.choice(group) if group else character)
            else:
                exchanged.append(character)
        return "".join(exchanged)

    def _quoted(self, r: random.Random, text: str) -> str:
        words = text.split(" ")
        start = r.randrange(len(words))
        end = min(len(words), start + r.randint(1, 5))
        inner = r.choice(_QUOTES) % " ".join(words[start:end])
        return " ".join([*words[:start], inner, *words[end:]])


def _number(r: random.Random) -> str:
    value = r.randint(0, 10 ** r.randint(1, 7))
    kind = r.random()
    if kind < 0.25:
        text = str(value)
    elif kind < 0.45:
        text = f"{value:,}"
    elif kind < 0.6:
        text = f"{value / 100:,.2f}"
    elif kind < 0.75:
        text = f"{value / 100:,.2f}".translate(str.maketrans(",.", ".,"))
    elif kind < 0.85:
        text = f"{value:,}".replace(",", " ")
    else:
        text = f"{value / 10 ** r.randint(1, 3):.{r.randint(1, 3)}f}".replace(".", r.choice(".,"))
    if r.random() < 0.15:
        text = r.choice(("-", "–", "+", "±", "~", "<", ">", "€ ", "$", "£")) + text
    if r.random() < 0.3:
        text += r.choice(("", " ")) + r.choice(_UNITS)
    return text


def _date(r: random.Random) -> str:
    day, month, year = r.randint(1, 31), r.randint(1, 12), r.randint(1850, 2035)
    kind = r.random()
    if kind < 0.25:
        return f"{day:02d}{(mark := r.choice('./-'))}{month:02d}{mark}{year}"
    if kind < 0.4:
        return f"{year}-{month:02d}-{day:02d}"
    if kind < 0.5:
        return f"{day}.{month}.{year % 100:02d}"
    if kind < 0.6:
        return f"{year}{r.choice('–-/')}{(year + r.randint(1, 9)) % 100:02d}"
    if kind < 0.8:
        return f"{day}{r.choice(('', '.', '', ' de'))} {r.choice(_MONTHS)}{r.choice(('', ' de'))} {year}"
    return f"{r.choice(_MONTHS)} {day}, {year}"


def _accented(r: random.Random, text: str, share: float) -> str:
    """`text` with letters given accents at random, so that each accented letter is seen often."""
    out = []
    for character in text:
        others = _ACCENTED.get(character.lower())
        if others and r.random() < share:
            other = r.choice(others)
            upper = other.upper()
            out.append(upper if character.isupper() and len(upper) == 1 else other)
        else:
            out.append(character)
    return "".join(out)


def _scattered(r: random.Random) -> str:
    """Characters at random in short groups: what no text would teach."""
    groups = ("".join(r.choice(CHARACTERS[1:]) for _ in range(r.randint(1, 6))) for _ in range(r.randint(1, 4)))
    return re.sub(r" +", " ", " ".join(groups))
