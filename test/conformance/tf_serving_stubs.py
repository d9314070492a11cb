#!/usr/bin/env python3
"""Asks a running server for every golden answer of an ONNX fixture folder, through TensorFlow Serving's own stubs.

  tf_serving_stubs.py FIXTURES GRPC_HOST:PORT REST_URL      (needs PyPI tensorflow-serving-api)

Prints one line a model and exits with 1 when any answer differs: floats by more than 1e-5 of the value (absolute below 1),
anything else at all.
"""
import json
import os
import sys
import urllib.request

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc

DTYPES = {"DT_FLOAT": np.float32, "DT_DOUBLE": np.float64, "DT_HALF": np.float16, "DT_INT64": np.int64, "DT_BOOL": np.bool_, "DT_STRING": object}


def array(golden):
    data = golden["data"]
    if golden["dtype"] == "DT_STRING":
        data = [text.encode() for text in data]
    return np.array(data, DTYPES[golden["dtype"]]).reshape(golden["shape"])


def expected(outputs):
    """Golden outputs as the server stacks them: a sequence gains an axis, a map becomes values and keys."""
    for name, output in outputs.items():
        if "onnx_type" not in output:
            yield name, array(output)
        elif "map" in output["onnx_type"]:
            yield name, np.array([[value for _, value in row] for row in output["data"]], np.float32)
            yield name + ".keys", np.array([[key for key, _ in row] for row in output["data"]], np.int64)
        else:
            yield name, np.stack([array(part) for part in output["data"]])


def same(got, wanted):
    if got.shape != wanted.shape:
        return False
    if wanted.dtype.kind == "f":
        return bool(np.all(np.abs(got.astype(np.float64) - wanted.astype(np.float64)) <= 1e-5 * np.maximum(1, np.abs(wanted.astype(np.float64)))))
    return bool(np.array_equal(got, wanted))


def from_rest(value, wanted):
    if wanted.dtype == object:
        flat = np.array(value, object)
        return np.array([text.encode() for text in flat.ravel()], object).reshape(flat.shape)
    return np.array(value, wanted.dtype).reshape(np.shape(value) if np.size(value) else wanted.shape)


def main(folder, target, url):
    channel = grpc.insecure_channel(target)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    bad = 0
    for model in sorted(os.listdir(folder)):
        with open(os.path.join(folder, model, "golden.json")) as file:
            entries = json.load(file)
        differences = []
        for index, entry in enumerate(entries):
            inputs = {name: array(tensor) for name, tensor in entry["inputs"].items()}
            for content in (False, True):
                request = predict_pb2.PredictRequest()
                request.model_spec.name = model
                for name, value in inputs.items():
                    proto = tf.make_tensor_proto(value) if not content or value.dtype == object else None
                    if proto is None:
                        proto = tf.make_tensor_proto(value)
                        for field in ("float_val", "double_val", "half_val", "int64_val", "bool_val"):
                            proto.ClearField(field)
                        proto.tensor_content = value.tobytes()
                    request.inputs[name].CopyFrom(proto)
                response = stub.Predict(request, 20)
                for name, wanted in expected(entry["outputs"]):
                    if not same(tf.make_ndarray(response.outputs[name]), wanted):
                        differences.append("gRPC entry %d output %s" % (index, name))
            body = {"inputs": {name: value.tolist() if value.dtype != object else np.vectorize(bytes.decode, otypes=[object])(value).tolist() for name, value in inputs.items()}}
            answer = json.load(urllib.request.urlopen(urllib.request.Request("%s/v1/models/%s:predict" % (url, model), json.dumps(body).encode()), timeout=20))["outputs"]
            for name, wanted in expected(entry["outputs"]):
                value = answer[name] if isinstance(answer, dict) else answer
                if not same(from_rest(value, wanted), wanted):
                    differences.append("REST entry %d output %s" % (index, name))
        status = get_model_status_pb2.GetModelStatusRequest()
        status.model_spec.name = model
        state = models.GetModelStatus(status, 20).model_version_status[0].state
        if state != get_model_status_pb2.ModelVersionStatus.AVAILABLE:
            differences.append("state %d" % state)
        metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        metadata.model_spec.name = model
        signatures = get_model_metadata_pb2.SignatureDefMap()
        stub.GetModelMetadata(metadata, 20).metadata["signature_def"].Unpack(signatures)
        declared = set(signatures.signature_def["serving_default"].inputs)
        if not declared >= set(entries[0]["inputs"]):
            differences.append("declared inputs %s" % declared)
        print("%-24s %d entries  %s" % (model, len(entries), "; ".join(differences) or "equal"))
        bad += bool(differences)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
