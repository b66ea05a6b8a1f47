"""Reading the network's scores, and counting errors."""

import numpy as np

from alphabet import CHARACTERS


def read(scores: np.ndarray, temperature: float = 1.0) -> tuple[str, list[float]]:
    """The likeliest class of each column of `[classes, columns]`, repeats joined, blanks dropped.

    Each character comes with the highest probability that its class has in its run of columns.
    """
    scaled = scores / temperature
    scaled = scaled - scaled.max(0)
    chances = np.exp(scaled)
    chances /= chances.sum(0)
    best = scores.argmax(0)
    text, confidence, last = [], [], 0
    for column, number in enumerate(best):
        if number != 0:
            if number == last:
                confidence[-1] = max(confidence[-1], float(chances[number, column]))
            else:
                text.append(CHARACTERS[number - 1])
                confidence.append(float(chances[number, column]))
        last = number
    return "".join(text), confidence


def _table(read_text: str, truth: str) -> list[list[int]]:
    rows = [list(range(len(truth) + 1))]
    for i, character in enumerate(read_text, 1):
        row, above = [i], rows[-1]
        for j, expected in enumerate(truth, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (character != expected)))
        rows.append(row)
    return rows


def errors(read_text: str, truth: str) -> int:
    """The fewest insertions, deletions and exchanges between the two texts."""
    return _table(read_text, truth)[-1][-1]


def right(read_text: str, truth: str) -> list[bool]:
    """For each character that was read, whether it stands for the same one of the truth in a shortest alignment."""
    rows = _table(read_text, truth)
    i, j = len(read_text), len(truth)
    out = [False] * i
    while i and j:
        same = read_text[i - 1] == truth[j - 1]
        if rows[i][j] == rows[i - 1][j - 1] + (not same):
            i, j = i - 1, j - 1
            out[i] = same
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return out
