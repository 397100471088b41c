"""Writes small ONNX files, and what ONNX Runtime computes from them, for the tests of the reader: Tests/Fixtures/onnx.

exported-OPSET.onnx   a network of all kinds of layers, by the exporter that follows the tracing of a module
dynamo-OPSET.onnx     the same by the exporter that follows the compiler
handmade-NAME.onnx    what exporters of other frameworks write and those two do not

Each has a .json beside it: an image and the logits, row-major.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "onnx"
SIZE = 13
GENERATOR = np.random.default_rng(1)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    network = Network().eval()
    for norm in [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]:
        nn.init.uniform_(norm.running_mean, -0.3, 0.3)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    image = torch.randn(1, 3, SIZE, SIZE)
    for opset in [11, 13, 17]:
        path = FOLDER / f"exported-{opset}.onnx"
        keep = torch.onnx.TrainingMode.PRESERVE  # batch normalisations stay nodes of their own
        torch.onnx.export(
            network, image, path, opset_version=opset, dynamo=False, training=keep, do_constant_folding=opset > 11,
            input_names=["image"], dynamic_axes={"image": {0: "images"}} if opset > 11 else None)
        write_outcome(path)
    for opset in [18, 21]:
        path = FOLDER / f"dynamo-{opset}.onnx"
        torch.onnx.export(network, (image,), path, opset_version=opset, dynamo=True, external_data=False)
        write_outcome(path)
    for name, (opset, nodes, output) in handmade().items():
        path = FOLDER / f"handmade-{name}.onnx"
        initializers = [numpy_helper.from_array(value, key) for key, value in constants.items()]
        used = {key for node in nodes for key in node.input}
        graph = helper.make_graph(
            nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", 5])],
            [tensor for tensor in initializers if tensor.name in used])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        write_outcome(path)


class Network(nn.Module):
    """Every layer that a module of PyTorch turns into a node that is read."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, (3, 5), padding=(1, 2), groups=8), nn.BatchNorm2d(8), nn.ReLU6())
        self.squeeze = nn.Conv2d(8, 8, 1)
        self.grouped = nn.Sequential(nn.Conv2d(8, 12, 3, padding=2, dilation=2, groups=2), nn.LeakyReLU(0.2))
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.last = nn.Sequential(nn.Conv2d(12, 8, 1), nn.SiLU())
        self.dropout = nn.Dropout(0.5)
        self.hidden = nn.Linear(8, 6)
        self.classifier = nn.Linear(6, 5)

    def forward(self, x):
        x = self.stem(x)
        y = self.depthwise(x)
        y = y * F.hardsigmoid(self.squeeze(F.adaptive_avg_pool2d(y, 1)))
        x = x + y
        x = self.pool(self.grouped(x))
        x = self.last(x)
        shortcut = F.pad(x[:, :6, ::2, ::2], (0, 0, 0, 0, 1, 1))
        x = F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, stride=2)[:, :, :2, :2] + shortcut[:, :, :2, :2]
        x = torch.cat([x, torch.sigmoid(x)], 1)[:, 4:12]
        x = self.dropout(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))
        return self.classifier(F.relu(self.hidden(x)))


constants = {}


def constant(name, value):
    constants[name] = np.asarray(value)
    return name


def weights(name, *shape):
    return constant(name, (GENERATOR.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))


def handmade():
    """By name: operator set, nodes and output."""
    node = helper.make_node
    conv = weights("conv", 4, 3, 3, 3)
    matrix = weights("matrix", 4, 5)
    bias = weights("bias", 5)
    ending = [
        node("GlobalAveragePool", ["features"], ["mean"]),
        node("Flatten", ["mean"], ["vector"], axis=1),
        node("MatMul", ["vector", matrix], ["product"], name="last"),
        node("Add", [bias, "product"], ["logits"]),
    ]
    shape = [
        node("Shape", ["mean"], ["shape"]),
        node("Gather", ["shape", constant("zero", np.int64(0))], ["images"], axis=0),
        node("Unsqueeze", ["images", constant("axis0", np.array([0], np.int64))], ["images1"]),
        node("Concat", ["images1", constant("open", np.array([-1], np.int64))], ["target"], axis=0),
        node("Reshape", ["mean", "target"], ["vector"]),
    ]
    return {
        "same-upper": (11, [node("Conv", ["x", conv], ["features"], auto_pad="SAME_UPPER", strides=[2, 2]), *ending], "logits"),
        "same-lower": (
            13, [
                node("Conv", ["x", conv], ["a"], auto_pad="SAME_LOWER", strides=[2, 2], dilations=[1, 1]),
                node("MaxPool", ["a"], ["features"], auto_pad="SAME_LOWER", kernel_shape=[2, 2], strides=[2, 2]), *ending,
            ], "logits"),
        "uneven": (
            13, [
                node("Conv", ["x", conv], ["a"], pads=[2, 0, 1, 3], strides=[2, 3], dilations=[3, 2]),
                node("AveragePool", ["a"], ["b"], kernel_shape=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1),
                node("AveragePool", ["b"], ["features"], kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1), *ending,
            ], "logits"),
        "shape-arithmetic": (
            13, [
                node("Conv", ["x", conv], ["features"]), ending[0], *shape,
                node("Gemm", ["vector", matrix, bias], ["gemm"], alpha=0.5, beta=2.0, name="last"),
                node("Softmax", ["gemm"], ["probabilities"], axis=-1),
                node("Log", ["gemm"], ["unused"]),
            ], "gemm"),
        "reduce-mean": (
            18, [
                node("Sub", ["x", constant("offset", np.array([0.4, 0.5, 0.6], np.float32).reshape(1, 3, 1, 1))], ["a"]),
                node("Div", ["a", constant("deviation", np.float32(0.25))], ["b"]),
                node("Conv", ["b", conv], ["c"]),
                node("Add", ["c", constant("three", np.float32(3))], ["d"]),
                node("Clip", ["d", constant("low", np.float32(0)), constant("high", np.float32(6))], ["e"]),
                node("Mul", ["c", "e"], ["f"]),
                node("Div", ["f", constant("six", np.float32(6))], ["features"]),
                node("ReduceMean", ["features", constant("axes", np.array([-1, 2], np.int64))], ["vector"], keepdims=0),
                node("Identity", ["vector"], ["same"]),
                node("MatMul", ["same", matrix], ["product"], name="last"),
                node("Constant", [], ["b5"], value=numpy_helper.from_array(constants["bias"])),
                node("Add", ["product", "b5"], ["logits"]),
            ], "logits"),
    }


def write_outcome(path):
    session = onnxruntime.InferenceSession(path)
    image = GENERATOR.standard_normal((1, 3, SIZE, SIZE)).astype(np.float32)
    logits = session.run(None, {session.get_inputs()[0].name: image})[0]
    outcome = {"image": image.flatten().tolist(), "logits": logits.flatten().tolist()}
    path.with_suffix(".json").write_text(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
