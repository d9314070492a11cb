#!/usr/bin/env python3
"""Writes the three models of the benchmark into models/ beside this file.

  pip install onnx numpy
  python make-models.py

simplest      x float32 [N, 1]   -> y = 0.5 x + 2
mnist_mlp     x float32 [N, 784] -> y float32 [N, 10], a network of 784-512-10 with random weights from a fixed seed
matmul_chain  x float32 [N, 1]   -> y = x, by ten products of 256 x 128 with 128 x 128: about 1 ms of one core for one row
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = Path(__file__).resolve().parent / "models"


CHAIN_LENGTH = 10
CHAIN_SHAPE = (256, 128)


def save(name, nodes, weights, width_in, width_out):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", width_in])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", width_out])],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path = OUT / name / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def weights(random, rows, columns):
    """Few distinct values, so that the file packs well; what they are makes no run faster or slower."""
    return (np.round(random.normal(0, 0.05, (rows, columns)) * 64) / 64).astype(np.float32)


def save_matmul_chain():
    """The graph makes its weights itself, so the file is small; what is multiplied stays in a core's own cache."""
    height, width = CHAIN_SHAPE
    mean = helper.make_tensor("value", TensorProto.FLOAT, [1], [1 / width])
    products = f"product_{CHAIN_LENGTH}"
    save(
        "matmul_chain",
        [
            helper.make_node("ConstantOfShape", ["square"], ["mean"], value=mean),
            helper.make_node("Unsqueeze", ["x", "last_axis"], ["deep"]),
            helper.make_node("Expand", ["deep", "shape"], ["product_0"]),
            *(helper.make_node("MatMul", [f"product_{k}", "mean"], [f"product_{k + 1}"]) for k in range(CHAIN_LENGTH)),
            helper.make_node("Slice", [products, "from", "to", "inner_axes"], ["corner"]),
            helper.make_node("Squeeze", ["corner", "last_axis"], ["y"]),
        ],
        {
            "square": np.array([width, width]),
            "shape": np.array([1, height, width]),
            "last_axis": np.array([2]),
            "from": np.array([0, 0]),
            "to": np.array([1, 1]),
            "inner_axes": np.array([1, 2]),
        },
        1,
        1,
    )


def main():
    save(
        "simplest",
        [helper.make_node("Mul", ["x", "half"], ["halved"]), helper.make_node("Add", ["halved", "two"], ["y"])],
        {"half": np.float32(0.5), "two": np.float32(2)},
        1,
        1,
    )
    random = np.random.default_rng(11)
    save(
        "mnist_mlp",
        [
            helper.make_node("Gemm", ["x", "weight_0", "bias_0"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "weight_1", "bias_1"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["y"], axis=1),
        ],
        {
            "weight_0": weights(random, 784, 512),
            "bias_0": np.zeros(512, np.float32),
            "weight_1": weights(random, 512, 10),
            "bias_1": np.zeros(10, np.float32),
        },
        784,
        10,
    )
    save_matmul_chain()


if __name__ == "__main__":
    main()
