#!/usr/bin/env python3
"""Trains the handwritten-digit classifier of this folder and writes everything else in it.

  pip install scikit-learn onnx onnxruntime
  python train.py

Writes model/1/model.onnx, requests/*.json and expected.json beside this file, and prints the accuracy on the held-out images.
The seed is fixed: the same library versions write the same files.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = Path(__file__).resolve().parent
SEED = 2
BRIGHTEST = 16.0


def shifted(pixels):
    """Every image and its four copies moved by one pixel: five times the rows, one direction after the other."""
    images = np.pad(pixels.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    return np.concatenate([images[:, row : row + 8, column : column + 8].reshape(-1, 64) for row, column in corners])


def train(pixels, labels):
    classifier = MLPClassifier(hidden_layer_sizes=(96,), alpha=1e-2, learning_rate_init=2e-3, max_iter=100, random_state=SEED)
    return classifier.fit(shifted(pixels / BRIGHTEST), np.tile(labels, 5))


def to_onnx(classifier):
    """pixels float32 [N, 64] in 0..16 -> digit int64 [N], probabilities float32 [N, 10]."""
    weights = {"brightest": np.float32(BRIGHTEST)}
    for layer, (matrix, bias) in enumerate(zip(classifier.coefs_, classifier.intercepts_)):
        weights[f"weight_{layer}"] = matrix.astype(np.float32)
        weights[f"bias_{layer}"] = bias.astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Div", ["pixels", "brightest"], ["scaled"]),
            helper.make_node("Gemm", ["scaled", "weight_0", "bias_0"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "weight_1", "bias_1"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
            helper.make_node("ArgMax", ["scores"], ["digit"], axis=1, keepdims=0),
        ],
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 64])],
        [
            helper.make_tensor_value_info("digit", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="train.py")
    onnx.checker.check_model(model, full_check=True)
    return model


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) + "\n")


def main():
    pixels, labels = load_digits(return_X_y=True)
    train_pixels, test_pixels, train_labels, test_labels = train_test_split(
        pixels, labels, test_size=0.25, random_state=SEED, stratify=labels
    )
    model = to_onnx(train(train_pixels, train_labels))
    path = HERE / "model" / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def predict(rows):
        return session.run(["digit", "probabilities"], {"pixels": rows.astype(np.float32)})

    digits, _ = predict(test_pixels)
    right = int((digits == test_labels).sum())
    print(f"{right} of {len(test_labels)} held-out images right: {100 * right / len(test_labels):.2f} %, trained on {len(train_labels)}")

    chosen = [int(np.flatnonzero(test_labels == digit)[0]) for digit in range(10)]
    rows = test_pixels[chosen]
    write_json(HERE / "requests" / "ten-images.json", {"instances": rows.astype(int).tolist()})
    write_json(HERE / "requests" / "one-image.json", {"instances": rows[7:8].astype(int).tolist()})
    digits, probabilities = predict(rows)
    write_json(
        HERE / "expected.json",
        {
            "labels": test_labels[chosen].tolist(),
            "digit": digits.tolist(),
            "probabilities": [[float(f"{value:.7g}") for value in row] for row in probabilities],
        },
    )


if __name__ == "__main__":
    main()
