"""Trains the network on synthetic lines; the seed and the plan determine the weights.

Two processes of one thread each draw their own lines, and exchange gradients once a step: both compute the same step.
An interrupted training goes on from its last checkpoint as if it had not stopped.

A plan is a list of FROM:LINES: from line FROM on, the learning rate falls as it should for LINES lines in all. The
training ends with the LINES of the last.

Usage: train.py CACHE FOLDER --plan FROM:LINES... [--from CHECKPOINT]
"""

import argparse
import math
import random
import time
from dataclasses import asdict, dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as processes
from torch import nn

import fonts
import held
from alphabet import CHARACTERS
from lines import STRIDE, Line, Lines
from network import Reader, write_onnx

SEED = 20261126
WORKERS = 2
BATCH = 16
"""Lines of one process in one step."""
BATCHES = 16
"""Batches that are drawn at once, so that lines of like width come together."""
CHUNK = WORKERS * BATCH * BATCHES
RATE = 2e-3
WARM_UP_STEPS = 400
DECAY = 1e-2
CLIP = 2.0
AVERAGE = 0.998
"""Share that the averaged weights keep at each step."""
CHECKPOINT_CHUNKS = 40
FAR_FROM = 143_360
"""Lines after which the network looks far: shapes first, then what is around them."""
LONGEST_WAIT = 900.0
"""Seconds one process waits for the other's gradients before it gives up: many times the longest step."""


@dataclass
class Progress:
    """How far a training has come; what a checkpoint holds beside tensors."""

    chunk: int = 0
    plans: list[tuple[int, int]] = field(default_factory=list)
    """From which line on the learning rate was that of how many lines in all."""
    seconds: float = 0.0
    loss: float = 0.0

    @property
    def lines(self) -> int:
        """Lines seen."""
        return self.chunk * CHUNK


def batches(lines: Lines, worker: int, chunk: int) -> list[list[Line]]:
    """The batches of one process in one chunk, each of lines of like width; both processes go by the same order."""
    drawing = random.Random(f"{SEED} {worker} {chunk}")
    noise = np.random.default_rng([SEED, worker, chunk])
    drawn = [lines.draw(drawing, noise, drawing.random()) for _ in range(BATCH * BATCHES)]
    drawn.sort(key=lambda line: line.pixels.shape[1])
    order = list(range(BATCHES))
    random.Random(f"{SEED} {chunk}").shuffle(order)
    return [drawn[n * BATCH : (n + 1) * BATCH] for n in order]


def loss_of(reader: Reader, batch: list[Line]) -> torch.Tensor:
    """CTC's loss of a batch, each line's divided by its length."""
    widths = [line.pixels.shape[1] for line in batch]
    widest = -(-max(widths) // 16) * 16
    pixels = torch.zeros(len(batch), 1, 32, widest)
    for n, line in enumerate(batch):
        pixels[n, 0, :, : widths[n]] = torch.from_numpy(line.pixels)
    with torch.autocast("cpu", torch.bfloat16):
        scores = reader(pixels.contiguous(memory_format=torch.channels_last))
    columns = torch.tensor([-(-width // STRIDE) for width in widths])
    classes = torch.tensor([number for line in batch for number in line.classes])
    lengths = torch.tensor([len(line.text) for line in batch])
    chances = scores.float().permute(2, 0, 1).log_softmax(2)
    return nn.functional.ctc_loss(chances, classes, columns, lengths, zero_infinity=True)


def planned(plans: list[tuple[int, int]], lines: int) -> int:
    """For how many lines in all the plan is after so many."""
    return [total for start, total in plans if start <= lines][-1]


def rate(step: int, lines: int, total: int) -> float:
    """Warm-up, then a half cosine that is zero at the planned number of lines."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return RATE * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, lines / total)))


def train(worker: int, options: argparse.Namespace, exchange: torch.Tensor, barrier: Barrier) -> None:
    """What one process does; the first one also writes checkpoints and reports."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    reader = Reader(len(CHARACTERS) + 1).to(memory_format=torch.channels_last)
    averaged = Reader(len(CHARACTERS) + 1).to(memory_format=torch.channels_last)
    averaged.load_state_dict(reader.state_dict())
    parameters = list(reader.parameters())
    statistics = [buffer for buffer in reader.buffers() if buffer.is_floating_point()]
    optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=DECAY, foreach=True)
    progress = Progress()
    if options.checkpoint:
        saved = torch.load(options.checkpoint, weights_only=True)
        reader.load_state_dict(saved["reader"])
        averaged.load_state_dict(saved["averaged"])
        optimizer.load_state_dict(saved["optimizer"])
        progress = Progress(**saved["progress"])
    progress.plans = options.plan
    end = options.plan[-1][1]
    lines = Lines(options.cache, "train")
    examples = held.lines(options.cache, 100) if worker == 0 else []
    if worker == 0 and not options.checkpoint:
        write_onnx(averaged.eval(), options.folder / "reader.onnx")
    began = time.monotonic() - progress.seconds
    while progress.lines < end:
        reader.looks_far = averaged.looks_far = progress.lines >= FAR_FROM
        for n, batch in enumerate(batches(lines, worker, progress.chunk)):
            step = progress.chunk * BATCHES + n
            for group in optimizer.param_groups:
                group["lr"] = rate(step, progress.lines, planned(options.plan, progress.lines))
            loss = loss_of(reader, batch)
            optimizer.zero_grad()
            loss.backward()
            share(parameters, statistics, exchange[step % 2], worker, barrier)
            nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            follow(averaged, reader, min(AVERAGE, (step + 1) / (step + 10)))
            progress.loss += 0.01 * (loss.item() - progress.loss) if step else loss.item()
        progress.chunk += 1
        progress.seconds = time.monotonic() - began
        if worker == 0 and (progress.chunk % 4 == 0 or progress.lines >= end):
            print(f"{progress.seconds:.0f} s, {progress.lines} lines, loss {progress.loss:.4f}", flush=True)
        if worker == 0 and (progress.chunk % CHECKPOINT_CHUNKS == 0 or progress.lines >= end):
            save(options.folder, reader, averaged, optimizer, progress)
            print("held back:", held.rates(averaged.eval(), examples), flush=True)


def share(
    parameters: list[nn.Parameter], statistics: list[torch.Tensor], both: torch.Tensor, worker: int, barrier: Barrier
) -> None:
    """Replaces gradients and running statistics by their means over the processes.

    `both` alternates between two places, so that one wait a step is enough: nobody writes where another still reads.
    """
    values = [parameter.grad for parameter in parameters if parameter.grad is not None] + statistics
    joined = torch.cat([value.reshape(-1) for value in values])
    both[worker, : len(joined)] = joined
    barrier.wait(LONGEST_WAIT)
    mean = both.mean(0)
    at = 0
    for value in values:
        value.copy_(mean[at : at + value.numel()].view(value.shape))
        at += value.numel()


@torch.no_grad()
def follow(averaged: Reader, reader: Reader, keep: float) -> None:
    """Moves the averaged weights towards the present ones, and copies the statistics."""
    torch._foreach_lerp_(list(averaged.parameters()), list(reader.parameters()), 1 - keep)
    for old, new in zip(averaged.buffers(), reader.buffers(), strict=True):
        old.copy_(new)


def save(folder: Path, reader: Reader, averaged: Reader, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Writes the checkpoint and the network as it is now; each file appears whole or not at all."""
    part = folder / "checkpoint.part"
    torch.save(
        {
            "reader": reader.state_dict(),
            "averaged": averaged.state_dict(),
            "optimizer": optimizer.state_dict(),
            "progress": asdict(progress),
        },
        part,
    )
    part.rename(folder / "checkpoint.pt")
    write_onnx(averaged.eval(), folder / "reader.onnx")


def stage(text: str) -> tuple[int, int]:
    """FROM:LINES as numbers."""
    start, total = text.split(":")
    return int(start), int(total)


def main() -> None:
    """Starts the processes and waits for them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plan", type=stage, nargs="+", required=True, metavar="FROM:LINES")
    parser.add_argument("--from", dest="checkpoint", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    fonts.collect(options.cache)  # so that the processes find the list of fonts and don't both write it
    model = Reader(len(CHARACTERS) + 1)
    size = sum(value.numel() for value in [*model.parameters(), *model.buffers()] if value.is_floating_point())
    print(f"{sum(value.numel() for value in model.parameters())} parameters, {len(CHARACTERS)} characters", flush=True)
    exchange = torch.zeros(2, WORKERS, size).share_memory_()
    context = processes.get_context("spawn")
    barrier = context.Barrier(WORKERS)
    processes.start_processes(train, (options, exchange, barrier), WORKERS, start_method="spawn")


if __name__ == "__main__":
    main()
