"""Small graphs of one operator each, with random settings and shapes, answered by MXNet 1.9.1 (CPython 3.8, numpy < 1.20).

    python operators.py OUTDIR [--only REGEX]

Writes OUTDIR/NAME/{m-symbol.json,m-0001.params,m-signature.json,golden.json}; compare.mjs compares them with this server's answers.
"""
import itertools
import json
import os
import re
import sys
import warnings

os.environ["MXNET_SUBGRAPH_VERBOSE"] = "0"
import mxnet as mx
import numpy as np
from mxnet import nd, sym

warnings.filterwarnings("ignore")
OUT = sys.argv[1]
ONLY = re.compile(sys.argv[sys.argv.index("--only") + 1]) if "--only" in sys.argv else None
rng = np.random.RandomState(11)
counts = {}
failed = []


def num(value):
    value = value.item()
    if isinstance(value, float):
        if np.isnan(value):
            return "NaN"
        if np.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value


def tensor(array):
    data = [num(v) for v in array.ravel()]
    if array.dtype == np.float32:
        data = [v if isinstance(v, str) else float("%.9g" % v) for v in data]
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": data}


def uniform(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype("float32")


def ints(high, *shape, low=0):
    return rng.randint(low, high, shape).astype("float32")


def case(name, build, inputs, params=None, signature=True, later=None, dtype=None):
    """A model of `build(variables)`; `inputs` are the first call, `later` is another with another batch."""
    counts[name] = counts.get(name, 0) + 1
    full = "%s_%d" % (name, counts[name])
    if ONLY and not ONLY.search(full):
        return
    params = params or {}
    variables = {k: sym.Variable(k, dtype=None if dtype else v.dtype) for k, v in list(inputs.items()) + list(params.items())}
    try:
        if os.environ.get("TRACE"): print(full, flush=True)
        graph = build(variables)
        folder = os.path.join(OUT, full)
        entries = []
        for feed in [inputs] + ([later] if later else []):
            args = {k: nd.array(v, dtype=v.dtype) for k, v in list(feed.items()) + list(params.items())}
            wanted = graph.list_arguments()
            aux = {k: args[k] for k in graph.list_auxiliary_states()}
            executor = graph.bind(mx.cpu(), {k: args[k] for k in wanted}, aux_states=aux, grad_req="null")
            outputs = [o.asnumpy() for o in executor.forward(is_train=False)]
            entries.append({
                "signature": "serving_default",
                "inputs": {k: tensor(v.astype(dtype or v.dtype)) for k, v in feed.items()},
                "outputs": dict(zip(graph.list_outputs(), [tensor(o.astype(dtype or o.dtype)) for o in outputs])),
            })
    except Exception as error:  # noqa: BLE001
        failed.append("%s: %s" % (full, [line for line in str(error).split("\n") if line.strip()][-1][:200]))
        return
    os.makedirs(folder, exist_ok=True)
    graph.save(os.path.join(folder, "m-symbol.json"))
    aux_names = set(graph.list_auxiliary_states())
    arrays = {("aux:" if k in aux_names else "arg:") + k: nd.array(v, dtype=dtype or v.dtype) for k, v in params.items()}
    nd.save(os.path.join(folder, "m-0001.params"), arrays or {"arg:unused": nd.zeros((1,))})
    if signature:
        shapes = [{"data_name": k, "data_shape": [0] + list(v.shape)[1:]} for k, v in inputs.items()]
        with open(os.path.join(folder, "m-signature.json"), "w") as file:
            json.dump({"inputs": shapes}, file)
    with open(os.path.join(folder, "golden.json"), "w") as file:
        json.dump(entries, file)


def one(name, op, x, **settings):
    case(name, lambda v: op(v["data"], name="n", **settings), {"data": x})


def two(name, op, a, b, **settings):
    case(name, lambda v: op(v["a"], v["b"], name="n", **settings), {"a": a, "b": b})


def pick(*choices):
    return choices[rng.randint(len(choices))]


def elementwise():
    for op in ("abs sign negative ceil floor round rint trunc fix square exp expm1 sin cos tan arctan sinh cosh tanh arcsinh erf relu sigmoid "
               "softsign cbrt logical_not zeros_like ones_like degrees radians hard_sigmoid identity BlockGrad make_loss MakeLoss").split():
        one("unary_" + op, getattr(sym, op), uniform(2, 3, 4))
    one("unary_round", sym.round, np.array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4999]], "float32"))
    one("unary_rint", sym.rint, np.array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4999]], "float32"))
    for op in "sqrt rsqrt rcbrt log log1p log2 log10 reciprocal".split():
        one("positive_" + op, getattr(sym, op), uniform(2, 5, low=0.1, high=3))
    for op in "arcsin arccos arctanh".split():
        one("unit_" + op, getattr(sym, op), uniform(2, 5, low=-0.95, high=0.95))
    one("unary_arccosh", sym.arccosh, uniform(2, 5, low=1.1, high=4))
    for op in "add sub mul div maximum minimum hypot equal not_equal greater greater_equal lesser lesser_equal logical_and logical_or logical_xor mod power".split():
        f = getattr(sym, "broadcast_" + op)
        for sa, sb in (((2, 3, 4), (2, 3, 4)), ((2, 1, 4), (2, 3, 1)), ((2, 3), (1, 1))):
            a, b = uniform(*sa), uniform(*sb)
            if op == "power":
                a = np.abs(a) + 0.1
            if "equal" in op or op.startswith("logical"):
                a, b = np.round(a), np.round(b)
            two("broadcast_" + op, f, a, b)
    two("broadcast_mod", sym.broadcast_mod, ints(6, 2, 5, low=-6), ints(3, 2, 5, low=-3))
    for op in "elemwise_add elemwise_sub elemwise_mul elemwise_div".split():
        two(op, getattr(sym, op), uniform(2, 3), uniform(2, 3, low=0.5, high=2))
    x = uniform(2, 5)
    scalars = {
        "plus": lambda v: v + 1.5, "minus": lambda v: v - 1.5, "rminus": lambda v: 1.5 - v, "mul": lambda v: v * -2.25,
        "div": lambda v: v / 3.0, "rdiv": lambda v: 3.0 / v, "mod": lambda v: v % 0.7, "rmod": lambda v: 0.7 % v,
        "mod_negative": lambda v: v % -0.7, "rpower": lambda v: 2.5 ** v, "power": lambda v: v ** 2,
        "eq": lambda v: v == 1.5, "ne": lambda v: v != 1.5, "gt": lambda v: v > 0.5, "ge": lambda v: v >= 0.5,
        "lt": lambda v: v < 0.5, "le": lambda v: v <= 0.5,
        "max": lambda v: sym._internal._maximum_scalar(v, scalar=0.3), "min": lambda v: sym._internal._minimum_scalar(v, scalar=0.3),
        "hypot": lambda v: sym._internal._hypot_scalar(v, scalar=0.3),
        "and": lambda v: sym._internal._logical_and_scalar(v, scalar=1), "or": lambda v: sym._internal._logical_or_scalar(v, scalar=0),
        "xor": lambda v: sym._internal._logical_xor_scalar(v, scalar=1), "smooth_l1": lambda v: sym.smooth_l1(v, scalar=1.5),
    }
    for key, f in scalars.items():
        case("scalar_" + key, lambda v: f(v["data"]), {"data": x}, later={"data": uniform(4, 5)})
    for dtype in ("int32", "int64", "float64"):
        case("scalar_of_" + dtype, lambda v: (v["data"] + 2) * 3, {"data": ints(9, 2, 3).astype(dtype)})
    one("clip", sym.clip, uniform(2, 5), a_min=-0.5, a_max=0.75)
    case("add_n", lambda v: sym.add_n(v["a"], v["b"], v["c"]), {k: uniform(2, 3) for k in "abc"})
    for dtype in ("float16", "float64", "int32", "int64", "uint8", "int8", "bool"):
        one("cast_" + dtype, sym.Cast, np.abs(uniform(2, 5)) * 3, dtype=dtype)
    two("where", lambda a, b, name: sym.where(a > 0, b, b * 2), uniform(2, 3), uniform(2, 3))
    case("where_rows", lambda v: sym.where(v["c"], v["a"], v["b"]), {"c": ints(2, 4), "a": uniform(4, 3), "b": uniform(4, 3)})
    for kind in ("relu", "sigmoid", "softrelu", "softsign", "tanh"):
        one("Activation_" + kind, sym.Activation, uniform(2, 3, 4), act_type=kind)
    for kind in ("elu", "gelu", "leaky", "selu", "rrelu"):
        case("LeakyReLU_" + kind, lambda v: sym.LeakyReLU(v["data"], act_type=kind, slope=0.3, name="n")[0], {"data": uniform(2, 3, 4)})
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5)):
        for size in (3, 1):
            case("LeakyReLU_prelu", lambda v: sym.LeakyReLU(v["data"], v["gamma"], act_type="prelu"),
                 {"data": uniform(*shape)}, {"gamma": uniform(size)})


def layers():
    for _ in range(30):
        dims = pick(1, 2, 2, 2, 3)
        group = pick(1, 1, 2)
        channels, filters = 2 * group, 2 * group * pick(1, 2)
        kernel = tuple(int(rng.randint(1, 4)) for _ in range(dims))
        settings = dict(kernel=kernel, num_filter=filters, num_group=group, no_bias=bool(pick(0, 1)),
                        stride=tuple(int(rng.randint(1, 3)) for _ in range(dims)), pad=tuple(int(rng.randint(0, 3)) for _ in range(dims)))
        x = uniform(2, channels, *[int(rng.randint(6, 10)) for _ in range(dims)])
        convolution = dict(settings, dilate=tuple(int(rng.randint(1, 3)) for _ in range(dims)))
        params = {"w": uniform(filters, channels // group, *kernel), "b": uniform(filters)}
        def conv(v, s=convolution):
            return sym.Convolution(v["data"], v["w"], name="n", **s) if s["no_bias"] else sym.Convolution(v["data"], v["w"], v["b"], name="n", **s)
        case("Convolution", conv, {"data": x}, params, signature=bool(pick(0, 1)), later={"data": np.concatenate([x, x, x])})
        if dims > 2:
            continue
        stride = settings["stride"]
        settings["pad"] = tuple(min(p, k - 1) for p, k in zip(settings["pad"], kernel))
        settings["adj"] = tuple(int(rng.randint(0, s)) for s in stride)
        params = {"w": uniform(channels, filters // group, *kernel), "b": uniform(filters)}
        def deconv(v, s=settings):
            return sym.Deconvolution(v["data"], v["w"], name="n", **s) if s["no_bias"] else sym.Deconvolution(v["data"], v["w"], v["b"], name="n", **s)
        case("Deconvolution", deconv, {"data": x}, params)
    case("Deconvolution_default_bias", lambda v: sym.Deconvolution(v["data"], v["w"], kernel=(2, 2), num_filter=3),
         {"data": uniform(1, 2, 4, 4)}, {"w": uniform(2, 3, 2, 2)})
    for target in ((12, 13), (11, 12), (9, 10)):
        case("Deconvolution_target", lambda v: sym.Deconvolution(v["data"], v["w"], kernel=(4, 4), stride=(2, 2), num_filter=3, target_shape=target),
             {"data": uniform(1, 2, 5, 6)}, {"w": uniform(2, 3, 4, 4)})
    for flatten, no_bias in itertools.product((True, False), repeat=2):
        for shape in ((3, 6), (2, 3, 6)):
            width = 18 if flatten and len(shape) == 3 else 6
            def fc(v):
                return sym.FullyConnected(v["data"], v["w"], *([] if no_bias else [v["b"]]), num_hidden=4, no_bias=no_bias, flatten=flatten, name="n")
            case("FullyConnected", fc, {"data": uniform(*shape)}, {"w": uniform(4, width), "b": uniform(4)})
    for scale in (2, 3):
        case("UpSampling_nearest", lambda v: sym.UpSampling(v["data"], scale=scale, sample_type="nearest", num_args=1), {"data": uniform(1, 2, 3, 4)})
        kernel = 2 * scale - scale % 2
        case("UpSampling_bilinear", lambda v: sym.UpSampling(v["data"], v["w"], scale=scale, sample_type="bilinear", num_filter=2, num_args=2),
             {"data": uniform(1, 2, 3, 4)}, {"w": uniform(2, 1, kernel, kernel)})
    case("Embedding", lambda v: sym.Embedding(v["data"], v["w"], input_dim=7, output_dim=4, name="n"),
         {"data": np.array([[0, 6, 3], [9, -2, 1]], "float32")}, {"w": uniform(7, 4)})


def pooling():
    for _ in range(70):
        dims = pick(1, 2, 2, 2, 3)
        kernel = tuple(int(rng.randint(1, 5)) for _ in range(dims))
        settings = dict(kernel=kernel, pool_type=pick("max", "avg", "sum", "lp"), pooling_convention=pick("valid", "full"),
                        stride=tuple(int(rng.randint(1, 4)) for _ in range(dims)),
                        pad=tuple(int(rng.randint(0, max(1, k))) for k in kernel), count_include_pad=bool(pick(0, 1)))
        if settings["pool_type"] == "lp":
            settings["p_value"] = pick(1, 2, 3)
        x = uniform(2, 3, *[int(rng.randint(5, 10)) for _ in range(dims)])
        case("Pooling", lambda v: sym.Pooling(v["data"], name="n", **settings), {"data": x}, signature=bool(pick(0, 1)))
    for kind in ("max", "avg", "sum", "lp"):
        for shape in ((2, 3, 5, 6), (2, 3, 7)):
            extra = {"p_value": 2} if kind == "lp" else {}
            case("Pooling_global", lambda v: sym.Pooling(v["data"], kernel=(2,) * (len(shape) - 2), global_pool=True, pool_type=kind, name="n", **extra),
                 {"data": uniform(*shape)})
    for _ in range(24):
        kernel = (int(rng.randint(2, 4)),) * 2
        settings = dict(kernel=kernel, pool_type=pick("max", "avg", "sum"), pooling_convention=pick("valid", "full"), stride=(pick(1, 2), pick(1, 2)), pad=(pick(0, 1),) * 2)
        case("Pooling_v1", lambda v: sym.Pooling_v1(v["data"], name="n", **settings), {"data": uniform(2, 2, int(rng.randint(5, 9)), 7)})
    for kind, counted in (("max", True), ("avg", True), ("avg", False)):
        case("Pad_then_pooling", lambda v: sym.Pooling(sym.Pad(v["data"], mode="constant", pad_width=(0, 0, 0, 0, 1, 1, 1, 1)), kernel=(3, 3), pool_type=kind, count_include_pad=counted),
             {"data": uniform(1, 2, 6, 6, low=-3, high=-1)})
    for size in ((1, 1), (2, 3), (3, 3), (7, 5)):
        case("AdaptiveAvgPooling2D", lambda v: sym.contrib.AdaptiveAvgPooling2D(v["data"], output_size=size), {"data": uniform(1, 2, 7, 6)})


def normalization():
    for axis, fix, shape in itertools.product((1, -1, 3, 2), (True, False), ((2, 3, 4, 3), (2, 3))):
        if len(shape) == 2 and axis > 1:
            continue
        size = shape[axis]
        params = {"g": uniform(size), "b": uniform(size), "mean": uniform(size), "var": uniform(size, low=0.5, high=2)}
        case("BatchNorm", lambda v: sym.BatchNorm(v["data"], v["g"], v["b"], v["mean"], v["var"], axis=axis, fix_gamma=fix, eps=pick(1e-3, 2e-5), name="n"),
             {"data": uniform(*shape)}, params)
    for axis in (-1, 1, 2):
        size = (2, 3, 4)[axis]
        case("LayerNorm", lambda v: sym.LayerNorm(v["data"], v["g"], v["b"], axis=axis, name="n"), {"data": uniform(2, 3, 4)}, {"g": uniform(size), "b": uniform(size)})
    for shape in ((2, 4, 5), (2, 4, 3, 5)):
        params = {"g": uniform(4), "b": uniform(4)}
        case("InstanceNorm", lambda v: sym.InstanceNorm(v["data"], v["g"], v["b"], name="n"), {"data": uniform(*shape)}, params)
        for groups in (1, 2, 4):
            case("GroupNorm", lambda v: sym.GroupNorm(v["data"], v["g"], v["b"], num_groups=groups, name="n"), {"data": uniform(*shape)}, {"g": uniform(groups), "b": uniform(groups)})
    for mode, shape in itertools.product(("instance", "channel", "spatial"), ((2, 3, 4, 5), (2, 3, 4))):
        one("L2Normalization", sym.L2Normalization, uniform(*shape), mode=mode)
    one("L2Normalization", sym.L2Normalization, uniform(3, 4))
    for size in (3, 5):
        one("LRN", sym.LRN, uniform(2, 6, 3, 3), nsize=size, alpha=0.01, beta=0.6, knorm=1.5)
    for axis in (-1, 1, 0):
        for op in ("softmax", "log_softmax", "softmin"):
            one(op, getattr(sym, op), uniform(2, 3, 4), axis=axis)
            one(op + "_temperature", getattr(sym, op), uniform(2, 3, 4), axis=axis, temperature=1.7)
    case("softmax_length", lambda v: sym.softmax(v["a"], v["b"], axis=-1, use_length=True), {"a": uniform(3, 5), "b": np.array([2, 5, 3], "int32")})
    case("softmax_length", lambda v: sym.softmax(v["a"], v["b"], axis=1, use_length=True), {"a": uniform(2, 4, 3), "b": np.array([[1, 2, 3], [4, 3, 2]], "int32")})
    for shape in ((3, 4), (2, 3, 4), (2, 3, 4, 2)):
        one("SoftmaxActivation", sym.SoftmaxActivation, uniform(*shape))
        for settings in ({}, {"multi_output": True}, {"preserve_shape": True}):
            if settings.get("multi_output") and len(shape) == 2:
                continue
            label = shape[:1] if not settings else (shape[:-1] if settings.get("preserve_shape") else shape[:1] + shape[2:])
            case("SoftmaxOutput", lambda v: sym.SoftmaxOutput(v["data"], v["label"], name="softmax", **settings), {"data": uniform(*shape)}, {"label": np.zeros(label, "float32")})
    one("SoftmaxActivation_channel", sym.SoftmaxActivation, uniform(2, 3, 4, 2), mode="channel")
    for op in ("LinearRegressionOutput", "MAERegressionOutput", "LogisticRegressionOutput"):
        case(op, lambda v: getattr(sym, op)(v["data"], v["label"], name="n"), {"data": uniform(3, 2)}, {"label": np.zeros((3, 2), "float32")})


def shapes():
    x = uniform(2, 3, 4, 5)
    for code in ((0, -1), (-1, 0), (0, 0, -1), (-2,), (0, -3, -1), (-3, -3), (2, -2), (-2, 1, 1), (-3, -2), (0, -4, 1, 3, -2), (0, 0, -4, -1, 2, 0),
                 (-4, 1, 2, -2), (6, 20), (0, -4, 3, -1, 0, 0), (-1,), (-3, 0, 0), (0, 0, -3), (-1, 5)):
        one("Reshape", sym.Reshape, x, shape=code)
    for code in ((-1, 0), (-1, 0, 0), (-2, -3), (0, 0, -3), (-1, -4, 2, 2, 0), (0, 0, 0, 0), (3, -1, 5)):
        one("Reshape_reverse", sym.Reshape, x, shape=code, reverse=True)
    two("reshape_like", sym.reshape_like, uniform(2, 6), uniform(2, 3, 2))
    two("reshape_like_part", sym.reshape_like, uniform(2, 12, 3), uniform(5, 3, 4), lhs_begin=1, lhs_end=2, rhs_begin=1, rhs_end=3)
    one("Flatten", sym.Flatten, x)
    one("transpose", sym.transpose, x)
    one("transpose", sym.transpose, x, axes=(0, 2, 3, 1))
    one("SwapAxis", sym.SwapAxis, x, dim1=1, dim2=3)
    for axis in (0, 1, -1):
        one("expand_dims", sym.expand_dims, x, axis=axis)
        case("stack", lambda v: sym.stack(v["a"], v["b"], axis=axis), {"a": uniform(2, 3), "b": uniform(2, 3)})
    one("squeeze", sym.squeeze, uniform(2, 1, 3, 1))
    one("squeeze", sym.squeeze, uniform(2, 1, 3, 1), axis=1)
    one("squeeze", sym.squeeze, uniform(2, 1, 3, 1), axis=(1, 3))
    for dim in (1, 0, -1, 2):
        case("Concat", lambda v: sym.Concat(v["a"], v["b"], dim=dim), {"a": uniform(2, 3, 4), "b": uniform(2, 3, 4)})
    for axis, count, squeeze in ((1, 3, False), (1, 3, True), (2, 2, False), (-1, 5, True), (3, 1, False)):
        case("SliceChannel", lambda v: sym.SliceChannel(v["data"], num_outputs=count, axis=axis, squeeze_axis=squeeze, name="n"), {"data": x})
    for kind in ((1, 2), 2, 3, (2,)):
        case("split_v2", lambda v: sym.split_v2(v["data"], kind, axis=1, squeeze_axis=False), {"data": uniform(2, 6, 2)})
    for begin, end, step in (((0, 1), (2, 3), ()), ((None, 1, None), (None, None, -1), ()), ((0, 2, 3), (None, 0, 0), (1, -1, -2)), ((None, None), (None, None), (-1, -1)),
                             ((1,), (2,), ()), ((None, -2), (None, None), (None, 1))):
        one("slice", sym.slice, x, begin=begin, end=end, **({"step": step} if step else {}))
    for axis, begin, end in ((1, 0, 2), (-1, 1, None), (2, -3, -1), (3, 0, 4)):
        one("slice_axis", sym.slice_axis, x, axis=axis, begin=begin, end=end)
    two("slice_like", sym.slice_like, x, uniform(2, 2, 3, 4))
    two("slice_like_axes", sym.slice_like, x, uniform(9, 9, 3, 4), axes=(2, -1))
    case("Crop_like", lambda v: sym.Crop(v["a"], v["b"], num_args=2, offset=(1, 2)), {"a": uniform(1, 2, 8, 9), "b": uniform(1, 1, 4, 5)})
    case("Crop_center", lambda v: sym.Crop(v["a"], v["b"], num_args=2, center_crop=True), {"a": uniform(1, 2, 8, 9), "b": uniform(1, 1, 5, 4)})
    case("Crop_size", lambda v: sym.Crop(v["a"], num_args=1, h_w=(3, 4), offset=(2, 1)), {"a": uniform(1, 2, 8, 9)})
    for reps in ((2,), (2, 1, 3), (2, 2, 1, 1, 2), (1, 2)):
        one("tile", sym.tile, uniform(2, 3, 2), reps=reps)
    for axis in (None, 0, 1, -1):
        one("repeat", sym.repeat, uniform(2, 3, 2), repeats=2, **({} if axis is None else {"axis": axis}))
    for mode in ("constant", "edge", "reflect"):
        one("Pad", sym.Pad, x, mode=mode, pad_width=(0, 0, 0, 0, 1, 2, 2, 1), **({"constant_value": 1.5} if mode == "constant" else {}))
    one("broadcast_to", sym.broadcast_to, uniform(2, 1, 3), shape=(0, 4, 0))
    one("broadcast_axis", sym.broadcast_axis, uniform(2, 1, 3, 1), axis=(1, 3), size=(2, 4))
    two("broadcast_like", sym.broadcast_like, uniform(2, 1, 3), uniform(2, 4, 3))
    two("broadcast_like_axes", sym.broadcast_like, uniform(2, 1, 3), uniform(7, 4), lhs_axes=(1,), rhs_axes=(1,))
    one("reverse", sym.reverse, x, axis=1)
    one("reverse", sym.reverse, x, axis=(0, -1))
    one("depth_to_space", sym.depth_to_space, uniform(1, 8, 2, 3), block_size=2)
    one("space_to_depth", sym.space_to_depth, uniform(1, 2, 4, 6), block_size=2)
    one("shape_array", sym.shape_array, x)
    one("size_array", sym.size_array, x)


def indexing():
    for mode, axis in itertools.product(("clip", "wrap"), (0, 1, -1)):
        two("take", sym.take, uniform(4, 5, 3), np.array([[0, 2, -1], [7, 1, -9]], "float32"), mode=mode, axis=axis)
    for keepdims, axis in itertools.product((True, False), (-1, 1, 0)):
        shape = list((3, 4, 5))
        del shape[axis]
        two("pick", sym.pick, uniform(3, 4, 5), ints(3, *shape), axis=axis, keepdims=keepdims)
        two("pick_wrap", sym.pick, uniform(3, 4, 5), ints(9, *shape, low=-9), axis=axis, keepdims=keepdims, mode="wrap")
    two("batch_take", sym.batch_take, uniform(3, 4), np.array([1, 3, 0], "int32"))
    for dtype in ("float32", "int32"):
        one("one_hot", sym.one_hot, np.array([[0, 2], [5, -1]], "float32"), depth=4, dtype=dtype)
    one("one_hot_values", sym.one_hot, ints(4, 3), depth=4, on_value=2.5, off_value=-1)
    two("gather_nd", sym.gather_nd, uniform(3, 4, 5), np.array([[0, 1, 2], [3, 0, 1]], "float32"))
    two("gather_nd", sym.gather_nd, uniform(3, 4, 5), np.array([[[0, 1], [2, 2]], [[3, 0], [1, 1]], [[0, 4], [2, 1]]], "float32"))


def reductions():
    x = uniform(2, 3, 4)
    for op in "sum mean max min prod nansum nanprod".split():
        for settings in ({}, {"axis": 1}, {"axis": (0, 2)}, {"axis": -1, "keepdims": True}, {"axis": 1, "exclude": True}, {"keepdims": True}, {"axis": (0, 1, 2)}):
            y = x.copy()
            if op.startswith("nan"):
                y[0, 1, 2] = np.nan
            one(op, getattr(sym, op), y, **settings)
    for order, settings in itertools.product((1, 2), ({}, {"axis": 1}, {"axis": (0, 2), "keepdims": True})):
        one("norm", sym.norm, x, ord=order, **settings)
    for op in ("argmax", "argmin"):
        for settings in ({}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": 0}, {"keepdims": True}):
            one(op, getattr(sym, op), x, **settings)
    one("argmax_channel", sym.argmax_channel, uniform(3, 5))
    one("argmax", sym.argmax, uniform(5), axis=0)
    for settings in ({}, {"k": 3}, {"k": 2, "axis": 1, "is_ascend": True}, {"k": 2, "ret_typ": "value"}, {"k": 2, "ret_typ": "both", "dtype": "int32"}, {"k": 3, "axis": None},
                     {"k": 0, "ret_typ": "value"}, {"k": 2, "axis": 0, "ret_typ": "both"}):
        one("topk", sym.topk, x, **settings)
    for settings in ({}, {"axis": 1}, {"is_ascend": False}, {"axis": None}):
        one("sort", sym.sort, x, **settings)
        one("argsort", sym.argsort, x, **settings)
    for axis in (None, 0, 2):
        one("cumsum", sym.cumsum, x, **({} if axis is None else {"axis": axis}))
    case("moments", lambda v: sym.Group(list(sym.moments(v["data"], axes=(0, 2)))), {"data": x})


def linear():
    for ta, tb in itertools.product((False, True), repeat=2):
        a, b = uniform(*((4, 3) if ta else (3, 4))), uniform(*((5, 4) if tb else (4, 5)))
        two("dot", sym.dot, a, b, transpose_a=ta, transpose_b=tb)
        a, b = uniform(2, *((4, 3) if ta else (3, 4))), uniform(2, *((5, 4) if tb else (4, 5)))
        two("batch_dot", sym.batch_dot, a, b, transpose_a=ta, transpose_b=tb)
        two("linalg_gemm2", sym.linalg.gemm2, a, b, transpose_a=ta, transpose_b=tb, alpha=1.5)
    two("dot_vectors", sym.dot, uniform(4), uniform(4))
    two("dot_matrix_vector", sym.dot, uniform(3, 4), uniform(4))
    two("dot_3d", sym.dot, uniform(2, 3, 4), uniform(4, 5))
    two("dot_3d_3d", sym.dot, uniform(2, 3, 4), uniform(4, 2, 3))
    case("linalg_gemm", lambda v: sym.linalg.gemm(v["a"], v["b"], v["c"], alpha=2.0, beta=0.5), {"a": uniform(2, 3, 4), "b": uniform(2, 4, 5), "c": uniform(2, 3, 5)})
    one("div_sqrt_dim", sym.contrib.div_sqrt_dim, uniform(2, 3, 5))
    heads, width, time, batch = 2, 3, 4, 2
    x = uniform(time, batch, heads * width * 3)
    case("selfatt_qk", lambda v: sym.contrib.interleaved_matmul_selfatt_qk(v["data"], heads=heads), {"data": x})
    two("selfatt_valatt", lambda a, b, name: sym.contrib.interleaved_matmul_selfatt_valatt(a, b, heads=heads), x, uniform(batch * heads, time, time))
    q, kv = uniform(time, batch, heads * width), uniform(5, batch, heads * width * 2)
    two("encdec_qk", lambda a, b, name: sym.contrib.interleaved_matmul_encdec_qk(a, b, heads=heads), q, kv)
    two("encdec_valatt", lambda a, b, name: sym.contrib.interleaved_matmul_encdec_valatt(a, b, heads=heads), kv, uniform(batch * heads, time, 5))


def creation():
    x = uniform(2, 3)
    case("arange", lambda v: sym.broadcast_add(v["data"], sym.arange(0, 3)), {"data": x})
    case("arange", lambda v: sym.broadcast_add(v["data"], sym.arange(1, 7, step=2)), {"data": x})
    case("arange_repeat", lambda v: sym.broadcast_add(v["data"], sym.arange(0, 2, repeat=3, step=1)), {"data": uniform(2, 6)})
    case("zeros_ones_full", lambda v: v["data"] + sym.zeros((2, 3)) + sym.ones((2, 3)) * sym.full((2, 3), 2.5), {"data": x})
    case("eye", lambda v: sym.dot(v["data"], sym.eye(3)), {"data": x})
    for axis in (None, 0, -1):
        case("arange_like", lambda v: sym.contrib.arange_like(v["data"], start=1, step=0.5, **({} if axis is None else {"axis": axis})), {"data": x})


def sequences():
    lengths = np.array([2, 4, 1], "float32")
    for axis in (0, 1):
        x = uniform(*((4, 3, 2) if axis == 0 else (3, 4, 2)))
        two("SequenceMask", sym.SequenceMask, x, lengths, use_sequence_length=True, value=-1.5, axis=axis)
        two("SequenceLast", sym.SequenceLast, x, lengths, use_sequence_length=True, axis=axis)
        one("SequenceLast_all", sym.SequenceLast, x, axis=axis)
    two("SequenceReverse", sym.SequenceReverse, uniform(4, 3, 2), lengths, use_sequence_length=True)
    one("SequenceReverse_all", sym.SequenceReverse, uniform(4, 3, 2))


def recurrent():
    gates = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
    for mode, bidirectional, layer_count in itertools.product(gates, (False, True), (1, 2, 3)):
        g, d, h, width = gates[mode], 2 if bidirectional else 1, 3, 4
        count = 0
        for layer in range(layer_count):
            count += d * g * h * ((width if layer == 0 else d * h) + h + 2)
        states = bool(pick(0, 1))
        feed = {"data": uniform(5, 2, width), "state": uniform(layer_count * d, 2, h)}
        if mode == "lstm":
            feed["cell"] = uniform(layer_count * d, 2, h)
        def build(v):
            more = {"state_cell": v["cell"]} if mode == "lstm" else {}
            return sym.RNN(data=v["data"], parameters=v["p"], state=v["state"], state_size=h, num_layers=layer_count, bidirectional=bidirectional, mode=mode,
                           state_outputs=states, name="n", **more)
        case("RNN_" + mode, build, feed, {"p": uniform(count) * 0.5}, signature=False)


def vision():
    rois = np.array([[0, 0, 0, 7, 7], [1, 2.4, 3.6, 6, 5], [0, 1, 1, 15, 14], [1, 0, 0, 1, 1]], "float32")
    x = uniform(2, 3, 8, 8)
    for scale in (1.0, 0.5, 0.0625):
        case("ROIPooling", lambda v: sym.ROIPooling(v["data"], v["rois"], pooled_size=(2, 3), spatial_scale=scale), {"data": x, "rois": rois}, signature=False)
        for ratio in (-1, 2):
            case("ROIAlign", lambda v: sym.contrib.ROIAlign(v["data"], v["rois"], pooled_size=(2, 3), spatial_scale=scale, sample_ratio=ratio), {"data": x, "rois": rois}, signature=False)
            case("ROIAlign_aligned", lambda v: sym.contrib.ROIAlign(v["data"], v["rois"], pooled_size=(2, 3), spatial_scale=scale, sample_ratio=ratio, aligned=True), {"data": x, "rois": rois}, signature=False)
    for size in ((16, 16), (5, 9), (8, 3)):
        for aligned in (True, False):
            case("BilinearResize2D", lambda v: sym.contrib.BilinearResize2D(v["data"], height=size[0], width=size[1], align_corners=aligned), {"data": x})
    case("BilinearResize2D_scale", lambda v: sym.contrib.BilinearResize2D(v["data"], scale_height=2, scale_width=1.5), {"data": x})
    two("BilinearSampler", sym.BilinearSampler, x, uniform(2, 2, 4, 5, low=-1.3, high=1.3))
    one("GridGenerator", sym.GridGenerator, uniform(2, 6), transform_type="affine", target_shape=(4, 5))
    two("SpatialTransformer", sym.SpatialTransformer, x, uniform(2, 6, low=-0.8, high=0.8), transform_type="affine", sampler_type="bilinear", target_shape=(4, 5))
    for settings in ({}, {"sizes": (0.5, 0.25), "ratios": (1, 2, 0.5)}, {"sizes": (0.9,), "clip": True, "ratios": (2, 3)}, {"steps": (0.1, 0.2), "offsets": (0.2, 0.4), "sizes": (0.3, 0.4)}):
        case("MultiBoxPrior", lambda v: sym.contrib.MultiBoxPrior(v["data"], **settings), {"data": uniform(1, 2, 3, 5)})


def halves():
    """MXNet multiplies 16-bit matrices on GPUs only: the same numbers as 32-bit floats are near enough."""
    def half(name, build, inputs, params):
        params = {k: v.astype("float16").astype("float32") for k, v in params.items()}
        inputs = {k: v.astype("float16").astype("float32") for k, v in inputs.items()}
        case(name, build, inputs, params, signature=False, dtype="float16")

    half("float16_convolution", lambda v: sym.BatchNorm(sym.Convolution(v["data"], v["w"], v["b"], kernel=(3, 3), num_filter=4, name="n"), v["g"], v["be"], v["m"], v["va"], fix_gamma=False),
         {"data": uniform(1, 3, 6, 6)}, {"w": uniform(4, 3, 3, 3) * 0.3, "b": uniform(4), "g": uniform(4), "be": uniform(4), "m": uniform(4), "va": uniform(4, low=0.5, high=1)})
    half("float16_dense", lambda v: sym.softmax(sym.FullyConnected(v["data"], v["w"], v["b"], num_hidden=3) * 0.5 + 1), {"data": uniform(2, 4)}, {"w": uniform(3, 4), "b": uniform(3)})
    case("float64_dense", lambda v: sym.FullyConnected(v["data"], v["w"], v["b"], num_hidden=3), {"data": uniform(2, 4).astype("float64")},
         {"w": uniform(3, 4).astype("float64"), "b": uniform(3).astype("float64")}, signature=False)


def gluon_recurrent():
    """As HybridBlock.export writes them: parameters put together by _rnn_param_concat, states of zeros of an unknown batch."""
    from mxnet.gluon import nn, rnn

    for kind, layout, bidirectional in itertools.product(("LSTM", "GRU", "RNN"), ("TNC", "NTC"), (False, True)):
        name = "gluon_%s_%s%s" % (kind, layout, "_both" if bidirectional else "")
        if ONLY and not ONLY.search(name):
            continue
        net = nn.HybridSequential()
        net.add(getattr(rnn, kind)(5, num_layers=2, layout=layout, bidirectional=bidirectional, input_size=4), nn.Dense(3, flatten=False, activation="tanh"))
        net.initialize(mx.init.Uniform(0.5))
        net.hybridize()
        entries = []
        for shape in ((6, 2, 4), (3, 4, 4)):
            x = uniform(*shape)
            y = net(nd.array(x)).asnumpy()
            entries.append(({"data": tensor(x)}, tensor(y)))
        folder = os.path.join(OUT, name)
        os.makedirs(folder, exist_ok=True)
        net.export(os.path.join(folder, "m"), 3)
        output = mx.sym.load(os.path.join(folder, "m-symbol.json")).list_outputs()[0]
        with open(os.path.join(folder, "golden.json"), "w") as file:
            json.dump([{"signature": "serving_default", "inputs": i, "outputs": {output: o}} for i, o in entries], file)


def numpy_semantics():
    mx.util.set_np()
    np_ = sym.np
    x = uniform(2, 3, 4)

    def of(name, build, *arrays):
        case("np_" + name, lambda v: build(*[v[k].as_np_ndarray() for k in "abc"[:len(arrays)]]), dict(zip("abc", arrays)))

    for op in "add subtract multiply true_divide maximum minimum".split():
        of(op, getattr(np_, op), x, uniform(2, 1, 4))
        of(op + "_scalar", lambda a: getattr(np_, op)(a, 1.5), x)
    for op in "exp abs sign square tanh sin cos floor ceil negative trunc arctan".split():
        of(op, getattr(np_, op), x)
    for op in "sum mean max min prod".split():
        for settings in ({}, {"axis": 1}, {"axis": (0, 2), "keepdims": True}):
            of(op, lambda a: getattr(np_, op)(a, **settings), x)
    of("transpose", lambda a: np_.transpose(a, (0, 2, 1)), x)
    of("squeeze", lambda a: np_.squeeze(a, 1), uniform(2, 1, 3))
    of("concatenate", lambda a, b: np_.concatenate([a, b], axis=2), x, x)
    of("stack", lambda a, b: np_.stack([a, b], axis=1), x, x)
    of("matmul", np_.matmul, x, uniform(2, 4, 3))
    of("dot", np_.dot, x, uniform(4, 3))
    of("where", lambda a, b: np_.where(a > 0, a, b), x, x)
    of("relu", lambda a: sym.npx.relu(a), x)
    of("sigmoid", lambda a: sym.npx.sigmoid(a), x)
    of("softmax", lambda a: sym.npx.softmax(a), x)
    of("clip", lambda a: np_.clip(a, -0.5, 0.5), x)
    of("expand_dims", lambda a: np_.expand_dims(a, 1), x)
    of("argmax", lambda a: np_.argmax(a, axis=1), x)
    of("broadcast_to", lambda a: np_.broadcast_to(a, (2, 3, 4)), uniform(1, 3, 4))
    of("equal", lambda a: np_.equal(a, 1), np.round(x))
    of("less", lambda a, b: np_.less(a, b), x, uniform(2, 3, 4))
    of("reshape", lambda a: sym.npx.reshape(a, (-2, -1)), x)
    of("reshape", lambda a: np_.reshape(a, (2, -1)), x)
    of("split", lambda a: np_.split(a, 3, axis=1)[1], x)
    of("swapaxes", lambda a: np_.swapaxes(a, 1, 2), x)
    of("take", lambda a, b: np_.take(a, b, axis=1, mode="clip"), x, np.array([0, 2], "int32"))
    of("mod", lambda a: np_.mod(a, 0.7), x)
    of("power", lambda a: np_.power(a, 2), x)


if __name__ == "__main__":
    for part in (elementwise, layers, pooling, normalization, shapes, indexing, reductions, linear, creation, sequences, recurrent, vision, halves, gluon_recurrent, numpy_semantics):
        part()
        print(part.__name__, flush=True)
    for line in failed:
        print("not made:", line)
    print("%d graphs" % (sum(counts.values()) - len(failed)))
