"""Serves one model to modelport from a process of its own.

modelport starts this file with the interpreter that its user names; nothing else is to be installed for it. Python 3.8 to 3.13. numpy is
used where it is installed: models get and give its arrays, and nested lists where it is not. See docs/guide/python-handlers.md.

Two kinds of sockets: descriptor 3 is the control side's, with JSON messages; the serving threads connect to a Unix socket of the worker's,
with binary frames (docs/adr/0021-python-worker.md). Models run on the main thread, one request after the other. A second thread answers
the control side, so that a model that is busy can be told from a process that is stuck.

Far above the usual length of a file, and one on purpose: it is started by its path in interpreters where modelport is no package, beside models
whose own folders come first among what can be imported; a second file could be mistaken for one of theirs.
"""

import collections
import faulthandler
import importlib
import importlib.util
import inspect
import json
import mmap
import os
import platform
import queue
import re
import select
import shutil
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import types
import zipfile

PROTOCOL = 1
CONTROL_DESCRIPTOR = 3
# Without a word of the control side for so long it is gone, or this process is stuck where no Python runs.
SILENCE_SECONDS = 90

# ---------------------------------------------------------------------------------------------------------------------------------------
# Errors


class ServingError(Exception):
    """An error that is shown to clients as it is."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class InvalidInput(ServingError):
    """What a handler raises for a request that is wrong; so does ValueError."""

    def __init__(self, message):
        super().__init__("invalid-argument", message)


MOST_MESSAGE = 500
PATH = re.compile(r"(?<![\w.:/])(?:/[^\s/'\"<>:,;()\[\]]+)+/([^\s/'\"<>:,;()\[\]]+)")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")
LAST_ERROR = re.compile(r"^(?:[A-Za-z_][\w.]*)?(?:Error|Exception)\s?: ?(.*)", re.MULTILINE | re.DOTALL)


def clean(message):
    """A message of a library's on one line, without the stacks, paths and addresses that it may have."""
    text = str(message)
    if "Traceback" in text:
        found = None
        for found in LAST_ERROR.finditer(text[text.rfind("Traceback"):]):
            pass
        text = found.group(1) if found else text[: text.find("Traceback")]
    text = text.split("\nException raised from ")[0]
    text = PATH.sub(r"\1", text)
    text = ADDRESS.sub("0x...", text)
    text = " ".join(text.split())
    return text if len(text) <= MOST_MESSAGE else text[: MOST_MESSAGE - 3] + "..."


def described(error):
    """An error by its type and message."""
    message = clean(error)
    name = type(error).__name__
    return name + ": " + message if message else name


# ---------------------------------------------------------------------------------------------------------------------------------------
# Tensors

# Names by number in frames, each with the bytes of an element and numpy's and struct's names. The order is the protocol.
DTYPES = [
    ("float32", 4, "float32", "f"),
    ("float64", 8, "float64", "d"),
    ("float16", 2, "float16", "e"),
    ("bfloat16", 2, "uint16", None),
    ("int8", 1, "int8", "b"),
    ("int16", 2, "int16", "h"),
    ("int32", 4, "int32", "i"),
    ("int64", 8, "int64", "q"),
    ("uint8", 1, "uint8", "B"),
    ("uint16", 2, "uint16", "H"),
    ("uint32", 4, "uint32", "I"),
    ("uint64", 8, "uint64", "Q"),
    ("bool", 1, "bool", "?"),
    ("string", 0, "object", None),
    ("complex64", 8, "complex64", None),
    ("complex128", 16, "complex128", None),
]
NUMBERS = {entry[0]: number for number, entry in enumerate(DTYPES)}
MISSING = b"\xff"
ALIGNMENT = 64


def numpy():
    """numpy, or None where it is not installed."""
    global _numpy
    if _numpy is False:
        try:
            import numpy as found
        except ImportError:
            found = None
        _numpy = found
    return _numpy


_numpy = False


class Raw:
    """A tensor of a request: its bytes where they came in."""

    __slots__ = ("dtype", "dims", "bytes")

    def __init__(self, dtype, dims, data):
        self.dtype = dtype
        self.dims = dims
        self.bytes = data

    def count(self):
        count = 1
        for size in self.dims:
            count *= size
        return count

    def texts(self):
        """The strings in order: str, bytes for what is no UTF-8, None for a missing one."""
        count = self.count()
        end = 4 * (count + 1)
        if len(self.bytes) < end:
            raise ServingError("internal", "a string tensor of a request is cut off")
        offsets = struct.unpack_from("<%dI" % (count + 1), self.bytes)
        data = bytes(self.bytes[end:])
        if offsets[-1] > len(data) or any(a > b for a, b in zip(offsets, offsets[1:])):
            raise ServingError("internal", "a string tensor of a request is cut off")
        return [text_of(data[offsets[i]:offsets[i + 1]]) for i in range(count)]

    def value(self):
        """A numpy array, or nested lists without numpy."""
        np = numpy()
        if self.dtype == "string":
            texts = self.texts()
            if np is None:
                return nested(texts, self.dims)
            array = np.empty(len(texts), dtype=object)
            array[:] = texts
            return array.reshape(self.dims)
        if np is not None:
            return np.frombuffer(self.bytes, dtype=DTYPES[NUMBERS[self.dtype]][2]).reshape(self.dims)
        code = DTYPES[NUMBERS[self.dtype]][3]
        if code is None:
            raise InvalidInput("%s needs numpy, which this interpreter does not have" % self.dtype)
        return nested(list(struct.unpack("<%d%s" % (self.count(), code), self.bytes)), self.dims)

    def tensor(self, torch, device):
        """A tensor of torch's on a device."""
        if self.dtype == "string":
            raise InvalidInput("the model takes numbers, not strings")
        dtype = getattr(torch, self.dtype, None)
        if dtype is None:
            raise InvalidInput("this torch has no tensors of %s" % self.dtype)
        if self.count() == 0:
            made = torch.empty(self.dims, dtype=dtype)
        else:
            made = torch.frombuffer(self.bytes, dtype=dtype).reshape(self.dims)
        return made if device is None else made.to(device)


def text_of(data):
    if data == MISSING:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def nested(flat, dims):
    if len(dims) == 0:
        return flat[0]
    for size in reversed(dims[1:]):
        flat = [flat[i:i + size] for i in range(0, len(flat), size)] if size else [[] for _ in range(dims[0])]
    return flat


def encoded(name, value, dtype=None):
    """What an answer's tensor is in a frame: number of its dtype, dims, and its bytes in pieces. `dtype`: the declared one."""
    kind = type(value).__module__.partition(".")[0]
    if kind == "torch":
        return encoded_torch(name, value, dtype)
    np = numpy()
    if np is None:
        return encoded_list(name, value, dtype)
    if hasattr(value, "toarray"):
        value = value.toarray()
    elif kind == "pandas":
        value = value.to_numpy()
    if kind == "dict" or isinstance(value, (dict, set)):
        raise ServingError("internal", 'output "%s" is a %s, which no tensor can hold' % (name, type(value).__name__))
    try:
        array = value if isinstance(value, np.ndarray) else array_of(np, value)
    except ValueError:
        raise ServingError("internal", 'output "%s" is a ragged list, which no tensor can hold' % name)
    return encoded_array(np, name, array, dtype)


def array_of(np, value):
    if isinstance(value, (str, bytes)) or value is None:
        array = np.empty((), dtype=object)
        array[()] = value
        return array
    array = np.asarray(value)
    # Texts of different lengths, bytes that end in zeros: numpy's own fixed-width types would change them.
    return np.asarray(value, dtype=object) if array.dtype.kind in "SU" else array


def encoded_array(np, name, array, dtype):
    kind = array.dtype.kind
    if kind in "OSU":
        flat = array.reshape(-1).tolist()
        if dtype is None or dtype == "string":
            if all(value is None or isinstance(value, (str, bytes)) or is_nan(value) for value in flat):
                return encoded_texts(array.shape, flat)
            if kind == "O" and dtype is None and all(isinstance(value, (bool, int, float)) for value in flat):
                numbers = np.asarray(flat)
                # Whole numbers of more than 64 bits stay objects.
                if numbers.dtype.kind != "O":
                    return encoded_array(np, name, numbers.reshape(array.shape), None)
        elif kind == "O":
            try:
                return encoded_array(np, name, array.astype(dtype), dtype)
            except (TypeError, ValueError, OverflowError):
                pass
        what = next((type(value).__name__ for value in flat if not isinstance(value, (str, bytes, type(None)))), "str")
        raise ServingError("internal", 'output "%s" holds values of %s, which no tensor can hold' % (name, what))
    own = array.dtype.name
    if dtype is not None and dtype != own and not (dtype == "bfloat16" and own == "uint16"):
        array = converted(np, name, array, dtype)
    elif own == "longdouble" or own.startswith("float128"):
        array = array.astype("float64")
    elif own not in NUMBERS:
        raise ServingError("internal", 'output "%s" is an array of %s, for which there is no tensor type' % (name, array.dtype))
    number = NUMBERS[dtype if dtype is not None else array.dtype.name]
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(array.dtype.newbyteorder("<"))
    array = array if array.flags["C_CONTIGUOUS"] else np.ascontiguousarray(array)
    data = memoryview(array.reshape(-1)).cast("B") if array.size else memoryview(b"")
    return number, array.shape, [data]


def is_nan(value):
    return isinstance(value, float) and value != value


def converted(np, name, array, dtype):
    """The array in the declared type; a number that it does not have is an error, rounding is not."""
    if dtype == "string":
        raise ServingError("internal", 'output "%s" is declared as strings and is an array of %s' % (name, array.dtype))
    if dtype == "bfloat16":
        raise ServingError("internal", 'output "%s" is declared as bfloat16 and is an array of %s' % (name, array.dtype))
    with np.errstate(all="ignore"):
        changed = array.astype(dtype)
    if changed.dtype.kind in "iub" and not np.array_equal(changed.astype(array.dtype), array):
        raise ServingError("internal", 'output "%s" is declared as %s and has numbers that are none' % (name, dtype))
    return changed


def encoded_texts(dims, flat):
    parts = []
    for value in flat:
        if value is None or is_nan(value):
            parts.append(MISSING)
        else:
            try:
                parts.append(value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value)
            except UnicodeEncodeError:
                raise ServingError("internal", "an output has a text that is no Unicode")
    offsets = [0]
    end = 0
    for part in parts:
        end += len(part)
        offsets.append(end)
    if end >= 1 << 32:
        raise ServingError("internal", "an output has more than 4 GiB of strings")
    return NUMBERS["string"], tuple(dims), [memoryview(struct.pack("<%dI" % len(offsets), *offsets)), memoryview(b"".join(parts))]


def encoded_torch(name, value, dtype):
    import torch

    if not isinstance(value, torch.Tensor):
        raise ServingError("internal", 'output "%s" is a %s, which no tensor can hold' % (name, type(value).__name__))
    if value.is_sparse:
        value = value.to_dense()
    own = str(value.dtype).replace("torch.", "")
    if own not in NUMBERS:
        raise ServingError("internal", 'output "%s" is a tensor of %s, for which there is no tensor type' % (name, own))
    if dtype is not None and dtype != own and dtype in NUMBERS and dtype != "string":
        value, own = value.to(getattr(torch, dtype)), dtype
    value = value.detach().to("cpu").resolve_conj().contiguous()
    dims = tuple(value.shape)
    count = value.numel()
    if count == 0:
        return NUMBERS[own], dims, [memoryview(b"")]
    import ctypes

    size = count * value.element_size()
    view = (ctypes.c_char * size).from_address(value.data_ptr())
    view.owner = value
    return NUMBERS[own], dims, [memoryview(view).cast("B")]


def encoded_list(name, value, dtype):
    """Nested lists and tuples, or a scalar, without numpy."""
    dims = []
    level = value
    while isinstance(level, (list, tuple)):
        dims.append(len(level))
        level = level[0] if len(level) else None
    flat = [value]
    for depth, size in enumerate(dims):
        for part in flat:
            if not isinstance(part, (list, tuple)) or len(part) != size:
                raise ServingError("internal", 'output "%s" is a ragged list, which no tensor can hold' % name)
        flat = [item for part in flat for item in part]
    if dtype is None:
        if all(isinstance(item, (str, bytes, type(None))) for item in flat) and flat:
            dtype = "string"
        elif all(isinstance(item, bool) for item in flat) and flat:
            dtype = "bool"
        elif all(isinstance(item, int) for item in flat) and flat:
            dtype = "int64"
        else:
            dtype = "float64"
    if dtype == "string":
        if not all(isinstance(item, (str, bytes, type(None))) for item in flat):
            raise ServingError("internal", 'output "%s" is declared as strings and holds something else' % name)
        return encoded_texts(dims, flat)
    code = DTYPES[NUMBERS[dtype]][3]
    try:
        if code is None:
            raise struct.error
        return NUMBERS[dtype], tuple(dims), [memoryview(struct.pack("<%d%s" % (len(flat), code), *flat))]
    except (struct.error, TypeError, OverflowError):
        raise ServingError("internal", 'output "%s" cannot be made a tensor of %s' % (name, dtype))


# ---------------------------------------------------------------------------------------------------------------------------------------
# Signatures: dicts of name, inputs, outputs (None for what only a run tells), strict, alone


def info(name, dtype="float32", shape=None, **more):
    return dict(name=name, dtype=dtype, shape=shape, **more)


def signature(name, inputs, outputs, strict=False, alone=None, **more):
    return dict(name=name, inputs=inputs, outputs=outputs, strict=strict, alone=alone, **more)


def declared_infos(what, given):
    """Inputs or outputs as a user declares them: by name, or as a list; each a dtype, or a dtype and a shape."""
    entries = given.items() if isinstance(given, dict) else [(entry["name"], entry) for entry in given]
    infos = []
    for name, entry in entries:
        if isinstance(entry, str):
            entry = {"dtype": entry}
        elif isinstance(entry, (list, tuple)):
            entry = dict(zip(("dtype", "shape"), entry))
        dtype = str(entry.get("dtype", "float32"))
        if dtype not in NUMBERS:
            raise ServingError("invalid-argument", '%s "%s" is declared as "%s" (known: %s)' % (what, name, dtype, ", ".join(NUMBERS)))
        shape = entry.get("shape")
        if shape is not None:
            shape = [-1 if size is None or size < 0 else int(size) for size in shape]
        infos.append(info(str(name), dtype, shape, optional=bool(entry.get("optional", False))))
    return infos


def declared_signature(name, given, alone):
    if not isinstance(given, dict) or "inputs" not in given:
        raise ServingError("invalid-argument", 'signature "%s" must be a mapping with "inputs" and "outputs"' % name)
    outputs = given.get("outputs")
    return signature(
        name,
        declared_infos("input", given["inputs"]),
        None if outputs is None else declared_infos("output", outputs),
        strict=True,
        alone=alone,
    )


# ---------------------------------------------------------------------------------------------------------------------------------------
# Models. Each has `signatures`, and `run(signature, inputs, wanted)` that gives outputs by name; `inputs` are Raw by name.


class Task:
    """What the control side wants loaded."""

    def __init__(self, message):
        self.form = message["form"]
        self.folder = message["folder"]
        self.file = message.get("file")
        self.name = message.get("model", "")
        self.version = message.get("version", "")
        self.device = message.get("device", "auto")
        self.worker = message.get("worker", 0)
        self.declared = message.get("declared")
        self.scratch = message.get("scratch")
        self.code = message.get("code")

    def path(self):
        return os.path.join(self.folder, self.file) if self.file else self.folder


class Context:
    """What a handler's `load` is told."""

    def __init__(self, task):
        self.folder = task.folder
        self.model = task.name
        self.version = task.version
        self.worker = task.worker
        self._asked = task.device

    @property
    def device(self):
        """`cpu` or `cuda:0` and so on, as the model's config says; of `auto`, what torch finds."""
        if self._asked not in ("auto", "cuda") and not self._asked.startswith("cuda:"):
            return self._asked
        return str(torch_device(importlib.import_module("torch"), self._asked))


def torch_device(torch, asked):
    """The device of torch's that a config asks for."""
    found = torch.cuda.is_available()
    if asked == "auto":
        return torch.device("cuda:0" if found else "cpu")
    if asked.startswith("cuda"):
        if not found:
            why = "it was built without CUDA" if torch.version.cuda is None else "it finds no GPU"
            raise ServingError("failed-precondition", "device is %s, and torch %s can use no GPU: %s" % (asked, torch.__version__, why))
        number = int(asked.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise ServingError("failed-precondition", "device is %s, and torch finds %d GPUs" % (asked, torch.cuda.device_count()))
        return torch.device("cuda:%d" % number)
    return torch.device(asked)


def import_library(name, why):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if getattr(error, "name", None) == name:
            raise ServingError("failed-precondition", "%s, and this interpreter (Python %s) has no %s" % (why, platform.python_version(), name))
        raise


def import_file(path, name):
    """The module in a file of the model's, under a name that pickles may know it by."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def own_classes(module, fits):
    return [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__ and fits(each)]


class HandlerModel:
    """A class of the user's: `load(context)`, `predict(inputs)`."""

    def __init__(self, task):
        sys.path.insert(0, task.folder)
        module = import_file(task.path(), os.path.splitext(os.path.basename(task.file))[0])
        found = getattr(module, "Handler", None)
        if found is None:
            classes = own_classes(module, lambda each: hasattr(each, "predict"))
            if len(classes) != 1:
                raise ServingError("invalid-argument", "%s must have a class Handler with a method predict" % task.file)
            found = classes[0]
        if not callable(getattr(found, "predict", None)):
            raise ServingError("invalid-argument", "%s: class %s has no method predict" % (task.file, found.__name__))
        self.handler = found()
        if hasattr(self.handler, "load"):
            self.handler.load(Context(task))
        self.names_signature = takes(self.handler.predict, 2)
        self.signatures = self.declared(task)

    def declared(self, task):
        several = getattr(self.handler, "signatures", None)
        one = getattr(self.handler, "signature", None)
        if several is None and one is None and task.declared is not None:
            several = {each["name"]: each for each in task.declared}
        alone = None if getattr(self.handler, "batch", False) else "the handler does not say that it takes several requests at once (batch = True)"
        if several is not None:
            return [declared_signature(str(name), each, alone) for name, each in several.items()]
        if one is not None:
            return [declared_signature("serving_default", one, alone)]
        return [signature("serving_default", [info("inputs")], None, alone="the handler declares no signature")]

    def run(self, name, inputs, wanted):
        values = {alias: raw.value() for alias, raw in inputs.items()}
        outputs = self.handler.predict(values, name) if self.names_signature else self.handler.predict(values)
        if inspect.isawaitable(outputs):
            import asyncio

            async def awaited():
                return await outputs

            outputs = asyncio.run(awaited())
        if outputs is None:
            raise ServingError("internal", "the handler's predict gave None: it must return its outputs")
        return outputs if isinstance(outputs, dict) else {"outputs": outputs}

    def unload(self):
        if hasattr(self.handler, "unload"):
            self.handler.unload()


def takes(function, count):
    """Whether a function takes so many arguments by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = [each.kind for each in parameters]
    places = sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)
    return places >= count or inspect.Parameter.VAR_POSITIONAL in kinds


def flattened(result):
    """The tensors in what a module gives, each with its name or None."""
    if isinstance(result, dict) or hasattr(result, "to_tuple"):
        return [(key if name is None else name, value) for key, each in result.items() for name, value in flattened(each)]
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return [(key if name is None else name, value) for key, each in zip(result._fields, result) for name, value in flattened(each)]
    if isinstance(result, (list, tuple)):
        return [pair for each in result for pair in flattened(each)]
    return [] if result is None else [(None, result)]


def named_outputs(result, declared):
    """Tensors by name: of a lone one `output`, of others their key, or their place as in `output_0`."""
    pairs = flattened(result)
    if declared is not None and len(declared) == len(pairs):
        names = [each["name"] for each in declared]
        if set(names) != {name for name, _ in pairs}:
            return dict(zip(names, (value for _, value in pairs)))
    if len(pairs) == 1 and pairs[0][0] is None and not isinstance(result, (list, tuple)):
        return {"output": pairs[0][1]}
    return {"output_%d" % place if name is None else str(name): value for place, (name, value) in enumerate(pairs)}


SCALARS = {"int": "int64", "float": "float64", "bool": "bool"}
PASSING = {"view", "reshape", "flatten", "unsqueeze", "squeeze", "contiguous", "transpose", "permute", "slice", "select", "expand", "clone", "detach", "t"}


class TorchModel:
    """A module of torch's, whichever way it was made."""

    # Whether arguments may be given by their names.
    by_name = True

    def __init__(self, task):
        self.torch = import_library("torch", "%s is a model of PyTorch" % task.file)
        progress("imported torch " + self.torch.__version__)
        self.device = torch_device(self.torch, task.device)
        self.module = self.load(task)
        if hasattr(self.module, "eval"):
            try:
                self.module.eval()
            except NotImplementedError:
                pass
        if hasattr(self.module, "to"):
            self.module.to(self.device)
        found = self.found_signature()
        if task.declared is not None:
            alone = None
            self.signatures = [declared_signature(each["name"], each, alone) for each in task.declared]
            for each in self.signatures:
                if each["outputs"] is None:
                    each["outputs"] = found["outputs"]
        else:
            self.signatures = [found]
        self.arguments = {each["name"]: each for each in found["inputs"]}
        self.order = [each["name"] for each in found["inputs"]]

    def run(self, name, inputs, wanted):
        torch = self.torch
        chosen = next(each for each in self.signatures if each["name"] == name)
        places = [each["name"] for each in chosen["inputs"]]
        values = [self.argument(alias, inputs[alias]) if alias in inputs else None for alias in places]
        with torch.inference_mode() if hasattr(torch, "inference_mode") else torch.no_grad():
            if self.by_name and set(places) <= set(self.order):
                result = self.module(**{alias: value for alias, value in zip(places, values) if alias in inputs})
            else:
                result = self.module(*values)
        return named_outputs(result, chosen["outputs"])

    def argument(self, alias, raw):
        if self.arguments.get(alias, {}).get("scalar"):
            return raw.tensor(self.torch, None).item()
        return raw.tensor(self.torch, self.device)


class ScriptModel(TorchModel):
    """TorchScript. Data: what is in it are operations of torch's, not Python."""

    def load(self, task):
        return self.torch.jit.load(task.path(), map_location=self.device)

    def found_signature(self):
        schema = self.module.forward.schema
        graph = self.module.inlined_graph
        indices = index_arguments(graph)
        inputs = []
        for place, each in enumerate(schema.arguments[1:]):
            kind = each.type
            optional = each.has_default_value()
            if kind.kind() == "OptionalType":
                kind = kind.getElementType()
            text = str(kind)
            if text in SCALARS:
                inputs.append(info(each.name, SCALARS[text], [], optional=optional, scalar=True))
            elif kind.kind() == "TensorType":
                inputs.append(info(each.name, "int64" if place + 1 in indices else "float32", optional=optional))
            else:
                raise ServingError("unimplemented", 'argument "%s" of forward is a %s; tensors, int, float and bool can be given' % (each.name, text))
        outputs = script_outputs(next(graph.outputs()))
        if outputs is not None:
            lone = outputs == [(None, "float32")] and next(graph.outputs()).type().kind() != "TupleType"
            named = [("output" if lone else "output_%d" % place) if name is None else name for place, (name, _) in enumerate(outputs)]
            outputs = [info(name, dtype) for name, (_, dtype) in zip(named, outputs)]
        return signature("serving_default", inputs, outputs, alone="its shapes are not declared (signature.json)")


def script_outputs(value):
    """Names, or None, and types of what a graph gives; None where only a run tells."""
    kind = value.type().kind()
    node = value.node()
    if kind == "TensorType":
        return [(None, "float32")]
    if kind == "TupleType":
        if node.kind() == "prim::TupleConstruct":
            parts = [script_outputs(each) for each in node.inputs()]
            return None if any(part is None for part in parts) else [pair for part in parts for pair in part]
        elements = value.type().elements()
        return [(None, "float32")] * len(elements) if all(each.kind() == "TensorType" for each in elements) else None
    if kind == "DictType" and node.kind() == "prim::DictConstruct":
        parts = list(node.inputs())
        keys = [each.toIValue() if each.node().kind() == "prim::Constant" else None for each in parts[0::2]]
        if any(not isinstance(key, str) for key in keys) or any(each.type().kind() != "TensorType" for each in parts[1::2]):
            return None
        return [(key, "float32") for key in keys]
    text = str(value.type())
    return [(None, SCALARS[text])] if text in SCALARS else None


INDICES = {"aten::embedding": 1, "aten::embedding_bag": 1, "aten::one_hot": 0, "aten::index_select": 2, "aten::gather": 2}


def index_arguments(graph):
    """The places of a graph's inputs that are looked up in a table: whole numbers, whatever the file says."""
    origin = {each.debugName(): place for place, each in enumerate(graph.inputs())}
    found = set()

    def walk(block):
        for node in block.nodes():
            kind = node.kind()
            given = list(node.inputs())
            if kind in INDICES and len(given) > INDICES[kind]:
                place = origin.get(given[INDICES[kind]].debugName())
                if place is not None:
                    found.add(place)
            if kind.startswith("aten::") and kind[6:] in PASSING and given and given[0].debugName() in origin:
                origin[next(node.outputs()).debugName()] = origin[given[0].debugName()]
            for inner in node.blocks():
                walk(inner)
                for result, out in zip(inner.outputs(), node.outputs()):
                    if kind == "prim::If" and result.debugName() in origin:
                        origin[out.debugName()] = origin[result.debugName()]

    walk(graph)
    return found


class SavedModel(TorchModel):
    """What torch.save wrote: a whole module, or weights for a class in a Python file beside them."""

    def load(self, task):
        torch = self.torch
        sys.path.insert(0, task.folder)
        code = None
        if task.code is not None:
            code = import_file(os.path.join(task.folder, task.code), os.path.splitext(task.code)[0])
        saved = torch_load(torch, task.path(), self.device)
        if isinstance(saved, torch.nn.Module):
            return saved
        weights = weights_of(torch, saved)
        if weights is None:
            raise ServingError("invalid-argument", "%s holds a %s: neither a module of torch's nor its weights" % (task.file, type(saved).__name__))
        if code is None:
            raise ServingError(
                "failed-precondition",
                "%s holds weights only: put the Python file of their class beside it, as model.py with a class Model or a function build()" % task.file,
            )
        module = built(torch, code, weights, task)
        try:
            module.load_state_dict(weights)
        except RuntimeError as error:
            raise ServingError("invalid-argument", "%s does not fit %s of %s: %s" % (task.file, type(module).__name__, task.code, clean(error)))
        return module

    def found_signature(self):
        parameters = [
            each
            for each in inspect.signature(self.module.forward).parameters.values()
            if each.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        ]
        indices = traced_indices(self.torch, self.module)
        inputs = []
        for each in parameters:
            kind = getattr(each.annotation, "__name__", str(each.annotation))
            optional = each.default is not inspect.Parameter.empty
            if kind in SCALARS:
                inputs.append(info(each.name, SCALARS[kind], [], optional=optional, scalar=True))
            else:
                inputs.append(info(each.name, "int64" if each.name in indices else "float32", optional=optional))
        outputs = annotated_outputs(self.torch, self.module)
        return signature("serving_default", inputs, outputs, alone="its shapes are not declared (signature.json)")


def torch_load(torch, path, device):
    # Whoever allows code allows pickles, which newer releases have to be told of.
    try:
        return torch.load(path, map_location=device, weights_only=False)
    except TypeError:
        return torch.load(path, map_location=device)


def weights_of(torch, saved):
    """A state dict: itself, or in a checkpoint under one of the usual keys."""
    if not isinstance(saved, dict):
        return None
    if saved and all(isinstance(value, torch.Tensor) for value in saved.values()):
        return saved
    for key in ("state_dict", "model_state_dict", "model", "net", "weights"):
        if isinstance(saved.get(key), dict):
            return saved[key]
    return None


def built(torch, code, weights, task):
    """The module that weights are for: by build(), by the class Model, or by the class of the file that they fit."""
    if callable(getattr(code, "build", None)):
        return code.build()
    classes = own_classes(code, lambda each: issubclass(each, torch.nn.Module))
    named = getattr(code, "Model", None)
    if inspect.isclass(named):
        return named()
    made = []
    for each in classes:
        try:
            made.append(each())
        except TypeError:
            continue
    if len(classes) == 1 and len(made) == 1:
        return made[0]
    fitting = [each for each in made if set(each.state_dict()) == set(weights)]
    if len(fitting) == 1:
        return fitting[0]
    raise ServingError(
        "invalid-argument",
        "%s has %d classes that can be made without arguments, of which %d fit the weights in %s: name one Model, or add a function build()"
        % (task.code, len(made), len(fitting), task.file),
    )


def traced_indices(torch, module):
    """The arguments of a module that it looks up in tables, as far as tracing it without running it tells."""
    tracer = importlib.import_module("torch.fx").Tracer()
    try:
        tracer.trace(module)
    except Exception:  # Tracing is a guess about code that may do anything: what it saw until then counts.
        pass
    graph = getattr(tracer, "graph", None)
    if graph is None:
        return set()
    modules = dict(module.named_modules())
    tables = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    found = set()

    def note(node):
        while node.op == "call_method" and node.target in PASSING and node.args:
            node = node.args[0]
        if node.op == "placeholder":
            found.add(str(node.target))

    for node in graph.nodes:
        looks_up = node.op == "call_module" and isinstance(modules.get(node.target), tables)
        if looks_up and node.args and hasattr(node.args[0], "op"):
            note(node.args[0])
    return found


def annotated_outputs(torch, module):
    """Outputs by the annotation of forward; None where there is none that tells."""
    import typing

    try:
        kind = typing.get_type_hints(module.forward).get("return")
    except Exception:  # An annotation is an expression of the user's.
        return None
    if kind is torch.Tensor:
        return [info("output")]
    parts = getattr(kind, "__args__", ())
    if getattr(kind, "__origin__", None) is tuple and parts and all(each is torch.Tensor for each in parts):
        return [info("output_%d" % place) for place in range(len(parts))]
    return None


class ExportedModel(TorchModel):
    """A program of torch.export's."""

    by_name = False

    def load(self, task):
        if not hasattr(self.torch, "export"):
            raise ServingError("failed-precondition", "%s needs torch 2.1 or later, and this is %s" % (task.file, self.torch.__version__))
        self.program = self.torch.export.load(task.path())
        module = self.program.module()
        # An exported module refuses to be told that it is not training: it never is.
        module.eval = lambda: module
        return module

    def found_signature(self):
        nodes = {node.name: node for node in self.program.graph.nodes}
        given = self.program.graph_signature

        def typed(alias, name):
            value = nodes[name].meta.get("val")
            if not isinstance(value, self.torch.Tensor):
                return info(alias, SCALARS.get(type(value).__name__, "float32"), [])
            dtype = str(value.dtype).replace("torch.", "")
            shape = [size if isinstance(size, int) else -1 for size in value.shape]
            return info(alias, dtype if dtype in NUMBERS else "float32", shape)

        inputs = [typed(name, name) for name in given.user_inputs]
        names = list(given.user_outputs)
        aliases = exported_names(self.program, len(names))
        return signature("serving_default", inputs, [typed(alias, name) for alias, name in zip(aliases, names)], strict=True)


def exported_names(program, count):
    spec = program.call_spec.out_spec
    kind = getattr(spec, "type", None)
    if kind is dict and len(spec.context) == count:
        return [str(key) for key in spec.context]
    return ["output"] if kind is None and count == 1 else ["output_%d" % place for place in range(count)]


# What boosters answer besides, by the arguments of their predict.
BOOSTED = {
    "xgboost": {"margin": {"output_margin": True}, "leaf": {"pred_leaf": True}, "contribs": {"pred_contribs": True}},
    "lightgbm": {"raw_score": {"raw_score": True}, "leaf": {"pred_leaf": True}},
}
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples")


class PickledModel:
    """An estimator in a pickle: each of its methods is a signature."""

    def __init__(self, task):
        sys.path.insert(0, task.folder)
        self.model = unpickled(task.path())
        if isinstance(self.model, dict) and len(self.model) == 1:
            self.model = next(iter(self.model.values()))
        self.library = type(self.model).__module__.partition(".")[0]
        self.is_booster = type(self.model).__name__ == "Booster" and self.library in BOOSTED
        methods = ["predict"] if self.is_booster else [each for each in METHODS if has_method(self.model, each)]
        if "predict" in methods:
            # The scikit-learn class of XGBoost has others for the rest.
            methods += ["margin"] if self.library == "xgboost" and not self.is_booster else BOOSTED.get(self.library, {})
        if not methods:
            raise ServingError(
                "invalid-argument",
                "%s holds a %s, which has none of the methods %s" % (task.file, type(self.model).__name__, ", ".join(METHODS)),
            )
        self.columns, inputs = estimator_inputs(self.model)
        names = {"serving_default": methods[0]}
        names.update((each, each) for each in methods)
        self.methods = names
        self.signatures = [
            signature(name, inputs, [info(method, output_dtype(self.model, method))], rowwise=True)
            for name, method in names.items()
        ]

    def run(self, name, inputs, wanted):
        method = self.methods[name]
        rows = self.rows(inputs)
        if self.library == "xgboost" and self.is_booster:
            rows = importlib.import_module("xgboost").DMatrix(rows, feature_names=self.model.feature_names)
        argument = BOOSTED.get(self.library, {}).get(method)
        if argument is not None:
            return {method: self.model.predict(rows, **argument)}
        return {method: getattr(self.model, method)(rows)}

    def rows(self, inputs):
        if self.columns is None:
            return inputs["X"].value()
        if "X" in inputs:
            matrix = inputs["X"].value()
            pandas = optional_module("pandas")
            return matrix if pandas is None or matrix.ndim != 2 else pandas.DataFrame(matrix, columns=self.columns)
        pandas = import_library("pandas", "the model was fitted on a data frame")
        return pandas.DataFrame({alias: inputs[alias].value() if alias in inputs else None for alias in self.columns})


def has_method(model, name):
    # Some estimators have a method only when they were fitted for it: then the attribute is not there.
    try:
        return callable(getattr(model, name, None))
    except Exception:
        return False


def optional_module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def unpickled(path):
    joblib = optional_module("joblib")
    if joblib is not None:
        return joblib.load(path)
    import pickle

    with open(path, "rb") as file:
        try:
            return pickle.load(file)
        except pickle.UnpicklingError as error:
            raise ServingError("failed-precondition", "%s (a file that joblib wrote needs joblib)" % clean(error))


def estimator_inputs(model):
    """Names of a data frame's columns, or None; and the inputs."""
    numbers = dict(nullable=True)
    if texts_first(model):
        return None, [info("X", "string", [-1], nullable=True)]
    names = getattr(model, "feature_names_in_", None)
    texts = text_columns(model)
    if names is None and type(model).__module__.startswith("catboost"):
        names, texts = catboost_columns(model)
    if names is None:
        count = feature_count(model)
        dtype = "string" if texts else "float64"
        return None, [info("X", dtype, [-1, count if count is not None else -1], **numbers)]
    names = [str(name) for name in names]
    if not texts:
        return names, [info("X", "float64", [-1, len(names)], **numbers)]
    dropped = dropped_columns(model)
    inputs = []
    for place, name in enumerate(names):
        unused = name in dropped or place in dropped
        inputs.append(info(name, "string" if unused or name in texts or place in texts else "float64", [-1], optional=unused, **numbers))
    return names, inputs


def feature_count(model):
    for name in ("n_features_in_", "num_features", "num_feature", "n_features_"):
        found = getattr(model, name, None)
        try:
            count = found() if callable(found) else found
        except Exception:
            continue
        if count is not None:
            return int(count)
    return None


def first_step(model):
    steps = getattr(model, "steps", None)
    return first_step(steps[0][1]) if steps else model


def texts_first(model):
    step = first_step(model)
    return type(step).__module__.startswith("sklearn.feature_extraction.text") and type(step).__name__ != "TfidfTransformer"


def text_columns(model):
    """Names or places of the columns that hold texts, as far as fitted encoders tell."""
    found = set()
    step = first_step(model)
    for each in getattr(step, "transformers_", ()):
        if len(each) != 3 or isinstance(each[1], str):
            continue
        chosen = [each[2]] if isinstance(each[2], str) else list(each[2])
        inner = first_step(each[1])
        if texts_first(each[1]):
            found.update(chosen)
        for later in [inner] + [one for _, one in getattr(each[1], "steps", ())]:
            for column, categories in zip(chosen, getattr(later, "categories_", ())):
                if categories.dtype.kind in "OUS":
                    found.add(column)
    for place, categories in enumerate(getattr(step, "categories_", ())):
        if getattr(categories, "dtype", None) is not None and categories.dtype.kind in "OUS":
            found.add(place)
    return found


def dropped_columns(model):
    """Names or places of the columns that a model was fitted on and does not look at."""
    found = set()
    for each in getattr(first_step(model), "transformers_", ()):
        if len(each) == 3 and isinstance(each[1], str) and each[1] == "drop" and not isinstance(each[2], slice):
            found.update([each[2]] if isinstance(each[2], str) else list(each[2]))
    return found


def catboost_columns(model):
    names = [str(name) for name in model.feature_names_]
    return names, set(model.get_cat_feature_indices()) | set(model.get_text_feature_indices())


def output_dtype(model, method):
    if method != "predict":
        return "float64"
    classes = getattr(model, "classes_", None)
    dtype = getattr(classes, "dtype", None)
    if dtype is None:
        return "float64"
    return "string" if dtype.kind in "OUS" else dtype.name


# ---------------------------------------------------------------------------------------------------------------------------------------
# TorchServe archives


class ArchiveModel:
    """A .mar file: its handler gets requests the way TorchServe gives them."""

    def __new__(cls, task):
        manifest = unpacked(task)
        model = manifest.get("model", {})
        handler = str(model.get("handler") or "base_handler")
        name, _, function = handler.partition(":")
        stem = os.path.splitext(os.path.basename(name))[0]
        path = os.path.join(task.folder, os.path.basename(name) if name.endswith(".py") else stem + ".py")
        sys.path.insert(0, task.folder)
        if not os.path.isfile(path):
            return built_in(task, stem, manifest)
        offer_base_handler()
        return ArchiveHandler(task, manifest, import_file(path, stem), function)


def unpacked(task):
    """Unpacks an archive into the worker's own folder, which becomes the task's; gives its manifest."""
    folder = task.scratch
    try:
        os.makedirs(folder, exist_ok=True)
        with zipfile.ZipFile(task.path()) as archive:
            archive.extractall(folder)
        with open(os.path.join(folder, "MAR-INF", "MANIFEST.json"), encoding="utf-8") as file:
            manifest = json.load(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ServingError("data-loss", "%s cannot be unpacked: %s" % (task.file, clean(error)))
    task.folder = folder
    return manifest


def built_in(task, name, manifest):
    """TorchServe's own handlers: its base handler on tensors is what modelport does by itself; others are TorchServe's."""
    model = manifest["model"]
    task.file = model.get("serializedFile")
    if name in ("base_handler", "base"):
        if not task.file:
            raise ServingError("invalid-argument", "the archive names no serializedFile and no handler of its own")
        task.code = model.get("modelFile")
        kind = ScriptModel if task.code is None and is_script(task.path()) else SavedModel
        return kind(task)
    try:
        module = importlib.import_module("ts.torch_handler." + name)
    except ImportError as error:
        raise ServingError(
            "failed-precondition",
            "the archive's handler %s is TorchServe's own (%s): install torchserve and what it needs for the worker's interpreter, or archive a "
            "handler of your own" % (name, clean(error)),
        )
    return ArchiveHandler(task, manifest, module, "")


def is_script(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


class ArchiveContext:
    """The context that TorchServe gives handlers."""

    def __init__(self, task, manifest):
        gpu = None
        torch = optional_module("torch")
        if torch is not None:
            device = torch_device(torch, task.device)
            gpu = device.index if device.type == "cuda" else None
        self.manifest = manifest
        self.model_name = task.name
        self.model_yaml_config = {}
        self.system_properties = {
            "model_dir": task.folder,
            "gpu_id": gpu,
            "batch_size": None,
            "server_name": "modelport",
            "server_version": "1",
            "limit_max_image_pixels": True,
        }
        self.metrics = types.SimpleNamespace(
            add_time=ignore, add_counter=ignore, add_size=ignore, add_percent=ignore, add_error=ignore, add_metric=ignore
        )

    def get_request_id(self, place=0):
        return str(place)

    def get_all_request_header(self, place=0):
        return {}

    def get_request_header(self, place, key):
        return None

    def set_response_content_type(self, place, value):
        pass

    def set_response_status(self, *arguments, **more):
        pass

    def set_response_header(self, *arguments):
        pass


def ignore(*arguments, **more):
    return None


class ArchiveHandler:
    """A handler of TorchServe's form: `handle(data, context)`, or a class with initialize and handle."""

    def __init__(self, task, manifest, module, function):
        self.context = ArchiveContext(task, manifest)
        chosen = getattr(module, function or "handle", None)
        if callable(chosen):
            self.handle = chosen
            # TorchServe calls an entry function once without data, to let it load.
            chosen(None, self.context)
        else:
            classes = own_classes(module, lambda each: hasattr(each, "handle") or hasattr(each, "inference"))
            if not classes:
                raise ServingError("invalid-argument", "the archive's handler has neither a function handle nor a class with one")
            handler = classes[-1]()
            handler.context = self.context
            if hasattr(handler, "initialize"):
                handler.initialize(self.context)
            self.handle = handler.handle
        self.signatures = [signature("serving_default", [info("data", "string", [-1])], [info("output", "string", [-1])])]

    def run(self, name, inputs, wanted):
        rows = inputs["data"].texts()
        requests = [{"body": row.encode("utf-8") if isinstance(row, str) else bytearray(row or b"")} for row in rows]
        answers = self.handle(requests, self.context)
        if not isinstance(answers, (list, tuple)) or len(answers) != len(rows):
            got = "%d answers" % len(answers) if isinstance(answers, (list, tuple)) else type(answers).__name__
            raise ServingError("internal", "the handler must give a list with an answer for each of %d requests, and gave %s" % (len(rows), got))
        return {"output": [plain_text(answer) for answer in answers]}


def plain_text(answer):
    """An answer as TorchServe writes it: text and bytes as they are, all else as JSON."""
    if isinstance(answer, (str, bytes)):
        return answer
    if isinstance(answer, bytearray):
        return bytes(answer)
    return json.dumps(answer, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))


def offer_base_handler():
    """Handlers are made from TorchServe's BaseHandler: without TorchServe they get one that does what its documentation says."""
    if optional_module("ts") is not None:
        return
    package = types.ModuleType("ts")
    inner = types.ModuleType("ts.torch_handler")
    module = types.ModuleType("ts.torch_handler.base_handler")
    module.BaseHandler = BaseHandler
    package.__path__, inner.__path__ = [], []
    package.torch_handler, inner.base_handler = inner, module
    sys.modules.update({"ts": package, "ts.torch_handler": inner, "ts.torch_handler.base_handler": module})


class BaseHandler:
    """initialize, preprocess, inference, postprocess and handle, for handlers that override some of them."""

    def __init__(self):
        self.model = None
        self.mapping = None
        self.device = None
        self.initialized = False
        self.context = None
        self.manifest = None

    def initialize(self, context):
        torch = importlib.import_module("torch")
        properties = context.system_properties
        folder, gpu = properties["model_dir"], properties["gpu_id"]
        self.context, self.manifest = context, context.manifest
        self.device = torch.device("cpu" if gpu is None else "cuda:%d" % gpu)
        self.map_location = self.device.type
        model = self.manifest["model"]
        file = os.path.join(folder, model["serializedFile"]) if model.get("serializedFile") else None
        if model.get("modelFile"):
            self.model = self._load_pickled_model(folder, model["modelFile"], file)
        elif file is not None:
            self.model = self._load_torchscript_model(file)
        if self.model is not None:
            self.model.to(self.device)
            self.model.eval()
        mapping = os.path.join(folder, "index_to_name.json")
        if os.path.isfile(mapping):
            with open(mapping, encoding="utf-8") as opened:
                self.mapping = json.load(opened)
        self.initialized = True

    def _load_torchscript_model(self, file):
        return importlib.import_module("torch").jit.load(file, map_location=self.device)

    def _load_pickled_model(self, folder, code, file):
        torch = importlib.import_module("torch")
        module = import_file(os.path.join(folder, code), os.path.splitext(code)[0])
        classes = own_classes(module, lambda each: issubclass(each, torch.nn.Module))
        if len(classes) != 1:
            raise ValueError("%s must have one class of torch.nn.Module, and has %d" % (code, len(classes)))
        made = classes[0]()
        if file is not None:
            made.load_state_dict(torch_load(torch, file, self.device))
        return made

    def preprocess(self, data):
        return importlib.import_module("torch").as_tensor(data, device=self.device)

    def inference(self, data, *arguments, **more):
        torch = importlib.import_module("torch")
        with torch.no_grad():
            return self.model(data.to(self.device), *arguments, **more)

    def postprocess(self, data):
        return data.tolist()

    def handle(self, data, context):
        return self.postprocess(self.inference(self.preprocess(data)))


FORMS = {
    "handler": HandlerModel,
    "torchscript": ScriptModel,
    "torch-save": SavedModel,
    "exported": ExportedModel,
    "pickle": PickledModel,
    "archive": ArchiveModel,
}

# ---------------------------------------------------------------------------------------------------------------------------------------
# Frames of the serving threads

# body bytes, request, kind, flags, tensors, signature, buffer of the request's payload, buffer for the answer's, table bytes, wanted
HEADER = struct.Struct("<IIBBHIIIII")
TENSOR = struct.Struct("<HBBIQQ")
PREDICT, ANSWER, FAULT, BUFFER, CANCEL, READY = 1, 2, 3, 4, 6, 7
RECEIVED_AT_ONCE = 65536
# Longer answers are not put together in one piece before they are sent.
JOINED = 65536
CODES = {
    code: number
    for number, code in enumerate(
        "ok cancelled unknown invalid-argument deadline-exceeded not-found already-exists permission-denied resource-exhausted "
        "failed-precondition aborted out-of-range unimplemented internal unavailable data-loss unauthenticated".split()
    )
}


def aligned(size, to=ALIGNMENT):
    return -(-size // to) * to


class Request:
    __slots__ = ("connection", "number", "signature", "count", "buffer", "reply", "table", "wanted", "body", "cancelled")


class Connection:
    """A serving thread."""

    def __init__(self, opened):
        self.socket = opened
        self.received = bytearray(RECEIVED_AT_ONCE)
        self.view = memoryview(self.received)
        self.start = 0
        self.end = 0
        self.buffers = {}
        self.waiting = {}
        self.open = True

    def read(self, accept):
        """Takes what has come and calls `accept` with each frame's header and body; blocks only for the rest of a frame. False at the end."""
        if self.start == self.end:
            self.start = self.end = 0
        elif self.end == RECEIVED_AT_ONCE:
            rest = self.end - self.start
            self.view[:rest] = bytes(self.view[self.start:self.end])
            self.start, self.end = 0, rest
        got = self.socket.recv_into(self.view[self.end:])
        if got == 0:
            return False
        self.end += got
        while self.end - self.start >= HEADER.size:
            header = HEADER.unpack_from(self.received, self.start)
            size = header[0]
            begin = self.start + HEADER.size
            have = min(size, self.end - begin)
            body = bytearray(size)
            body[:have] = self.view[begin:begin + have]
            self.start = begin + have
            rest = memoryview(body)[have:]
            while len(rest) > 0:
                got = self.socket.recv_into(rest)
                if got == 0:
                    return False
                rest = rest[got:]
            accept(self, header, body)
        return True

    def send(self, pieces):
        size = sum(len(piece) for piece in pieces)
        if size <= JOINED:
            self.socket.sendall(b"".join(pieces))
        else:
            for piece in pieces:
                self.socket.sendall(piece)

    def close(self):
        self.open = False
        self.socket.close()
        self.buffers.clear()


class Worker:
    def __init__(self, control):
        self.control = control
        self.model = None
        self.task = None
        self.most_answer = 1 << 29
        self.running_since = None
        self.answered = 0
        self.requests = collections.deque()
        self.connections = {}
        self.listener = None
        self.poller = select.poll()
        self.poller.register(control.wake_read, select.POLLIN)
        self.is_fork = False
        os.register_at_fork(after_in_child=self.forked)

    def forked(self):
        """In a process that a model forked: the sockets stay with the worker, so that their ends are seen when it ends."""
        self.is_fork = True
        opened = [self.control.socket, self.listener] + [each.socket for each in list(self.connections.values())]
        for each in opened:
            try:
                if each is not None:
                    each.close()
            except OSError:
                pass

    # The control side's wishes, on the main thread

    def load(self, message):
        self.task = Task(message)
        self.control.scratch = self.task.scratch
        self.most_answer = message.get("mostAnswerBytes", self.most_answer)
        limit_memory(message.get("memoryLimitBytes"))
        progress("loading")
        try:
            self.model = FORMS[self.task.form](self.task)
        except BaseException as error:
            traceback.print_exc()
            code = getattr(error, "code", None)
            code = code if isinstance(error, ServingError) else "resource-exhausted" if is_memory_error(error) else "invalid-argument"
            what = clean(error) if isinstance(error, ServingError) else described(error)
            named = what if isinstance(error, ServingError) or self.task.file is None else "%s: %s" % (os.path.basename(message.get("file") or ""), what)
            self.control.tell(kind="failed", code=code, message=named)
            return
        self.names = [each["name"] for each in self.model.signatures]
        self.control.tell(kind="loaded", signatures=self.model.signatures)

    def serve(self, message):
        path = message["socket"]
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Nobody finds a socket there that does not listen yet.
        listener.bind(path + ".new")
        listener.listen(64)
        os.rename(path + ".new", path)
        self.control.socket_path = path
        self.listener = listener
        self.poller.register(listener.fileno(), select.POLLIN)
        self.control.tell(kind="serving")

    def unload(self, _message):
        try:
            if hasattr(self.model, "unload"):
                self.model.unload()
        except BaseException:
            traceback.print_exc()
        flush()
        os._exit(0)

    def run(self):
        while True:
            waits = 0 if self.requests else None
            for descriptor, _ in self.poller.poll(waits):
                if descriptor == self.control.wake_read:
                    os.read(descriptor, 4096)
                    self.obey()
                elif self.listener is not None and descriptor == self.listener.fileno():
                    opened, _ = self.listener.accept()
                    # Whatever a model has made the default.
                    opened.settimeout(None)
                    self.connections[opened.fileno()] = Connection(opened)
                    self.poller.register(opened.fileno(), select.POLLIN)
                else:
                    self.read(descriptor)
            if self.requests:
                request = self.requests.popleft()
                if request.connection.open and not request.cancelled:
                    self.perform(request)

    def obey(self):
        while True:
            try:
                message = self.control.wishes.get_nowait()
            except queue.Empty:
                return
            {"load": self.load, "serve": self.serve, "stop": self.unload}[message["kind"]](message)

    # Frames

    def read(self, descriptor):
        connection = self.connections[descriptor]
        try:
            if connection.read(self.accept):
                return
        except OSError:
            pass
        self.drop(connection, descriptor)

    def drop(self, connection, descriptor=None):
        if not connection.open:
            return
        descriptor = connection.socket.fileno() if descriptor is None else descriptor
        self.poller.unregister(descriptor)
        del self.connections[descriptor]
        connection.close()

    def accept(self, connection, header, body):
        _, number, kind, _, count, named, buffer, reply, table, wanted = header
        if kind == PREDICT:
            request = Request()
            request.connection, request.number, request.signature, request.count = connection, number, named, count
            request.buffer, request.reply, request.table, request.wanted, request.body = buffer, reply, table, wanted, body
            request.cancelled = False
            connection.waiting[number] = request
            self.requests.append(request)
        elif kind == BUFFER:
            self.answer(connection, [HEADER.pack(0, number, READY, 1 if open_buffer(connection, number, body) else 0, 0, 0, 0, 0, 0, 0)])
        elif kind == CANCEL:
            request = connection.waiting.pop(number, None)
            if request is not None:
                request.cancelled = True
                self.fault(connection, number, "cancelled", "the call was cancelled")

    def perform(self, request):
        connection = request.connection
        connection.waiting.pop(request.number, None)
        self.running_since = time.monotonic()
        try:
            pieces = self.outcome(request)
        except BaseException as error:
            if self.is_fork:
                leave_fork(error)
            code, message = self.verdict(error)
            self.fault(connection, request.number, code, message)
        else:
            if self.is_fork:
                leave_fork(None)
            self.answer(connection, pieces)
        finally:
            self.running_since = None
            self.answered += 1
            flush()

    def outcome(self, request):
        """The answer's frame, in pieces."""
        body, connection = request.body, request.connection
        payload = memoryview(body)[aligned(request.table):] if request.buffer == 0 else memoryview(connection.buffers[request.buffer])
        inputs = {}
        at = 0
        for _ in range(request.count):
            length, number, rank, _, offset, size = TENSOR.unpack_from(body, at)
            at += TENSOR.size
            dims = struct.unpack_from("<%dq" % rank, body, at)
            at += 8 * rank
            name = body[at:at + length].decode("utf-8")
            at = aligned(at + length, 8)
            if offset + size > len(payload):
                raise ServingError("internal", "a frame is cut off")
            inputs[name] = Raw(DTYPES[number][0], dims, payload[offset:offset + size])
        places = struct.unpack_from("<%dH" % request.wanted, body, at)
        chosen = self.model.signatures[request.signature]
        declared = chosen["outputs"]
        wanted = None if declared is None else [declared[place] for place in places]
        outputs = self.model.run(chosen["name"], inputs, wanted)
        if not isinstance(outputs, dict):
            raise ServingError("internal", "the model must give its outputs by name, and gave a %s" % type(outputs).__name__)
        outputs = {str(name): value for name, value in outputs.items()}
        if wanted is None:
            wanted = [dict(name=name, dtype=None) for name in outputs]
            if len(wanted) == 0:
                raise ServingError("internal", "the model gave no outputs")
        return self.pieces(request, outputs, wanted, chosen["strict"])

    def pieces(self, request, outputs, wanted, strict):
        table = []
        parts = []
        total = 0
        for each in wanted:
            name = each["name"]
            if name not in outputs:
                given = ", ".join(str(key) for key in outputs) or "none"
                raise ServingError("internal", 'the model gave no output "%s" (it gave %s)' % (name, given))
            number, dims, data = encoded(name, outputs[name], each["dtype"] if strict else None)
            if len(dims) > 255:
                raise ServingError("internal", 'output "%s" has %d dimensions' % (name, len(dims)))
            size = sum(len(piece) for piece in data)
            spelled = name.encode("utf-8")
            entry = TENSOR.pack(len(spelled), number, len(dims), 0, total, size) + struct.pack("<%dq" % len(dims), *dims) + spelled
            table.append(entry.ljust(aligned(len(entry), 8), b"\0"))
            parts.append((total, size, data))
            total = aligned(total + size)
            if total > self.most_answer:
                raise ServingError("resource-exhausted", "the answer has more than the %d bytes that a worker may send" % self.most_answer)
        head = b"".join(table)
        buffer = request.connection.buffers.get(request.reply) if request.reply else None
        if buffer is not None and total <= len(buffer):
            for offset, _, data in parts:
                for piece in data:
                    buffer[offset:offset + len(piece)] = piece
                    offset += len(piece)
            return [HEADER.pack(len(head), request.number, ANSWER, 0, len(parts), 0, request.reply, 0, len(head), 0), head]
        payload = []
        for place, (offset, size, data) in enumerate(parts):
            payload.extend(data)
            payload.append(b"\0" * (aligned(offset + size) - offset - size))
        begin = aligned(len(head))
        header = HEADER.pack(begin + total, request.number, ANSWER, 0, len(parts), 0, 0, 0, len(head), 0)
        return [header, head, b"\0" * (begin - len(head))] + payload

    def verdict(self, error):
        """What a client is told of an error; all of it goes to the log."""
        if isinstance(error, ServingError):
            return error.code, clean(error)
        print_stack()
        if is_memory_error(error):
            return "resource-exhausted", "the model ran out of memory"
        if isinstance(error, NotImplementedError):
            return "unimplemented", described(error)
        message = clean(error)
        if isinstance(self.model, (TorchModel, PickledModel)):
            of_request = isinstance(error, (ValueError, TypeError, IndexError, RuntimeError)) and "CUDA error" not in str(error)
            return ("invalid-argument", message) if of_request else ("internal", described(error))
        if isinstance(error, ValueError):
            return "invalid-argument", message or described(error)
        return "internal", "the handler raised " + described(error)

    def fault(self, connection, number, code, message):
        body = message.encode("utf-8", "replace")
        self.answer(connection, [HEADER.pack(len(body), number, FAULT, CODES[code], 0, 0, 0, 0, 0, 0), body])

    def answer(self, connection, pieces):
        if not connection.open:
            return
        try:
            connection.send(pieces)
        except OSError:
            self.drop(connection)


def leave_fork(error):
    """Ends a forked process that came back from the model: only the worker itself answers and goes on."""
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    else:
        code = 0 if error is None else 1
        if error is not None:
            print_stack()
    flush()
    os._exit(code & 255)


def print_stack():
    """The stack of the error being handled, where a model has left a place for it."""
    try:
        traceback.print_exc()
    except (AttributeError, OSError, ValueError):
        pass


def open_buffer(connection, number, body):
    """Maps a file of shared memory that the server made; false where that cannot be."""
    try:
        descriptor = os.open(bytes(body).decode("utf-8"), os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
        try:
            connection.buffers[number] = mmap.mmap(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)
        return True
    except (OSError, ValueError):
        return False


def is_memory_error(error):
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


def limit_memory(most):
    if most is None:
        return
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ImportError, ValueError, OSError) as error:
        raise SystemExit("the memory limit cannot be set: %s" % error)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


# ---------------------------------------------------------------------------------------------------------------------------------------
# The control side


class Control:
    """The socket of the process that started this one. When it is gone, so is this process with all that it started."""

    def __init__(self):
        self.socket = socket.socket(fileno=CONTROL_DESCRIPTOR)
        self.socket.setblocking(True)
        self.socket.set_inheritable(False)
        self.lock = threading.Lock()
        self.wishes = queue.Queue()
        self.wake_read, self.wake_write = os.pipe()
        self.socket_path = None
        self.scratch = None
        self.worker = None
        self.nothing = open(os.devnull, "w")

    def tell(self, **message):
        data = json.dumps(message).encode("utf-8")
        with self.lock:
            self.socket.sendall(struct.pack("<I", len(data)) + data)

    def listen(self):
        """Runs on a thread of its own."""
        while True:
            # Runs where no Python does: a library that never gives the interpreter back would outlive a server that was killed.
            faulthandler.dump_traceback_later(SILENCE_SECONDS, exit=True, file=self.nothing)
            try:
                message = json.loads(self.exactly(struct.unpack("<I", self.exactly(4))[0]).decode("utf-8"))
            except (OSError, EOFError) as error:
                self.end(is_gone(error))
            if message["kind"] == "ping":
                since = self.worker.running_since
                running = None if since is None else int((time.monotonic() - since) * 1000)
                try:
                    self.tell(kind="pong", number=message["number"], runningMs=running, answered=self.worker.answered)
                except OSError as error:
                    self.end(is_gone(error))
            else:
                self.wishes.put(message)
                os.write(self.wake_write, b"\0")

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def clean_up(self):
        """Takes away the files of a server that cannot do so any more."""
        if self.scratch is None:
            return
        shutil.rmtree(self.scratch, ignore_errors=True)
        # The last of the workers takes the folder of the sockets, which is empty then.
        for remove, path in ((os.unlink, self.socket_path), (os.rmdir, os.path.dirname(self.scratch))):
            try:
                if path is not None:
                    remove(path)
            except OSError:
                pass

    def end(self, server_is_gone):
        try:
            # A model may have closed this socket itself: then the server lives, and so do its files.
            if server_is_gone:
                self.clean_up()
            # This process leads a group of its own: what it has started goes with it.
            if os.getpgrp() == os.getpid():
                os.killpg(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)


def is_gone(error):
    """Whether an error of the control socket says that there is nobody at its other end."""
    return isinstance(error, (EOFError, ConnectionError))


control = None


def progress(step):
    if control is not None:
        control.tell(kind="progress", step=step)


def version_of(name):
    try:
        from importlib import metadata

        return metadata.version(name)
    except Exception:  # Not installed, or installed in a way that nobody can ask about.
        return None


def close_inherited():
    """Whatever the server had open by accident is closed: this process has its three streams and the control socket."""
    try:
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        descriptors = range(CONTROL_DESCRIPTOR + 1, 256)
    for descriptor in descriptors:
        if descriptor > CONTROL_DESCRIPTOR:
            try:
                os.close(descriptor)
            except OSError:
                pass


def be_first_to_go():
    """When the machine runs out of memory, a worker is started again; the server is not."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass


def main():
    global control
    close_inherited()
    be_first_to_go()
    os.umask(0o077)
    # A folder that is being served must not change because it is served.
    sys.dont_write_bytecode = True
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != os.path.dirname(os.path.abspath(__file__))]
    # Handlers may import what they raise and what they are told from here.
    sys.modules["modelport_worker"] = sys.modules["__main__"]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = Control()
    worker = Worker(control)
    control.worker = worker
    versions = {name: version_of(name) for name in ("torch", "numpy")}
    control.tell(kind="hello", protocol=PROTOCOL, pid=os.getpid(), python=platform.python_version(), **versions)
    threading.Thread(target=control.listen, daemon=True).start()
    try:
        worker.run()
    except BaseException:
        # What the model has started, such as threads, would keep a process that answers nobody.
        print_stack()
    flush()
    os._exit(1)


if __name__ == "__main__":
    main()
