#!/usr/bin/env python3
"""Asks a running server for what TensorFlow itself answers, of the same SavedModels in this process, through TensorFlow Serving's own stubs.

  tensorflow_stubs.py FIXTURES HOST:PORT STRICT_HOST:PORT      (needs PyPI tensorflow-serving-api)

The second server has --enable_session_service and --enable_signature_method_name_check. Each serves the models of MODELS.
Prints one line a check, and exits with 1 when any answer differs: floats by more than 2e-6 of the value (absolute below 1), anything else at
all. Of an error the code and the whole text, in which "..." stands for anything.
"""
import os
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.core.framework.tensor_pb2 import TensorProto  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
    session_service_pb2,
)

PATIENCE_S = 20
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
PREDICT = "tensorflow/serving/predict"
# Of each model its folder below the fixtures. tf2_two_versions has the label "old" on version 1.
MODELS = {name: name for name in ("tf1_classify_regress", "tf1_counter", "tf1_image_b64", "tf1_simple_save", "tf2_dtypes", "tf2_keras_mlp",
                                  "tf2_multi_signature", "tf2_string", "tf2_two_versions", "tf2_vocab_table")}
MODELS.update({"default_inputs": "reading/default_inputs", "loop": "runtime/loop", "cr_odd": "cases/cr_odd", "cr_classify": "cases/cr_classify",
               "cr_regress": "cases/cr_regress"})
EXAMPLES = "tf1_classify_regress"
INVALID, NOT_FOUND, PRECONDITION = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION
UNIMPLEMENTED, INTERNAL, DEADLINE = grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED
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
    # A session gives a string scalar as bytes.
    got, wanted = (np.asarray(each, object if isinstance(each, bytes) else None) for each in (got, wanted))
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
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


def expect_errors(rows):
    """Makes each row's call: (what, code, text, call). Fails with all that differ."""
    faults = []
    for what, code, text, call in rows:
        try:
            call()
            faults.append("%s: no error, but %s was expected" % (what, code))
        except grpc.RpcError as error:
            details = error.details()
            fits = re.fullmatch(re.escape(text).replace(re.escape("..."), ".*"), details, re.DOTALL)
            if error.code() != code or not fits:
                faults.append("%s: %s %r, but %s %r was expected" % (what, error.code(), details, code, text))
    expect(not faults, "; ".join(faults))


def specify(spec, model, signature="", version=None, label=""):
    """Fills a ModelSpec in; leaves it absent where `model` is None."""
    if model is None:
        return
    spec.SetInParent()
    spec.name, spec.signature_name = model, signature
    if version is not None:
        spec.version.value = version
    if label:
        spec.version_label = label


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
    # Each with features of its own, of which the graph does not know all.
    foreign = example(x=0.5, other=1.0)
    foreign.features.feature["name"].bytes_list.value.append(b"\xff")
    examples = [example(x=1.0), example(x=-2.0, x2=5.0), foreign]
    yield input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples)), examples


def serialized(examples):
    return np.array([each.SerializeToString() for each in examples], object)


def input_of(count, **features):
    return input_pb2.Input(example_list=input_pb2.ExampleList(examples=[example(**features) for _ in range(count)]))


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
    def __init__(self, folder, target, strict_target):
        self.folder = folder
        channel, strict_channel = grpc.insecure_channel(target), grpc.insecure_channel(strict_target)
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.strict_stub = prediction_service_pb2_grpc.PredictionServiceStub(strict_channel)
        self.model_stub = model_service_pb2_grpc.ModelServiceStub(channel)
        self.plain_session_run = session_run_stub(channel)
        self.session_run = session_run_stub(strict_channel)
        self.tf1 = self.reference(EXAMPLES)

    def reference(self, model, version=1):
        return Reference(os.path.join(self.folder, MODELS[model], str(version)))

    def predict(self, model, inputs, signature="", version=None, wanted=(), label="", stub=None):
        """Inputs are arrays, or TensorProtos that go as they are."""
        request = predict_pb2.PredictRequest(output_filter=wanted)
        specify(request.model_spec, model, signature, version, label)
        for alias, value in inputs.items():
            request.inputs[alias].CopyFrom(value if isinstance(value, TensorProto) else tf.make_tensor_proto(value))
        return (stub or self.stub).Predict(request, PATIENCE_S)

    def classify(self, model, given, signature="", stub=None):
        request = classification_pb2.ClassificationRequest(input=given)
        specify(request.model_spec, model, signature)
        return (stub or self.stub).Classify(request, PATIENCE_S)

    def regress(self, model, given, signature="", stub=None):
        request = regression_pb2.RegressionRequest(input=given)
        specify(request.model_spec, model, signature)
        return (stub or self.stub).Regress(request, PATIENCE_S)

    def infer(self, tasks, given, stub=None):
        """Tasks are (model, signature, method) and perhaps a version."""
        request = inference_pb2.MultiInferenceRequest(input=given)
        for model, signature, method, *version in tasks:
            specify(request.tasks.add(method_name=method).model_spec, model, signature, *version)
        return (stub or self.stub).MultiInference(request, PATIENCE_S)

    def metadata(self, model, *fields):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        specify(request.model_spec, model)
        return self.stub.GetModelMetadata(request, PATIENCE_S)

    def expect_predicted(self, reference, model, version, signature, inputs, wanted=()):
        response = self.predict(model, inputs, signature, version, wanted)
        expect_spec(response.model_spec, model, version, signature)
        outputs = reference.run(signature, inputs, wanted)
        expect(set(response.outputs) == set(outputs), "outputs", sorted(response.outputs))
        for alias, value in outputs.items():
            expect(same(tf.make_ndarray(response.outputs[alias]), value), model, signature, alias, response.outputs[alias])

    def check_predict_of_two_versions(self):
        for version in (1, 2):
            reference = self.reference("tf2_two_versions", version)
            for size in (0, 1, 33):
                self.expect_predicted(reference, "tf2_two_versions", version, "serving_default", {"x": floats(size)})
        response = self.predict("tf2_two_versions", {"x": floats(1)})
        expect_spec(response.model_spec, "tf2_two_versions", 2, "serving_default")
        response = self.predict("tf2_two_versions", {"x": floats(1)}, label="old")
        expect_spec(response.model_spec, "tf2_two_versions", 1, "serving_default")

    def check_predict_of_every_signature_with_output_filter(self):
        reference = self.reference("tf2_multi_signature")
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

    def check_predict_of_strings(self):
        reference = self.reference("tf2_string")
        for texts in (["a", "B", ""], ["\u00fcber", "\0", "x" * 70_000], []):
            self.expect_predicted(reference, "tf2_string", 1, "serving_default", {"text": np.array([each.encode() for each in texts], object)})
        pairs = np.array([[b"\xff\x00", b"a"], [b"", b"\x80"]], object)
        for wanted in ((), ["hash"], ["concat_bytes", "hash"]):
            self.expect_predicted(reference, "tf2_string", 1, "concat", {"pair_bytes": pairs}, wanted)

    def check_predict_with_a_default(self):
        reference = self.reference("default_inputs")
        self.expect_predicted(reference, "default_inputs", 1, "serving_default", {"x": floats(3), "a": np.float32(0.5)})
        definition = reference.signatures["serving_default"]
        x = floats(4)
        response = self.predict("default_inputs", {"x": x})
        expect_spec(response.model_spec, "default_inputs", 1, "serving_default")
        wanted = reference.run("serving_default", {"x": x, "a": tf.make_ndarray(definition.defaults["a"])})
        expect(same(tf.make_ndarray(response.outputs["y"]), wanted["y"]), response.outputs["y"])

    def check_predict_of_a_counter(self):
        reference = self.reference("tf1_counter")
        calls = [("reset_counter", {}), ("incr_counter", {}), ("incr_counter_by", {"delta": np.float32(2.5)}), ("get_counter", {}), ("reset_counter", {})]
        for signature, inputs in calls:
            self.expect_predicted(reference, "tf1_counter", 1, signature, inputs)

    def check_predict_of_tensors_in_every_form(self):
        reference = self.reference("tf2_two_versions", 2)
        packed = np.array([4, 5, 6], np.float32)
        for proto, wanted in [
            (tensor([3], float_val=[1, 2, 3]), [1, 2, 3]),
            (tensor([3], float_val=[1, 2]), [1, 2, 2]),
            (tensor([3], float_val=[7]), [7, 7, 7]),
            (tensor([3]), [0, 0, 0]),
            (tensor([2], float_val=[1, 2, 3, 4]), [1, 2]),
            (tensor([3], tensor_content=packed.tobytes()), packed),
            (tensor([3], tensor_content=packed.tobytes(), float_val=[1, 2, 3]), packed),
            (tensor([0]), []),
        ]:
            got = self.predict("tf2_two_versions", {"x": proto}).outputs["y"]
            expect(not got.tensor_content, "content in an answer")
            expected = reference.run("serving_default", {"x": np.array(wanted, np.float32)})["y"]
            expect(same(tf.make_ndarray(got), expected), proto, got)
        # A rank that is not known is that of a scalar.
        scalar = tensor([], float_val=[2.5])
        scalar.tensor_shape.unknown_rank = True
        any_value = floats(2, 3)
        got = self.predict("tf2_multi_signature", {"any": any_value, "scale": scalar}, "scale").outputs["scaled"]
        wanted = self.reference("tf2_multi_signature").run("scale", {"any": any_value, "scale": np.float32(2.5)})["scaled"]
        expect(same(tf.make_ndarray(got), wanted), "unknown rank", got)

    def check_classify(self):
        for given, examples in inputs_of_examples():
            for signature in ("classify", "classify_scores_only"):
                response = self.classify(EXAMPLES, given, signature)
                expect_spec(response.model_spec, EXAMPLES, 1, signature)
                expect_classes(response.result, self.tf1.run(signature, {"inputs": serialized(examples)}), len(examples))

    def check_regress(self):
        for given, examples in inputs_of_examples():
            for signature in ("regress_x_to_y", "regress_x_to_y2"):
                response = self.regress(EXAMPLES, given, signature)
                expect_spec(response.model_spec, EXAMPLES, 1, signature)
                expect_values(response.result, self.tf1.run(signature, {"inputs": serialized(examples)}))

    def check_multi_inference(self):
        # The version is the first task's choice.
        tasks = [(EXAMPLES, "regress_x_to_y2", REGRESS), (EXAMPLES, "classify", CLASSIFY, 9), (EXAMPLES, "regress_x_to_y", REGRESS),
                 (EXAMPLES, "classify_scores_only", CLASSIFY)]
        for given, examples in inputs_of_examples():
            for chosen in (tasks, tasks[::-1], tasks[2:3]):
                results = self.infer(chosen, given).results
                expect(len(results) == len(chosen), "results", len(results))
                for result, (_, signature, method, *_version) in zip(results, chosen):
                    expect_spec(result.model_spec, EXAMPLES, 1, signature)
                    outputs = self.tf1.run(signature, {"inputs": serialized(examples)})
                    if method == CLASSIFY:
                        expect_classes(result.classification_result, outputs, len(examples))
                    else:
                        expect_values(result.regression_result, outputs)

    def check_metadata(self):
        for model, folder in MODELS.items():
            version = max(int(name) for name in os.listdir(os.path.join(self.folder, folder)) if name.isdigit())
            with open(os.path.join(self.folder, folder, str(version), "saved_model.pb"), "rb") as file:
                wanted = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].signature_def
            response = self.metadata(model, "signature_def")
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
        # What only targets do stays done.
        for feeds, fetches, targets, values in [
            ({}, [], ["reset"], []),
            ({}, [], ["inc"], []),
            ({}, ["get:0"], [], [1]),
            ({"delta:0": np.float32(2.5)}, ["incby:0"], [], [3.5]),
            ({"delta:0": np.float32(2)}, [], ["incby"], []),
            ({}, ["get:0"], [], [5.5]),
            ({}, ["reset:0"], [], [0]),
        ]:
            response = self.session_run(session_request("tf1_counter", feeds, fetches, targets), PATIENCE_S)
            got = [tf.make_ndarray(each.tensor) for each in response.tensor]
            expect(len(got) == len(values) and all(map(same, got, np.array(values, np.float32))), fetches, targets, got)

    def check_session_run_where_it_is_off(self):
        request = session_request(EXAMPLES, {"x:0": floats(1, 1)}, ["y:0"], [])
        expect_errors([("off", UNIMPLEMENTED, "...", lambda: self.plain_session_run(request, PATIENCE_S))])

    def check_deadlines(self):
        long = predict_pb2.PredictRequest()
        specify(long.model_spec, "loop")
        long.inputs["n"].CopyFrom(tf.make_tensor_proto(2_000_000_000, tf.int32))
        # More of them than a server that went on with each would have threads for.
        expect_errors([("predict", DEADLINE, "...", lambda: self.stub.Predict(long, 0.1))] * 12)
        # Its own limit, where the client has time enough.
        request = session_request("loop", {"n": np.int32(2_000_000_000)}, ["n"], [])
        request.tensor_name_is_alias = True
        request.options.timeout_in_ms = 300
        expect_errors([("session run", DEADLINE, "...", lambda: self.session_run(request, PATIENCE_S))])
        for stub in (self.stub, self.strict_stub):
            response = self.predict("loop", {"n": np.int32(7)}, stub=stub)
            expect(same(tf.make_ndarray(response.outputs["n"]), np.int32(7)), response)

    def check_method_names(self):
        strict = self.strict_stub
        serialized_examples = serialized([example(x=1.0)])
        for signature, inputs in [("serving_default", {"x": floats(2, 1)})] + [
            (signature, {"inputs": serialized_examples}) for signature in ("classify", "regress_x_to_y")
        ]:
            response = self.predict(EXAMPLES, inputs, signature, stub=strict)
            expect_spec(response.model_spec, EXAMPLES, 1, signature)
        one = input_of(1, x=1.0)
        self.classify(EXAMPLES, one, "classify", strict)
        self.regress(EXAMPLES, one, "regress_x_to_y", strict)
        self.infer([(EXAMPLES, "classify", CLASSIFY), (EXAMPLES, "regress_x_to_y", REGRESS)], one, strict)
        # A foreign one is no matter where nobody checks.
        self.predict("cr_odd", {"inputs": serialized_examples}, "no_method")
        not_classify = "Expected classification signature method_name to be tensorflow/serving/classify. Was: "
        not_regress = "Expected regression signature method_name to be tensorflow/serving/regress. Was: "
        expect_errors([
            ("predict", INTERNAL, "Expected prediction signature method_name to be one of {...",
             lambda: self.predict("cr_odd", {"inputs": serialized_examples}, "no_method", stub=strict)),
            ("classify of regress", INVALID, not_classify + REGRESS, lambda: self.classify(EXAMPLES, one, "regress_x_to_y", strict)),
            ("classify of predict", INVALID, not_classify + PREDICT, lambda: self.classify(EXAMPLES, one, "", strict)),
            ("regress of classify", INVALID, not_regress + CLASSIFY, lambda: self.regress(EXAMPLES, one, "classify", strict)),
            ("regress of predict", INVALID, not_regress + PREDICT, lambda: self.regress(EXAMPLES, one, "", strict)),
            ("task that classifies", INVALID, not_classify + REGRESS,
             lambda: self.infer([(EXAMPLES, "regress_x_to_y", CLASSIFY)], one, strict)),
            ("task that regresses", INVALID, not_regress + CLASSIFY,
             lambda: self.infer([(EXAMPLES, "regress_x_to_y2", REGRESS), (EXAMPLES, "classify", REGRESS)], one, strict)),
        ])

    def check_errors_of_model_specs(self):
        x, one = {"x": floats(1)}, input_of(1, x=1.0)
        status = get_model_status_pb2.GetModelStatusRequest()
        missing, nameless = "Missing ModelSpec", "ModelSpec has no name specified."
        latest = "Servable not found for request: Latest(none)"
        two = "tf2_two_versions"
        rows = [("status without spec", INVALID, missing, lambda: self.model_stub.GetModelStatus(status, PATIENCE_S))]
        for name, call in [
            ("predict", lambda model: self.predict(model, x)),
            ("classify", lambda model: self.classify(model, one)),
            ("regress", lambda model: self.regress(model, one)),
            ("metadata", lambda model: self.metadata(model, "signature_def")),
        ]:
            rows += [(name + " without spec", INVALID, missing, lambda call=call: call(None)),
                     (name + " without name", INVALID, nameless, lambda call=call: call("")),
                     (name + " of no model", NOT_FOUND, latest, lambda call=call: call("none"))]
        expect_errors(rows + [
            ("label", INVALID, "Unrecognized servable version label: new", lambda: self.predict(two, x, label="new")),
            ("label of no model", INVALID, "Unrecognized servable version label: new", lambda: self.predict("none", x, label="new")),
            ("version", NOT_FOUND, "Servable not found for request: Specific(%s, 9)" % two, lambda: self.predict(two, x, version=9)),
            ("version 0", NOT_FOUND, "Servable not found for request: Specific(%s, 0)" % two, lambda: self.predict(two, x, version=0)),
            ("version of no model", NOT_FOUND, "Servable not found for request: Specific(none, 1)", lambda: self.predict("none", x, version=1)),
        ])

    def check_errors_of_predict(self):
        x, two, many = floats(2), "tf2_two_versions", "tf2_multi_signature"
        size = "input size does not match signature: "
        absent = "Signature input alias: x(feed name: %s) not found in request and no default value provided. Inputs expected to be in the request {%s}..."
        broken = "tensor parsing error: x"
        expect_errors([
            ("signature", PRECONDITION, 'Serving signature key "nope" not found.', lambda: self.predict(two, {"x": x}, "nope")),
            ("missing input", INVALID, size + "1!=2 len({x}) != len({bias,x}). Sent extra: {}. Missing but required: {bias}.",
             lambda: self.predict(many, {"x": floats(1, 4)})),
            ("no input", INVALID, size + "0!=2 len({}) != len({bias,x}). Sent extra: {}. Missing but required: {bias,x}.",
             lambda: self.predict(many, {})),
            ("extra inputs", INVALID, size + "3!=1 len({a,b,x}) != len({x}). Sent extra: {a,b}. Missing but required: {}.",
             lambda: self.predict(two, {"x": x, "b": x, "a": x})),
            ("extra input beside a default", INVALID, size + "3!=2 len({a,x,y}) != len({a,x}). Sent extra: {y}. Missing but required: {}.",
             lambda: self.predict("default_inputs", {"x": x, "a": np.float32(1), "y": x})),
            ("other input", INVALID, absent % ("serving_default_x:0", "x"), lambda: self.predict(two, {"y": x})),
            ("only the default's input", INVALID, absent % ("x:0", "a,x"), lambda: self.predict("default_inputs", {"a": np.float32(1)})),
            ("dtype", INVALID, "Expects arg[0] to be float but string is provided", lambda: self.predict(two, {"x": np.array([b"a"], object)})),
            ("dtype of numbers", INVALID, "Expects arg[0] to be float but int64 is provided",
             lambda: self.predict(two, {"x": np.array([1], np.int64)})),
            ("dtype in TensorFlow 1", INVALID, "Expects arg[0] to be float but double is provided",
             lambda: self.predict(EXAMPLES, {"x": np.array([[1]], np.float64)})),
            ("content too short", INVALID, broken, lambda: self.predict(two, {"x": tensor([2], tensor_content=b"1234567")})),
            ("content too long", INVALID, broken, lambda: self.predict(two, {"x": tensor([1], tensor_content=b"12345678")})),
            ("negative dimension", INVALID, broken, lambda: self.predict(two, {"x": tensor([-1], float_val=[1])})),
            ("no dtype", INVALID, broken, lambda: self.predict(two, {"x": tensor([1], 0, float_val=[1])})),
            ("kernel", INVALID, "...Matrix size-incompatible: In[0]: [1,2], In[1]: [8,16]...",
             lambda: self.predict("tf2_keras_mlp", {"features": floats(1, 2)})),
            ("unknown output", INVALID, "output tensor alias not found in signature: z Outputs expected to be in the set {version,y}.",
             lambda: self.predict(two, {"x": x}, wanted=["y", "z"])),
            ("output of another version", INVALID, "output tensor alias not found in signature: version Outputs expected to be in the set {y}.",
             lambda: self.predict(two, {"x": x}, version=1, wanted=["version"])),
            ("output twice", INVALID, "duplicate output tensor alias: y", lambda: self.predict(two, {"x": x}, wanted=["y", "version", "y"])),
        ])

    def check_errors_of_classify_and_regress(self):
        one, none = input_of(1, x=1.0), input_of(0)
        with_context = input_pb2.Input(example_list_with_context=input_pb2.ExampleListWithContext(context=example(x=1.0)))
        rows = []
        for name, call, own in (("classification", self.classify, "classify"), ("regression", self.regress, "regress_x_to_y")):
            rows += [(name + ": " + what, INVALID, text, lambda call=call, asked=asked: call(*asked)) for what, text, asked in [
                ("signature", "No signature was found with the name: nope", (EXAMPLES, one, "nope")),
                ("default that predicts", "No %s inputs found in SignatureDef: ..." % name, (EXAMPLES, one)),
                ("two inputs", "Expected one input Tensor.", ("tf2_multi_signature", one)),
                ("no examples", "Input is empty.", (EXAMPLES, none, own)),
                ("no input", "Input is empty.", (EXAMPLES, input_pb2.Input(), own)),
                ("no examples beside a context", "Input is empty.", (EXAMPLES, with_context, own)),
            ]]
        shape = "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
        rows += [("classify " + signature, INVALID, text, lambda signature=signature: self.classify("cr_odd", one, signature)) for signature, text in [
            ("other_input", "No classification inputs found in SignatureDef: ..."),
            ("three", "Expected one or two output Tensors, found 3"),
            ("rank_1", "Expected Tensor shape: [batch_size num_classes] but got [1]"),
            ("scores_of_int32", "Expected scores Tensor of DT_FLOAT. Got: DT_INT32"),
            ("classes_of_float", "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
            ("widths", "Tensors class and score should match in dim_size(1). Got 2 vs. 3"),
        ]]
        rows += [("regress " + signature, INVALID, text, lambda signature=signature: self.regress("cr_odd", one, signature)) for signature, text in [
            ("other_input", "No regression inputs found in SignatureDef: ..."),
            ("two_outputs", "Expected one output Tensor."),
            ("rank_1", "No regression outputs found in SignatureDef: ..."),
            ("rank_3", shape + "[1,1,1]"),
            ("two_columns", shape + "[1,2]"),
            ("double", "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE"),
        ]]
        expect_errors(rows + [
            ("classify batch", INVALID, "Expected classes output batch size of 3. Got: 2", lambda: self.classify("cr_classify", input_of(3))),
            ("regress batch", INVALID, "Input batch size did not match output batch size: 1 vs. 3",
             lambda: self.regress("cr_regress", input_of(1))),
            ("classify of regress", INVALID, "Expected classification signature outputs to contain ...",
             lambda: self.classify(EXAMPLES, one, "regress_x_to_y")),
            ("regress of classify", INVALID, "Expected one output Tensor.", lambda: self.regress(EXAMPLES, one, "classify")),
        ])

    def check_errors_of_multi_inference(self):
        one, good = input_of(1, x=1.0), (EXAMPLES, "classify", CLASSIFY)
        nameless, unknown = "ModelSpec has no name specified.", "Requested signature not found in model graph: nope"
        expect_errors([(what, code, text, lambda tasks=tasks, given=given: self.infer(tasks, given)) for what, code, text, tasks, given in [
            ("no task", INVALID, nameless, [], one),
            ("no name", INVALID, nameless, [("", "classify", CLASSIFY)], one),
            ("no name in the second", INVALID, "Found ModelSpec with an empty model name.", [good, ("", "classify", CLASSIFY)], one),
            ("no spec in the second", INVALID, "Found ModelSpec with an empty model name.", [good, (None, "", CLASSIFY)], one),
            ("another model", INVALID, "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
             [good, ("cr_odd", "widths", CLASSIFY)], one),
            ("signature twice", INVALID, "Duplicate evaluation of signature: classify", [good, good], one),
            ("default signature twice", INVALID, "Duplicate evaluation of signature: serving_default",
             [("cr_classify", "", CLASSIFY), ("cr_classify", "serving_default", CLASSIFY)], one),
            ("signature", INVALID, unknown, [good, (EXAMPLES, "nope", REGRESS)], one),
            ("signature before method", INVALID, unknown, [(EXAMPLES, "nope", PREDICT)], one),
            ("method", UNIMPLEMENTED, "Unsupported signature method_name: " + PREDICT, [(EXAMPLES, "classify", PREDICT)], one),
            ("no method", UNIMPLEMENTED, "Unsupported signature method_name: ", [(EXAMPLES, "classify", "")], one),
            ("no examples", INVALID, "Input is empty.", [good], input_of(0)),
            ("signature before examples", INVALID, unknown, [(EXAMPLES, "nope", REGRESS)], input_of(0)),
            ("model", NOT_FOUND, "Servable not found for request: Latest(none)", [("none", "classify", CLASSIFY)], one),
            ("version", NOT_FOUND, "Servable not found for request: Specific(%s, 9)" % EXAMPLES, [(*good, 9), (EXAMPLES, "regress_x_to_y", REGRESS)], one),
        ]])

    def check_errors_of_metadata(self):
        expect_errors([
            ("no field", INVALID, "GetModelMetadataRequest must specify at least one metadata_field", lambda: self.metadata(EXAMPLES)),
            ("another field", INVALID, "Metadata field other is not supported", lambda: self.metadata(EXAMPLES, "signature_def", "other")),
            ("field before model", INVALID, "Metadata field other is not supported", lambda: self.metadata("none", "other")),
            ("model", NOT_FOUND, "Servable not found for request: Latest(none)", lambda: self.metadata("none", "signature_def")),
        ])

    def check_errors_of_session_run(self):
        x = floats(1, 1)
        twice = session_request(EXAMPLES, {"x:0": x}, ["y:0"], [])
        twice.feed.add().CopyFrom(twice.feed[0])
        aliases = session_request(EXAMPLES, {"x": x}, ["y"], [])
        aliases.tensor_name_is_alias, aliases.model_spec.signature_name = True, "nope"
        expect_errors([(what, code, text, lambda request=request: self.session_run(request, PATIENCE_S)) for what, code, text, request in [
            ("no spec", INVALID, "Missing ModelSpec", session_service_pb2.SessionRunRequest(fetch=["y:0"])),
            ("model", NOT_FOUND, "Servable not found for request: Latest(none)", session_request("none", {}, ["y:0"], [])),
            ("fetch", NOT_FOUND, "...nowhere:0...", session_request(EXAMPLES, {"x:0": x}, ["nowhere:0"], [])),
            ("feed twice", INVALID, 'Endpoint "x:0" fed more than once.', twice),
            ("signature of aliases", PRECONDITION, 'Serving signature key "nope" not found.', aliases),
            ("dtype", INVALID, "...float...int64...", session_request("tf1_counter", {"delta:0": np.int64(1)}, ["incby:0"], [])),
        ]])


def tensor(sizes, dtype=tf.float32.as_datatype_enum, **values):
    return TensorProto(dtype=dtype, tensor_shape={"dim": [{"size": size} for size in sizes]}, **values)


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
            print("%s: %s" % (name[len("check_"):].replace("_", " "), str(error).replace("\n", " ")))
    return 1 if bad else 0


if __name__ == "__main__":
    code = main(*sys.argv[1:4])
    sys.stdout.flush()
    # Runs that were given up may still be with gRPC's threads.
    os._exit(code)
