"""Unpacks PP-OCRv6's networks from RapidOCR's wheel.

    unpack.py WHEEL FOLDER

FOLDER gets detect.onnx, orient.onnx, recognise.onnx, characters.txt and the licences. The
first two are as they are in the wheel. The recogniser tells 18,710 characters apart, which
would be 13 MB of answers a line: recognise.onnx answers with the likeliest one of each
frame and its probability instead. characters.txt holds the characters, which the wheel
keeps in the recogniser's metadata, one in a line; the first is that of class 1.
"""

import hashlib
import pathlib
import sys
import zipfile

MODELS = "rapidocr/models/"
LICENCES = "rapidocr-3.10.0.dist-info/licenses/"
FILES = {
    MODELS + "PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    MODELS + "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    MODELS + "ch_ppocr_mobile_v2.0_cls_mobile.onnx": "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    LICENCES + "LICENSE": "3e0af25fdd06aa9586ae97adb00ea927ebe5a3805ac77d2d3a81ce5f55693333",
    LICENCES + "MODEL_LICENSES.md": "c5fd0e8603d3df743355b546121e6fe0f4ef8ff455c5a85c1681fd3ae520e153",
}

# Numbers of fields in ONNX's messages.
MODEL_GRAPH, MODEL_METADATA = 7, 14
GRAPH_NODE, GRAPH_OUTPUT = 1, 12
NODE_INPUT, NODE_OUTPUT, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 2, 4, 5
FLOAT = 1  # element type


def varint(data, at):
    """The number at a place, and the place after it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def fields(message):
    """Number, content (of a field with a length) and bytes of each field."""
    at = 0
    while at < len(message):
        start = at
        key, at = varint(message, at)
        content = None
        match key & 7:
            case 0:
                _, at = varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = varint(message, at)
                content = message[at : at + length]
                at += length
            case 5:
                at += 4
            case other:
                sys.exit(f"unpack.py: the recogniser has a field of the unknown type {other}")
        yield key >> 3, content, message[start:at]


def number(value):
    """A number as it is written."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def field(name, content):
    """A field with a length."""
    content = content.encode() if isinstance(content, str) else content
    return number(name << 3 | 2) + number(len(content)) + content


def attribute(name, value):
    """An attribute of a node: a number, or a list of numbers."""
    if isinstance(value, list):
        written, kind = b"".join(number(8 << 3) + number(one) for one in value), 7
    else:
        written, kind = number(3 << 3) + number(value), 2
    return field(NODE_ATTRIBUTE, field(1, name) + written + number(20 << 3) + number(kind))


def node(operator, inputs, output, **attributes):
    """A node of a graph."""
    return field(
        GRAPH_NODE,
        b"".join(field(NODE_INPUT, name) for name in inputs)
        + field(NODE_OUTPUT, output)
        + field(NODE_OPERATOR, operator)
        + b"".join(attribute(name, value) for name, value in attributes.items()),
    )


def output(name):
    """An output of a graph: numbers in 32 bits with three dimensions."""
    shape = b"".join(field(1, field(2, side)) for side in ("lines", "frames", "pair"))
    return field(GRAPH_OUTPUT, field(1, name) + field(2, field(1, number(1 << 3) + number(FLOAT) + field(2, shape))))


def likeliest(graph):
    """The graph with the likeliest class and its probability as its only output."""
    kept = b"".join(bytes for name, _, bytes in fields(graph) if name != GRAPH_OUTPUT)
    outputs = [content for name, content, _ in fields(graph) if name == GRAPH_OUTPUT]
    (probabilities,) = (content.decode() for name, content, _ in fields(outputs[0]) if name == 1)
    return (
        kept
        + node("ArgMax", [probabilities], "class_index", axis=2, keepdims=1)
        + node("Cast", ["class_index"], "class", to=FLOAT)
        + node("ReduceMax", [probabilities], "probability", axes=[2], keepdims=1)
        + node("Concat", ["class", "probability"], "likeliest", axis=2)
        + output("likeliest")
    )


def recogniser(model):
    """The recogniser without its metadata that answers as said above, and its characters."""
    written, characters = b"", None
    for name, content, bytes in fields(model):
        if name == MODEL_METADATA:
            entry = {key: value.decode() for key, value, _ in fields(content)}
            if entry[1] == "character":
                characters = entry[2].splitlines() + [" "]
        else:
            written += field(MODEL_GRAPH, likeliest(content)) if name == MODEL_GRAPH else bytes
    return written, characters


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
    found = {}
    for path, digest in FILES.items():
        found[path] = wheel.read(path)
        if hashlib.sha256(found[path]).hexdigest() != digest:
            sys.exit(f"unpack.py: {path} in {sys.argv[1]} is another file than that of RapidOCR 3.10.0")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "detect.onnx").write_bytes(found[MODELS + "PP-OCRv6_det_small.onnx"])
    (folder / "orient.onnx").write_bytes(found[MODELS + "ch_ppocr_mobile_v2.0_cls_mobile.onnx"])
    recognise, characters = recogniser(found[MODELS + "PP-OCRv6_rec_small.onnx"])
    (folder / "recognise.onnx").write_bytes(recognise)
    (folder / "characters.txt").write_text("".join(character + "\n" for character in characters), "utf-8")
    for name in ("LICENSE", "MODEL_LICENSES.md"):
        (folder / name).write_bytes(found[LICENCES + name])


if __name__ == "__main__":
    main()
