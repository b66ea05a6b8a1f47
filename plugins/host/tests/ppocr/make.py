"""Makes networks that stand in for those of PP-OCR in tests: a few hundred bytes each, in this folder.

detect.onnx takes for text what is dark, recognise.onnx reads class 1 where there is ink in the columns of a frame, and
orient.onnx is sure of nothing.

Usage: make.py
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "ppocr"))

from unpack import FLOAT, field, node, number  # noqa: E402

IR_VERSION, OPERATORS = 7, 11


def value(name, sides):
    """An input or output with sides of any length."""
    shape = b"".join(field(1, field(2, side)) for side in sides)
    return field(1, name) + field(2, field(1, number(1 << 3) + number(FLOAT) + field(2, shape)))


def model(nodes, sides):
    """A model from `x`, pictures, to `y` with these sides."""
    graph = b"".join(nodes) + field(2, "stand-in") + field(11, value("x", "nchw")) + field(12, value("y", sides))
    operators = number(2 << 3) + number(OPERATORS)
    return number(1 << 3) + number(IR_VERSION) + field(7, graph) + field(8, operators)


MODELS = {
    "detect": (
        [
            node("ReduceMean", ["x"], "light", axes=[1], keepdims=1),
            node("Neg", ["light"], "dark"),
            node("Sigmoid", ["dark"], "y"),
        ],
        "nchw",
    ),
    "orient": (
        [
            node("ReduceMean", ["x"], "light", axes=[1, 2, 3], keepdims=0),
            node("Unsqueeze", ["light"], "upright", axes=[1]),
            node("Neg", ["upright"], "turned"),
            node("Concat", ["upright", "turned"], "both", axis=1),
            node("Sigmoid", ["both"], "y"),
        ],
        "nk",
    ),
    "recognise": (
        [
            node("Neg", ["x"], "dark"),
            node("MaxPool", ["dark"], "darkest", kernel_shape=[48, 8], strides=[48, 8]),
            node("ReduceMean", ["darkest"], "frames", axes=[1, 2], keepdims=0),
            node("Relu", ["frames"], "ink"),
            node("Sign", ["ink"], "inked"),
            node("Unsqueeze", ["inked"], "class", axes=[2]),
            node("Sigmoid", ["class"], "probability"),
            node("Concat", ["class", "probability"], "y", axis=2),
        ],
        "ntk",
    ),
}

for name, (nodes, sides) in MODELS.items():
    (HERE / f"{name}.onnx").write_bytes(model(nodes, sides))
