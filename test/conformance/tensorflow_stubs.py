#!/usr/bin/env python3
"""Asks a running server for what TensorFlow itself answers, of the same SavedModels in this process, through TensorFlow Serving's own stubs.

  tensorflow_stubs.py FIXTURES HOST:PORT HOST:PORT_WITHOUT_SESSIONS      (needs PyPI tensorflow-serving-api)

Prints one line a check, and exits with 1 when any answer differs: floats by more than 2e-6 of the value (absolute below 1), anything else at all.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    input_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
    session_service_pb2,
)

PATIENCE_S = 20
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
METADATA_OF = ["tf1_classify_regress", "tf1_counter", "tf1_image_b64", "tf1_simple_save", "tf2_dtypes", "tf2_keras_mlp",
               "tf2_multi_signature", "tf2_string", "tf2_two_versions", "tf2_vocab_table"]
random = np.random.RandomState(11)


class Reference:
    """A SavedModel run by this process's TensorFlow."""

    def __init__(self, path):
        self.graph = tf.Graph()
        self.session = tf.compat.v1.Session(graph=self.graph)
        with self.graph.as_default():
            self.signatures = tf.compat.v1.saved_model.load(self.session, ["serve"], path).signature_def

    def run(self, signature, inputs, wanted=None):
        definition = self.signatures[signature]
        fetches = {alias: info.name for alias, info in definition.outputs.items() if not wanted or alias in wanted}
        return self.session.run(fetches, {definition.inputs[alias].name: value for alias, value in inputs.items()})


def same(got, wanted):
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape or got.dtype.kind != wanted.dtype.kind:
        return False
    if wanted.dtype.kind != "f":
        return bool(np.array_equal(got, wanted))
    return bool(np.all(np.abs(got - wanted) <= 2e-6 * np.maximum(1, np.abs(wanted))))


def expect(truth, *what):
    if not truth:
        raise AssertionError(" ".join(str(each) for each in what))


def expect_spec(spec, model, version, signature):
    got, wanted = (spec.name, spec.version.value, spec.signature_name), (model, version, signature)
    expect(got == wanted and not spec.version_label, "model_spec", got, "is not", wanted)


def expect_error(call, code, message):
    try:
        call()
    except grpc.RpcError as error:
        expect(error.code() == code and message in error.details(), error.code(), error.details())
        return
    raise AssertionError("no error, but %s was expected" % code)


def floats(*shape):
    return (random.randn(*shape) * 10).astype(np.float32)


def example(**features):
    lists = {name: tf.train.Feature(float_list=tf.train.FloatList(value=[value])) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=lists))


def inputs_of_examples():
    """Every form an Input can have, with the Examples a graph sees."""
    for count in (1, 2, 7):
        examples = [example(x=float(x), x2=float(x2)) for x, x2 in floats(count, 2)]
        yield input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples)), examples
        context = example(x2=float(floats(1)[0]))
        # The last of them has what the context has too, and wins.
        own = [example(x=float(x)) for x in floats(count)] + examples[:1]
        merged = []
        for each in own:
            whole = tf.train.Example()
            whole.MergeFrom(context)
            whole.MergeFrom(each)
            merged.append(whole)
        yield input_pb2.Input(example_list_with_context=input_pb2.ExampleListWithContext(examples=own, context=context)), merged


def serialized(examples):
    return np.array([each.SerializeToString() for each in examples], object)


def expect_classes(result, outputs, count):
    expect(len(result.classifications) == count, "rows", len(result.classifications))
    labels = [[each.label.encode() for each in row.classes] for row in result.classifications]
    scores = [[each.score for each in row.classes] for row in result.classifications]
    wanted = outputs.get("classes", np.full(outputs["scores"].shape, b"", object))
    expect(same(np.array(labels, object), wanted), "labels", labels)
    expect(same(np.array(scores, np.float32), outputs["scores"]), "scores", scores)


def expect_values(result, outputs):
    values = np.array([each.value for each in result.regressions], np.float32)
    expect(same(values, outputs["outputs"].reshape(-1)), "values", values)


class Checks:
    def __init__(self, folder, target, plain_target):
        self.folder = folder
        channel = grpc.insecure_channel(target)
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.session_run = session_run_stub(channel)
        self.plain_session_run = session_run_stub(grpc.insecure_channel(plain_target))
        self.tf1 = Reference(os.path.join(folder, "tf1_classify_regress", "1"))

    def predict(self, model, inputs, signature="", version=None, wanted=()):
        request = predict_pb2.PredictRequest(output_filter=wanted)
        request.model_spec.name, request.model_spec.signature_name = model, signature
        if version is not None:
            request.model_spec.version.value = version
        for alias, value in inputs.items():
            request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
        return self.stub.Predict(request, PATIENCE_S)

    def expect_predicted(self, reference, model, version, signature, inputs, wanted=()):
        response = self.predict(model, inputs, signature, version, wanted)
        expect_spec(response.model_spec, model, version, signature)
        outputs = reference.run(signature, inputs, wanted)
        expect(set(response.outputs) == set(outputs), "outputs", sorted(response.outputs))
        for alias, value in outputs.items():
            expect(same(tf.make_ndarray(response.outputs[alias]), value), model, signature, alias, response.outputs[alias])

    def check_predict_of_two_versions(self):
        for version in (1, 2):
            reference = Reference(os.path.join(self.folder, "tf2_two_versions", str(version)))
            for size in (0, 1, 33):
                self.expect_predicted(reference, "tf2_two_versions", version, "serving_default", {"x": floats(size)})
        response = self.predict("tf2_two_versions", {"x": floats(1)})
        expect_spec(response.model_spec, "tf2_two_versions", 2, "serving_default")

    def check_predict_of_every_signature_with_output_filter(self):
        reference = Reference(os.path.join(self.folder, "tf2_multi_signature", "1"))
        cases = [("serving_default", {"x": floats(5, 4), "bias": floats(5, 3)}, ["y", "y_max", "rows"]),
                 ("scale", {"any": floats(2, 1, 3), "scale": np.float32(2.5)}, ["scaled", "rank"]),
                 ("count", {"tokens": random.randint(-9, 9, (3, 4)).astype(np.int32), "mask": np.array([True, False, True])}, ["kept", "sum"])]
        for signature, inputs, aliases in cases:
            for wanted in ((), aliases[:1], aliases[1:], aliases[::-1]):
                self.expect_predicted(reference, "tf2_multi_signature", 1, signature, inputs, wanted)

    def check_predict_of_signatures_that_classify_and_regress(self):
        examples = serialized([example(x=1.5), example(x=-2.0, x2=4.0)])
        for signature in ("classify", "classify_scores_only", "regress_x_to_y", "regress_x_to_y2"):
            self.expect_predicted(self.tf1, "tf1_classify_regress", 1, signature, {"inputs": examples})

    def check_classify(self):
        for given, examples in inputs_of_examples():
            for signature in ("classify", "classify_scores_only"):
                request = classification_pb2.ClassificationRequest(input=given)
                request.model_spec.name, request.model_spec.signature_name = "tf1_classify_regress", signature
                response = self.stub.Classify(request, PATIENCE_S)
                expect_spec(response.model_spec, "tf1_classify_regress", 1, signature)
                expect_classes(response.result, self.tf1.run(signature, {"inputs": serialized(examples)}), len(examples))

    def check_regress(self):
        for given, examples in inputs_of_examples():
            for signature in ("regress_x_to_y", "regress_x_to_y2"):
                request = regression_pb2.RegressionRequest(input=given)
                request.model_spec.name, request.model_spec.signature_name = "tf1_classify_regress", signature
                response = self.stub.Regress(request, PATIENCE_S)
                expect_spec(response.model_spec, "tf1_classify_regress", 1, signature)
                expect_values(response.result, self.tf1.run(signature, {"inputs": serialized(examples)}))

    def check_multi_inference(self):
        tasks = [("regress_x_to_y2", REGRESS), ("classify", CLASSIFY), ("regress_x_to_y", REGRESS), ("classify_scores_only", CLASSIFY)]
        for given, examples in inputs_of_examples():
            for chosen in (tasks, tasks[::-1], tasks[1:2]):
                request = inference_pb2.MultiInferenceRequest(input=given)
                for signature, method in chosen:
                    task = request.tasks.add(method_name=method)
                    task.model_spec.name, task.model_spec.signature_name = "tf1_classify_regress", signature
                results = self.stub.MultiInference(request, PATIENCE_S).results
                expect(len(results) == len(chosen), "results", len(results))
                for result, (signature, method) in zip(results, chosen):
                    expect_spec(result.model_spec, "tf1_classify_regress", 1, signature)
                    outputs = self.tf1.run(signature, {"inputs": serialized(examples)})
                    if method == CLASSIFY:
                        expect_classes(result.classification_result, outputs, len(examples))
                    else:
                        expect_values(result.regression_result, outputs)

    def check_metadata(self):
        for model in METADATA_OF:
            version = max(int(name) for name in os.listdir(os.path.join(self.folder, model)) if name.isdigit())
            with open(os.path.join(self.folder, model, str(version), "saved_model.pb"), "rb") as file:
                wanted = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].signature_def
            request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
            request.model_spec.name = model
            response = self.stub.GetModelMetadata(request, PATIENCE_S)
            expect_spec(response.model_spec, model, version, "")
            expect(list(response.metadata) == ["signature_def"], "metadata", list(response.metadata))
            got = get_model_metadata_pb2.SignatureDefMap()
            expect(response.metadata["signature_def"].Unpack(got), "type", response.metadata["signature_def"].type_url)
            expect(sorted(got.signature_def) == sorted(wanted), model, sorted(got.signature_def))
            for name, definition in wanted.items():
                expect(got.signature_def[name] == definition, model, name, got.signature_def[name], "is not", definition)

    def check_session_run(self):
        x = floats(4, 1)
        request = session_request("tf1_classify_regress", {"x:0": x}, ["y:0", "y"], [])
        response = self.session_run(request, PATIENCE_S)
        expect_spec(response.model_spec, "tf1_classify_regress", 1, "")
        expect([each.name for each in response.tensor] == ["y:0", "y"], "names", [each.name for each in response.tensor])
        y = self.tf1.session.run("y:0", {"x:0": x})
        expect(all(same(tf.make_ndarray(each.tensor), y) for each in response.tensor), "y")
        # Of the Examples themselves, with what only the graph names.
        examples = serialized([example(x=3.0, x2=1.0)])
        request = session_request("tf1_classify_regress", {"tf_example:0": examples}, ["y2:0", "classes:0"], ["y"])
        response = self.session_run(request, PATIENCE_S)
        y2, classes = self.tf1.session.run(["y2:0", "classes:0"], {"tf_example:0": examples})
        expect(same(tf.make_ndarray(response.tensor[0].tensor), y2), "y2:0")
        expect(same(tf.make_ndarray(response.tensor[1].tensor), classes), "classes:0")
        # By aliases.
        request = session_request("tf1_classify_regress", {"inputs": examples}, ["scores"], [])
        request.tensor_name_is_alias, request.model_spec.signature_name = True, "classify"
        response = self.session_run(request, PATIENCE_S)
        wanted = self.tf1.session.run("scores:0", {"tf_example:0": examples})
        expect(same(tf.make_ndarray(response.tensor[0].tensor), wanted), "scores")

    def check_session_run_where_it_is_off(self):
        request = session_request("tf1_classify_regress", {"x:0": floats(1, 1)}, ["y:0"], [])
        expect_error(lambda: self.plain_session_run(request, PATIENCE_S), grpc.StatusCode.UNIMPLEMENTED, "")

    def check_deadlines(self):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "loop"
        request.inputs["n"].CopyFrom(tf.make_tensor_proto(2_000_000_000, tf.int32))
        expect_error(lambda: self.stub.Predict(request, 0.3), grpc.StatusCode.DEADLINE_EXCEEDED, "")
        # Its own limit, where the client has time enough.
        sessions = session_request("loop", {}, [], [])
        sessions.tensor_name_is_alias = True
        sessions.fetch.append("n")
        sessions.feed.add(name="n").tensor.CopyFrom(request.inputs["n"])
        sessions.options.timeout_in_ms = 300
        expect_error(lambda: self.session_run(sessions, PATIENCE_S), grpc.StatusCode.DEADLINE_EXCEEDED, "")
        request.inputs["n"].CopyFrom(tf.make_tensor_proto(7, tf.int32))
        response = self.stub.Predict(request, PATIENCE_S)
        expect(same(tf.make_ndarray(response.outputs["n"]), np.int32(7)), response)

    def check_errors(self):
        expect_error(lambda: self.predict("tf2_two_versions", {"x": floats(1)}, "nope"),
                     grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "nope" not found.')
        expect_error(lambda: self.predict("tf2_two_versions", {"x": floats(1)}, version=9),
                     grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(tf2_two_versions, 9)")
        expect_error(lambda: self.predict("tf2_two_versions", {"x": floats(1)}, version=1, wanted=["version"]),
                     grpc.StatusCode.INVALID_ARGUMENT, "output tensor alias not found in signature: version")


def session_run_stub(channel):
    # PyPI's package has the messages of this service, and no stub.
    return channel.unary_unary(
        "/tensorflow.serving.SessionService/SessionRun",
        request_serializer=session_service_pb2.SessionRunRequest.SerializeToString,
        response_deserializer=session_service_pb2.SessionRunResponse.FromString,
    )


def session_request(model, feeds, fetches, targets):
    request = session_service_pb2.SessionRunRequest(fetch=fetches, target=targets)
    request.model_spec.name = model
    for name, value in feeds.items():
        request.feed.add(name=name).tensor.CopyFrom(tf.make_tensor_proto(value))
    return request


def main(*arguments):
    checks = Checks(*arguments)
    bad = 0
    for name in sorted(name for name in dir(checks) if name.startswith("check_")):
        try:
            getattr(checks, name)()
            print("%s: equal" % name[len("check_"):].replace("_", " "))
        except (AssertionError, grpc.RpcError) as error:
            bad += 1
            print("%s: %s" % (name[len("check_"):].replace("_", " "), error))
    return 1 if bad else 0


if __name__ == "__main__":
    code = main(*sys.argv[1:4])
    sys.stdout.flush()
    # Runs that were given up may still be with gRPC's threads.
    os._exit(code)
