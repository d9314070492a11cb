#!/usr/bin/env python3
"""Asks a running server for the answers in golden.json of a table's model, through TensorFlow Serving's own stubs.

  tabular_stubs.py HOST:PORT MODEL GOLDEN_JSON CLASS...      (needs PyPI tensorflow-serving-api)

The model is a classifier of named columns. Its classes are those named, in the order of predict_proba. Prints one line a check; exits with 1
when an answer differs: scores by more than 2e-7, anything else at all.
"""
import json
import math
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

PATIENCE_S = 20
address, model, golden, *labels = sys.argv[1:]
cases = {case["signature"]: case for case in json.load(open(golden, encoding="utf-8"))}
columns = cases["predict_proba"]["inputs"]
shape = cases["predict_proba"]["outputs"]["predict_proba"]["shape"]
scores = np.array(cases["predict_proba"]["outputs"]["predict_proba"]["data"]).reshape(shape)
stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(address))
failed = False


def check(name, fault):
    global failed
    failed = failed or fault is not None
    print(f"{name}: {fault or 'equal'}", flush=True)


def missing(value):
    return value is None or (isinstance(value, str) and value == "NaN")


def example(row):
    """What is missing is left out."""
    features = {}
    for name, column in columns.items():
        value = column["data"][row]
        if missing(value):
            continue
        if column["dtype"] == "string":
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        elif float(value).is_integer():
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))
        else:
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=features))


examples = [example(row) for row in range(shape[0])]


def differs(classifications):
    """Numbers of the examples are float32, which may be seen in the scores."""
    if len(classifications) != shape[0]:
        return f"{len(classifications)} rows"
    for row, one in enumerate(classifications):
        if [each.label for each in one.classes] != labels:
            return f"labels {[each.label for each in one.classes]}"
        for each, wanted in zip(one.classes, scores[row]):
            if not math.isclose(each.score, wanted, rel_tol=0, abs_tol=2e-7):
                return f"row {row}: {each.score}, not {wanted}"
    return None


request = classification_pb2.ClassificationRequest()
request.model_spec.name = model
request.input.example_list.examples.extend(examples)
check("classify", differs(stub.Classify(request, timeout=PATIENCE_S).result.classifications))

request = inference_pb2.MultiInferenceRequest()
task = request.tasks.add()
task.model_spec.name = model
task.method_name = "tensorflow/serving/classify"
request.input.example_list.examples.extend(examples)
(result,) = stub.MultiInference(request, timeout=PATIENCE_S).results
check("multi inference", differs(result.classification_result.classifications))

request = predict_pb2.PredictRequest()
request.model_spec.name = model
for name, column in columns.items():
    if column["dtype"] == "string":
        values = [b"\xff" if missing(value) else value.encode() for value in column["data"]]
    else:
        values = [float("nan") if missing(value) else value for value in column["data"]]
    request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype=tf.string if column["dtype"] == "string" else tf.float64))
answer = tf.make_ndarray(stub.Predict(request, timeout=PATIENCE_S).outputs["predict"])
wanted = cases["predict"]["outputs"]["predict"]["data"]
check("predict", None if [label.decode() for label in answer.tolist()] == wanted else f"{answer.tolist()}")

request = get_model_metadata_pb2.GetModelMetadataRequest()
request.model_spec.name = model
request.metadata_field.append("signature_def")
signatures = get_model_metadata_pb2.SignatureDefMap()
stub.GetModelMetadata(request, timeout=PATIENCE_S).metadata["signature_def"].Unpack(signatures)
named = sorted(signatures.signature_def["serving_default"].inputs)
method = signatures.signature_def["classify"].method_name
check("metadata", None if named == sorted(columns) and method == "tensorflow/serving/classify" else f"{named} {method}")

sys.exit(1 if failed else 0)
