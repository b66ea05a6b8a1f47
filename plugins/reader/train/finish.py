"""Measures a trained network on held-back lines, calibrates its confidence, and writes what the repository keeps.

Usage: finish.py CACHE FOLDER MODEL takes FOLDER/checkpoint.pt and writes MODEL/{reader.onnx,reader.json,record.json}.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

import ctc
import fonts
import held
import train
from alphabet import CHARACTERS
from lines import HEIGHT, LEVELS, STRIDE, Line
from network import CHANNELS, DILATIONS, FAR_AFTER, FAR_DILATION, FAR_KERNEL, WIDTH, Reader, write_onnx

EACH = 500
"""Held-back lines of every strength of damage."""
POINTS = 12
"""Points of the table from raw to calibrated confidence."""
BINS = 15
"""Bins of equal width in the expected calibration error."""


def calibrated(raw: np.ndarray, table: list[list[float]]) -> np.ndarray:
    """Raw confidences through the table, linear between its points."""
    points = np.array(table)
    return np.interp(raw, points[:, 0], points[:, 1])


def calibration(raw: np.ndarray, right: np.ndarray) -> list[list[float]]:
    """Points (raw, share of right characters) that never fall, each of as many wrong characters as the next."""
    order = np.argsort(raw)
    raw, right = raw[order], right[order].astype(float)
    wrong = np.cumsum(1 - right)
    ends = [int(np.searchsorted(wrong, wrong[-1] * n / POINTS)) for n in range(1, POINTS)] + [len(raw)]
    # Pools of neighbours, joined wherever the share of right characters would fall.
    pools: list[tuple[float, float, int]] = []
    start = 0
    for end in ends:
        if end <= start:
            continue
        pools.append((float(raw[start:end].mean()), float(right[start:end].mean()), end - start))
        start = end
        while len(pools) > 1 and pools[-2][1] > pools[-1][1]:
            (a, x, m), (b, y, n) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), (x * m + y * n) / (m + n), m + n)]
    inner = [[round(at, 4), round(share, 4)] for at, share, _ in pools]
    sure = right[raw > 0.9999]
    surest = round(float(sure.mean()), 4) if sure.size else 0.0
    return [[0.0, min(0.05, inner[0][1])], *inner, [1.0, max(inner[-1][1], surest)]]


def expected_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence from the share of right characters, over bins."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    total = 0.0
    for number in range(BINS):
        chosen = bins == number
        if chosen.any():
            total += abs(confidence[chosen].mean() - right[chosen].mean()) * chosen.sum()
    return total / len(confidence)


def measure(reader: Reader, examples: list[tuple[str, Line]]) -> tuple[dict, list[list[float]]]:
    """Error rates, and the calibration from all lines; its error is that of a table from half of them on the others."""
    wrong, total = dict.fromkeys(LEVELS, 0), dict.fromkeys(LEVELS, 0)
    halves: list[tuple[list[float], list[bool]]] = [([], []), ([], [])]
    for number, (name, line) in enumerate(examples):
        text, confidence = ctc.read(held.scores(reader, line))
        wrong[name] += ctc.errors(text, line.text)
        total[name] += len(line.text)
        raw, right = halves[number // len(LEVELS) % 2]
        raw.extend(confidence)
        right.extend(ctc.right(text, line.text))
    (raw, right), (other_raw, other_right) = ((np.array(a), np.array(b)) for a, b in halves)
    half = calibration(raw, right)
    figures = {
        "lines": len(examples),
        "characters": sum(total.values()),
        "character_error_rate_percent": {name: round(100 * wrong[name] / total[name], 3) for name in LEVELS}
        | {"all": round(100 * sum(wrong.values()) / sum(total.values()), 3)},
        "expected_calibration_error": {
            "raw": round(expected_error(other_raw, other_right), 4),
            "calibrated": round(expected_error(calibrated(other_raw, half), other_right), 4),
        },
    }
    return figures, calibration(np.concatenate([raw, other_raw]), np.concatenate([right, other_right]))


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    """Writes network, description and record."""
    cache, folder, model = map(Path, sys.argv[1:4])
    torch.set_num_threads(1)
    saved = torch.load(folder / "checkpoint.pt", weights_only=True)
    reader = Reader(len(CHARACTERS) + 1)
    reader.load_state_dict(saved["averaged"])
    reader.eval()
    progress = train.Progress(**saved["progress"])
    figures, table = measure(reader, held.lines(cache, EACH))
    model.mkdir(parents=True, exist_ok=True)
    write_onnx(reader, model / "reader.onnx")
    description = {
        "characters": CHARACTERS,
        "blank": 0,
        "height": HEIGHT,
        "stride": STRIDE,
        "confidence": table,
    }
    (model / "reader.json").write_text(json.dumps(description, ensure_ascii=False, indent=1) + "\n")
    families = fonts.collect(cache)
    here = Path(__file__).parent
    record = {
        "weights": {"reader.onnx": digest(model / "reader.onnx"), "reader.json": digest(model / "reader.json")},
        "network": {
            "parameters": sum(value.numel() for value in reader.parameters()),
            "characters": len(CHARACTERS),
            "channels": CHANNELS,
            "width": WIDTH,
            "dilations": DILATIONS,
            "far": {"kernel": FAR_KERNEL, "dilation": FAR_DILATION, "after_unit": FAR_AFTER},
        },
        "training": {
            "seed": train.SEED,
            "lines": progress.lines,
            "steps": progress.chunk * train.BATCHES,
            "lines_a_step": train.WORKERS * train.BATCH,
            "plan": [f"{start}:{total}" for start, total in progress.plans],
            "looks_far_from_line": train.FAR_FROM,
            "rate": train.RATE,
            "warm_up_steps": train.WARM_UP_STEPS,
            "weight_decay": train.DECAY,
            "averaging": train.AVERAGE,
            "seconds": round(progress.seconds),
            "loss": round(progress.loss, 4),
        },
        "held_back": {"seed": held.SEED} | figures,
        "data": {
            "texts": json.loads((cache / "texts/counts.json").read_text()),
            "fonts": {
                "families": len(families),
                "files": sum(len(faces) for faces in families.values()),
                "held_back_families": sorted(name for name in families if fonts.is_held_back(name)),
            },
            "packages": dict(line.split(" ") for line in (cache / "versions.txt").read_text().splitlines()),
        },
        "scripts": {
            file.name: digest(file) for file in sorted(here.iterdir()) if file.suffix in (".py", ".sh", ".txt")
        },
    }
    (model / "record.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
