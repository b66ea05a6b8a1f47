"""What printing and scanning do to a line, first as coverage of ink (0 to 1), then as brightness (0 to 255)."""

import io
import random

import numpy as np
from PIL import Image, ImageFilter

Grey = np.ndarray
"""A picture as float32: coverage of ink from 0 to 1, or brightness from 0 to 255."""


def heavier(ink: Grey, r: random.Random) -> Grey:
    """Strokes grown or thinned by one fine pixel across, down, or both."""
    join = np.maximum if r.random() < 0.5 else np.minimum
    if r.random() < 0.7:
        ink = join(ink[:, 1:], ink[:, :-1])
    if r.random() < 0.7:
        ink = join(ink[1:], ink[:-1])
    return ink


def develop(ink: Grey, r: random.Random, level: float) -> Grey:
    """A scanner's tone curve: what covers little of a pixel fades (thin strokes break), what covers much fills."""
    fades = r.uniform(0.0, 0.38) * level
    fills = r.uniform(0.0, 0.3) * level
    return np.clip((ink - fades) / (1.0 - fades - fills), 0.0, 1.0)


def blur(ink: Grey, radius: float) -> Grey:
    """A Gaussian blur; the radius is in pixels."""
    picture = Image.fromarray((ink * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def shade(ink: Grey, r: random.Random, noise: np.random.Generator, level: float) -> Grey:
    """Brightness of the scan: grey ink, paper that is not white, light that is not even, noise, specks."""
    dark = r.uniform(0, 40 + 80 * level)
    paper = r.uniform(min(250.0, max(dark + 75, 235 - 90 * level)), 255)
    grey = paper - (paper - dark) * ink
    if r.random() < 0.35 * level + 0.05:
        across = np.linspace(0, r.uniform(-45, 45), ink.shape[1], dtype=np.float32)
        down = np.linspace(0, r.uniform(-20, 20), ink.shape[0], dtype=np.float32)
        grey = grey + across[None] + down[:, None]
    if r.random() < 0.25 + 0.65 * level:
        strength = r.uniform(1, 4 + 18 * level)
        grain = noise.standard_normal(ink.shape, dtype=np.float32)
        if r.random() < 0.3:
            grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) * 0.6
        grey = grey + strength * grain
    if r.random() < 0.12 * level:
        chance = noise.random(ink.shape, dtype=np.float32)
        some = r.uniform(0.0005, 0.006)
        grey = np.where(chance < some, dark, np.where(chance > 1 - some, paper, grey))
    return np.clip(grey, 0, 255)


def threshold(grey: Grey, r: random.Random) -> Grey:
    """Black and white, cut anywhere in the middle half of the range."""
    low, high = np.percentile(grey, (2, 90))
    return np.where(grey > low + (high - low) * r.uniform(0.3, 0.72), 255.0, 0.0).astype(np.float32)


def jpeg(grey: Grey, quality: int) -> Grey:
    """Written as JPEG and read again."""
    file = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), dtype=np.float32)
