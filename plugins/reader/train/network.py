"""The network: convolutions from a line of 32 rows to one column of scores for every four columns of pixels."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

CHANNELS = (24, 48, 80, 112)
STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1))
WIDTH = 168
DILATIONS = (1, 2, 4, 2, 1)
FAR_AFTER = 2
"""The number of context units after which the network looks far."""
FAR_KERNEL = 5
FAR_DILATION = 12
OPSET = 17


class Unit(nn.Sequential):
    """A convolution, its normalisation and a ReLU."""

    def __init__(
        self,
        taken: int,
        given: int,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv2d(taken, given, kernel, stride, padding, dilation, groups, bias=False),
            nn.BatchNorm2d(given, momentum=0.02),
            nn.ReLU(inplace=True),
        )


class Far(nn.Module):
    """What stands up to 96 pixels to either side: only there a line shows that it is all capitals. Begins as zero."""

    def __init__(self) -> None:
        super().__init__()
        reach = FAR_KERNEL // 2 * FAR_DILATION
        self.look = Unit(WIDTH, WIDTH, (1, FAR_KERNEL), (1, 1), (0, reach), (1, FAR_DILATION), groups=WIDTH)
        self.mix = nn.Conv2d(WIDTH, WIDTH, 1)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What is to be added to `x`."""
        return self.mix(self.look(x))


class Reader(nn.Module):
    """Lines `[n, 1, 32, w]` to scores `[n, classes, w / 4]`, class 0 being CTC's blank."""

    looks_far = True
    """Off, the network does without `Far`, as it does at the beginning of a training."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        sizes = (1, *CHANNELS)
        self.picture = nn.ModuleList(
            Unit(taken, given, (3, 3), stride, (1, 1))
            for taken, given, stride in zip(sizes, sizes[1:], STRIDES, strict=False)
        )
        self.merge = Unit(CHANNELS[-1], WIDTH, (2, 3), (1, 1), (0, 1))
        self.context = nn.ModuleList(
            Unit(WIDTH, WIDTH, (1, 3), (1, 1), (0, dilation), (1, dilation)) for dilation in DILATIONS
        )
        self.scores = nn.Conv2d(WIDTH, classes, 1)
        self.far = Far()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Scores before the softmax."""
        x = pixels
        for unit in self.picture:
            x = unit(x)
        x = self.merge(x)
        for number, unit in enumerate(self.context):
            if number == FAR_AFTER and self.looks_far:
                x = x + self.far(x)
            x = x + unit(x)
        return self.scores(x)[:, :, 0]


def _folded(unit: Unit) -> tuple[np.ndarray, np.ndarray]:
    """A unit's convolution with its normalisation taken in: weights and biases."""
    convolution, norm = unit[0], unit[1]
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weights = convolution.weight * factor[:, None, None, None]
    biases = norm.bias - norm.running_mean * factor
    return weights.detach().numpy(), biases.detach().numpy()


def write_onnx(reader: Reader, file: Path) -> None:
    """Writes the network for inference, one line at a time and any width; the file appears whole or not at all."""
    nodes, weights = [], []

    def convolve(source: str, name: str, convolution: nn.Conv2d, values: tuple[np.ndarray, np.ndarray]) -> str:
        for part, value in zip("wb", values, strict=True):
            weights.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), f"{name}.{part}"))
        down, across = convolution.padding
        nodes.append(
            helper.make_node(
                "Conv",
                [source, f"{name}.w", f"{name}.b"],
                [name],
                kernel_shape=list(convolution.kernel_size),
                strides=list(convolution.stride),
                pads=[down, across, down, across],
                dilations=list(convolution.dilation),
                group=convolution.groups,
            )
        )
        return name

    def unit(source: str, name: str, module: Unit) -> str:
        convolved = convolve(source, name, module[0], _folded(module))
        nodes.append(helper.make_node("Relu", [convolved], [f"{name}.relu"]))
        return f"{name}.relu"

    def plain(source: str, name: str, module: nn.Conv2d) -> str:
        return convolve(source, name, module, (module.weight.detach().numpy(), module.bias.detach().numpy()))

    def plus(source: str, added: str) -> str:
        nodes.append(helper.make_node("Add", [source, added], [f"{added}.sum"]))
        return f"{added}.sum"

    x = "line"
    for n, module in enumerate(reader.picture):
        x = unit(x, f"picture{n}", module)
    x = unit(x, "merge", reader.merge)
    for n, module in enumerate(reader.context):
        if n == FAR_AFTER and reader.looks_far:
            x = plus(x, plain(unit(x, "far", reader.far.look), "mix", reader.far.mix))
        x = plus(x, unit(x, f"context{n}", module))
    x = plain(x, "head", reader.scores)
    weights.append(numpy_helper.from_array(np.array([2], dtype=np.int64), "rows"))
    nodes.append(helper.make_node("Squeeze", [x, "rows"], ["scores"]))
    graph = helper.make_graph(
        nodes,
        "reader",
        [helper.make_tensor_value_info("line", TensorProto.FLOAT, [1, 1, 32, "width"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, reader.scores.out_channels, "columns"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    part = file.with_suffix(".part")
    part.write_bytes(model.SerializeToString())
    part.rename(file)
