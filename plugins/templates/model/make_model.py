"""Makes model.onnx: the mean darkness of a picture. Needs `pip install onnx`.

Replace it by the export of your own network, and the digest in plugin.toml by that of
the new file.
"""

import hashlib

from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("ReduceMean", ["image"], ["darkness"], "mean", axes=[2, 3], keepdims=0)],
    "darkness",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "height", "width"])],
    [helper.make_tensor_value_info("darkness", TensorProto.FLOAT, [1, 1])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 8
model.producer_name = "untxt"
data = model.SerializeToString(deterministic=True)
with open("model.onnx", "wb") as file:
    file.write(data)
print(f'sha256 = "{hashlib.sha256(data).hexdigest()}"')
