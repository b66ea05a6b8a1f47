"""Makes the models of the tests, beside this file. Needs `pip install onnx`."""

import pathlib

import onnx
from onnx import TensorProto, helper

HERE = pathlib.Path(__file__).parent
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, kind, elements):
    return helper.make_tensor(name, kind, [] if len(elements) == 1 else [len(elements)], elements)


def save(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="untxt")
    model.ir_version = 8
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


# The mean of a picture.
save(
    "darkness",
    [helper.make_node("ReduceMean", ["image"], ["darkness"], "mean", axes=[2, 3], keepdims=0)],
    [value("image", FLOAT, [1, 1, "height", "width"])],
    [value("darkness", FLOAT, [1, 1])],
)

# A tensor of the size that its input says: no more than a number asks for all memory.
save(
    "huge",
    [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"], "fill"),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], "sum", keepdims=0),
    ],
    [value("shape", INT, ["rank"])],
    [value("sum", FLOAT, [])],
)

# As the one before, but the tensor itself is put out.
save(
    "wide",
    [helper.make_node("ConstantOfShape", ["shape"], ["zeros"], "fill")],
    [value("shape", INT, ["rank"])],
    [value("zeros", FLOAT, None)],
)

# Counts to its input, one at a time.
body = helper.make_graph(
    [
        helper.make_node("Identity", ["go"], ["go_on"], "go"),
        helper.make_node("Add", ["count", "one"], ["next"], "add"),
    ],
    "body",
    [value("turn", INT, []), value("go", BOOL, []), value("count", INT, [])],
    [value("go_on", BOOL, []), value("next", INT, [])],
    [constant("one", INT, [1])],
)
save(
    "loop",
    [helper.make_node("Loop", ["turns", "true", "zero"], ["count"], "loop", body=body)],
    [value("turns", INT, [])],
    [value("count", INT, [])],
    [constant("true", BOOL, [True]), constant("zero", INT, [0])],
)

# An operator that nobody knows.
save(
    "strange",
    [helper.make_node("Strange", ["image"], ["answer"], "strange")],
    [value("image", FLOAT, [1])],
    [value("answer", FLOAT, [1])],
)

# A file that breaks off.
(HERE / "broken.onnx").write_bytes((HERE / "darkness.onnx").read_bytes()[:80])
