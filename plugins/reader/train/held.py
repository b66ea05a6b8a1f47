"""Held-back lines: texts, half of the fonts and random numbers that training never sees."""

import random
from pathlib import Path

import numpy as np
import torch

import ctc
from lines import LEVELS, Line, Lines
from network import Reader

SEED = 7


def lines(cache: Path, each: int) -> list[tuple[str, Line]]:
    """`each` lines of every strength of damage, with the strength's name."""
    drawer = Lines(cache, "held")
    drawing, noise = random.Random(SEED), np.random.default_rng(SEED)
    return [(name, drawer.draw(drawing, noise, level)) for _ in range(each) for name, level in LEVELS.items()]


@torch.no_grad()
def scores(reader: Reader, line: Line) -> np.ndarray:
    """The network's scores of one line, `[classes, columns]`."""
    width = line.pixels.shape[1]
    pixels = torch.zeros(1, 1, 32, -(-width // 8) * 8)
    pixels[0, 0, :, :width] = torch.from_numpy(line.pixels)
    return reader(pixels)[0].numpy()


def rates(reader: Reader, examples: list[tuple[str, Line]]) -> dict[str, float]:
    """Character error rates by strength of damage, in percent."""
    wrong, total = dict.fromkeys(LEVELS, 0), dict.fromkeys(LEVELS, 0)
    for name, line in examples:
        wrong[name] += ctc.errors(ctc.read(scores(reader, line))[0], line.text)
        total[name] += len(line.text)
    return {name: round(100 * wrong[name] / total[name], 2) for name in LEVELS}
