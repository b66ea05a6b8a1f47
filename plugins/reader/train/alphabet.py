"""The characters the reader knows, and how other text is brought into them."""

import re
import unicodedata

_ASCII = "".join(chr(code) for code in range(0x20, 0x7F))
_WESTERN = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŒœŸ"
_CENTRAL = "ĂăĄąĆćČčĎďĐđĘęĚěĞğİıĹĺĽľŁłŃńŇňŐőŔŕŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽžȘșȚț"
_SIGNS = "–—‘’‚“”„‹›«»•…€£¥¢§¶°©®™¡¿ªº¹²³½¼¾±×÷·µ†‰→−"

CHARACTERS: str = _ASCII + _WESTERN + _CENTRAL + _SIGNS
"""Output class 0 of the network is the blank; class n is CHARACTERS[n - 1]."""

CLASS: dict[str, int] = {character: n for n, character in enumerate(CHARACTERS, 1)}

_SAME = str.maketrans(
    {
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "\u00ad": None,
        "\u200b": None,
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "–",
        "\u2015": "—",
        "\u03bc": "µ",
        "\u2022": "•",
        "ﬁ": "fi",
        "ﬂ": "fl",
    }
)


def known(text: str) -> str:
    """`text` in composed form with single spaces, without the characters that the reader does not know."""
    composed = unicodedata.normalize("NFC", text).translate(_SAME)
    spaced = re.sub(r"\s+", " ", composed)
    return "".join(character for character in spaced if character in CLASS).strip()


def is_known(text: str) -> bool:
    """Whether `known` would keep every character of `text`; white space of any kind counts as a space."""
    composed = unicodedata.normalize("NFC", text).translate(_SAME)
    return all(character in CLASS or character.isspace() for character in composed)
