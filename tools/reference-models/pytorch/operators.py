"""Exports small programs, one for each form of an operation, with torch's own answers.

    python operators.py FILE.jsonl

A line is {"name", "program": the JSON of the program without what tools add, "cases": [{"inputs", "outputs"}]}; a program has no weights.
"""

import io
import json
import math
import sys
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim

torch.manual_seed(3)
inf = math.inf


def randn(*shape, dtype=torch.float32):
    return torch.randn(*shape, dtype=dtype)


def ints(*shape, low=0, high=5, dtype=torch.int64):
    return torch.randint(low, high, shape, dtype=dtype)


def bools(*shape):
    return torch.rand(*shape) > 0.5


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


CASES = []


def case(name, function, *inputs, dynamic=False):
    CASES.append((name, function, inputs, dynamic))


X = lambda: randn(3, 4)
for name in (
    "relu sigmoid tanh exp sqrt abs neg reciprocal sign floor ceil round erf sin cos tan asin acos atan sinh cosh asinh acosh atanh "
    "rsqrt square expm1 log1p log log2 log10 trunc isnan isinf isfinite logical_not sgn"
).split():
    values = torch.rand(3, 4) * 0.8 + 0.1
    if name in "relu abs neg sign floor ceil round trunc sgn tanh erf logical_not".split():
        values = randn(3, 4) * 2
    if name == "acosh":
        values = values + 1
    if name.startswith("is"):
        values = torch.tensor([1.0, inf, -inf, math.nan])
    case(name, getattr(torch, name), values, dynamic=name == "relu")
for name in "relu6 hardtanh hardsigmoid hardswish silu mish gelu leaky_relu elu celu selu softplus logsigmoid".split():
    case(name, getattr(F, name), randn(3, 4) * 4)
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), X())
case("leaky_relu_slope", lambda x: F.leaky_relu(x, 0.3), X())
case("elu_alpha", lambda x: F.elu(x, 0.7), X())
case("celu_alpha", lambda x: F.celu(x, 0.7), X())
case("hardtanh_range", lambda x: F.hardtanh(x, -0.5, 2.0), X())
case("softplus_beta", lambda x: F.softplus(x, 2.0, 1.0), randn(3, 4) * 3)
case("prelu", F.prelu, randn(2, 3, 4), randn(3))
case("prelu_one", F.prelu, randn(2, 3), randn(1))
case("glu", lambda x: F.glu(x, 1), randn(2, 6))
case("softmax", lambda x: torch.softmax(x, -2), randn(2, 3, 4))
case("softmax_int_dtype", lambda x: torch.softmax(x, -1, dtype=torch.float32), ints(2, 3))
case("log_softmax", lambda x: torch.log_softmax(x, 1), X())
case("dropout_eval", lambda x: F.dropout(x, 0.5, False), X())
case("dropout_in_place", lambda x: F.dropout(x * 1, 0.5, False, True), X())

for name in "add sub mul div maximum minimum".split():
    case(name, getattr(torch, name), X(), randn(4))
for name in "add sub mul".split():
    case(name + "_int", getattr(torch, name), ints(3, 4), ints(4))
    case(name + "_mixed", getattr(torch, name), ints(3, 4), randn(4))
    case(name + "_scalar", lambda x, f=getattr(torch, name): f(x, 2), ints(3))
    case(name + "_float_scalar", lambda x, f=getattr(torch, name): f(x, 2.5), ints(3))
case("add_alpha", lambda x, y: torch.add(x, y, alpha=3), X(), X())
case("add_bool_int", torch.add, bools(4), ints(4))
case("sub_alpha", lambda x, y: torch.sub(x, y, alpha=0.5), X(), X())
case("rsub", lambda x: torch.rsub(x, 3.0), X())
case("rsub_python", lambda x: 3 - x, ints(4))
case("add_double", torch.add, randn(3), randn(3, dtype=torch.float64))
case("div_int", torch.div, ints(3, 4, low=-9, high=9), ints(4, low=1))
case("div_floor", lambda x, y: torch.div(x, y, rounding_mode="floor"), randn(9) * 5, randn(9))
case("div_trunc", lambda x, y: torch.div(x, y, rounding_mode="trunc"), randn(9) * 5, randn(9))
case("div_floor_int", lambda x, y: torch.div(x, y, rounding_mode="floor"), ints(9, low=-9, high=9), torch.tensor([1, 2, 3, -1, -2, -3, 4, 5, -4]))
case("div_trunc_int", lambda x, y: torch.div(x, y, rounding_mode="trunc"), ints(9, low=-9, high=9), torch.tensor([1, 2, 3, -1, -2, -3, 4, 5, -4]))
case("floor_divide", lambda x: x // 3, ints(9, low=-9, high=9))
case("floor_divide_float", lambda x: x // 0.7, randn(9) * 3)
case("remainder", lambda x: x % 3, ints(9, low=-9, high=9))
case("remainder_negative", lambda x: x % -3, ints(9, low=-9, high=9))
case("remainder_float", lambda x, y: torch.remainder(x, y), randn(9) * 5, randn(9))
case("fmod", lambda x: torch.fmod(x, 3), ints(9, low=-9, high=9))
case("fmod_float", lambda x, y: torch.fmod(x, y), randn(9) * 5, randn(9))
case("pow_scalar", lambda x: x**2, X())
case("pow_half", lambda x: x**0.5, torch.rand(5))
case("pow_int", lambda x: x**3, ints(5, low=-3, high=4))
case("pow_tensor", torch.pow, torch.rand(5), randn(5))
case("pow_of_scalar", lambda x: 2.0**x, X())
for name in "eq ne lt le gt ge".split():
    case(name, getattr(torch, name), ints(3, 4), ints(4))
    case(name + "_scalar", lambda x, f=getattr(torch, name): f(x, 2), ints(9))
    case(name + "_mixed", lambda x, f=getattr(torch, name): f(x, 1.5), ints(9))
    case(name + "_types", getattr(torch, name), ints(5), randn(5))
case("lt_bool", torch.lt, bools(6), bools(6))
for name in "logical_and logical_or logical_xor".split():
    case(name, getattr(torch, name), ints(6, high=2), bools(6))
case("bitwise_and", lambda x, y: x & y, bools(6), bools(6))
case("bitwise_or", lambda x, y: x | y, bools(6), bools(6))
case("bitwise_xor", lambda x, y: x ^ y, bools(6), bools(6))
case("bitwise_not", lambda x: ~x, bools(6))
case("clamp", lambda x: torch.clamp(x, -0.5, 0.5), X())
case("clamp_min", lambda x: torch.clamp(x, min=0.1), X())
case("clamp_tensor", lambda x, y: torch.clamp(x, max=y), X(), X())
case("clamp_int", lambda x: torch.clamp(x, 1, 3), ints(9))
case("where", torch.where, bools(3, 4), X(), X())
case("where_scalar", lambda c, x: torch.where(c, x, 0.0), bools(3, 4), X())
case("where_scalars", lambda c: torch.where(c, 1.0, 0.0), bools(3, 4))
case("where_types", torch.where, bools(4), ints(4), randn(4))
case("masked_fill", lambda x, m: x.masked_fill(m, -inf), X(), bools(4))
case("masked_fill_tensor", lambda x, m, v: x.masked_fill(m, v), X(), bools(4), torch.tensor(7.0))
case("addcmul", lambda x, a, b: torch.addcmul(x, a, b, value=0.5), X(), X(), X())
case("addcdiv", lambda x, a, b: torch.addcdiv(x, a, b, value=2), X(), X(), torch.rand(3, 4) + 1)
case("lerp", lambda x, y: torch.lerp(x, y, 0.3), X(), X())
case("lerp_tensor", torch.lerp, X(), X(), torch.rand(3, 4))

case("view", lambda x: x.view(2, 6), X())
case("view_open", lambda x: x.view(x.size(0), -1), randn(3, 2, 2), dynamic=True)
case("reshape_transposed", lambda x: x.t().reshape(6, 2), X())
case("flatten", lambda x: torch.flatten(x, 1), randn(3, 2, 4), dynamic=True)
case("flatten_middle", lambda x: torch.flatten(x, 1, 2), randn(3, 2, 4, 5), dynamic=True)
case("flatten_all", lambda x: torch.flatten(x), randn(3, 2, 4))
case("unflatten", lambda x: x.unflatten(1, (2, 3)), randn(4, 6), dynamic=True)
case("transpose", lambda x: x.transpose(0, -1), randn(2, 3, 4))
case("swapaxes", lambda x: x.swapaxes(0, 1), randn(2, 3, 4))
case("t", lambda x: x.t(), X())
case("numpy_T", lambda x: x.T, X())
case("mT", lambda x: x.mT, randn(2, 3, 4))
case("permute", lambda x: x.permute(2, 0, 1), randn(2, 3, 4))
case("movedim", lambda x: torch.movedim(x, (0, 1), (-1, 0)), randn(2, 3, 4))
case("squeeze", lambda x: x.squeeze(), randn(1, 3, 1))
case("squeeze_dim", lambda x: x.squeeze(0), randn(1, 3, 1))
case("squeeze_dims", lambda x: x.squeeze((0, 2)), randn(1, 3, 1))
case("squeeze_large", lambda x: x.squeeze(1), randn(1, 3, 1))
case("unsqueeze", lambda x: x.unsqueeze(-1), X())
case("expand", lambda x: x.expand(2, -1, 4), randn(2, 3, 1))
case("expand_new", lambda x: x.expand(5, 3, 4), X())
case("expand_dynamic", lambda x: x.unsqueeze(1).expand(x.shape[0], 3, -1), X(), dynamic=True)
case("expand_as", lambda x, y: x.expand_as(y), randn(1, 4), X())
case("repeat", lambda x: x.repeat(2, 1, 3), X())
case("tile", lambda x: torch.tile(x, (2,)), X())
case("repeat_interleave", lambda x: x.repeat_interleave(2, dim=1), X(), dynamic=True)
case("repeat_interleave_flat", lambda x: x.repeat_interleave(3), randn(2, 2))
case("cat", lambda x, y: torch.cat([x, y], 1), X(), randn(3, 2))
case("cat_types", lambda x, y: torch.cat([x, y], -1), ints(3, 4), randn(3, 2))
case("stack", lambda x, y: torch.stack([x, y], -1), X(), X())
case("split", lambda x: x.split(2, 1), randn(3, 5), dynamic=True)
case("split_sizes", lambda x: torch.split(x, [1, 4], 1), randn(3, 5))
case("chunk", lambda x: x.chunk(2, -1), randn(3, 6))
case("chunk_uneven", lambda x: x.chunk(3, -1), randn(3, 7))
case("unbind", lambda x: torch.unbind(x, 1), randn(3, 2, 2))
case("tensor_split", lambda x: torch.tensor_split(x, 3, 1), randn(3, 7))
case("slice", lambda x: x[1:, :-1], X())
case("slice_step", lambda x: x[:, ::2], randn(3, 7))
case("slice_negative", lambda x: x[-2:], X())
case("slice_dynamic", lambda x: x[:, : x.shape[0]], randn(3, 70), dynamic=True)
case("select", lambda x: x[:, -1], X())
case("narrow", lambda x: x.narrow(1, 1, 2), X())
case("flip", lambda x: x.flip(0, 1), X())
case("roll", lambda x: torch.roll(x, (1, -2), (0, 1)), randn(4, 5))
case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), randn(1, 8, 3, 3))
case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), randn(1, 2, 4, 4))
case("channel_shuffle", lambda x: F.channel_shuffle(x, 2), randn(2, 6, 3, 3))
case("pad", lambda x: F.pad(x, (1, 2)), X())
case("pad_value", lambda x: F.pad(x, (1, 0, 0, 2), value=3.0), randn(2, 3, 4))
case("pad_negative", lambda x: F.pad(x, (-1, 1)), X())
case("pad_reflect", lambda x: F.pad(x, (1, 2, 1, 0), mode="reflect"), randn(1, 2, 4, 4))
case("pad_replicate", lambda x: F.pad(x, (1, 2, 1, 0), mode="replicate"), randn(1, 2, 4, 4))
case("tril", lambda x: torch.tril(x, 1), randn(4, 4))
case("triu", lambda x: torch.triu(x, -1), randn(2, 4, 4))
case("tril_bool", lambda x: torch.tril(x > 0), randn(4, 4))
case("to_int", lambda x: x.to(torch.int64), randn(5) * 3)
case("to_bool", lambda x: x.bool(), ints(5, high=2))
case("to_double", lambda x: x.double() * 2, randn(5))
case("type_as", lambda x, y: x.type_as(y), ints(4), randn(2))
case("clone", lambda x: x.clone(), X())

TABLE = randn(6, 3)
case("embedding", lambda i, w: F.embedding(i, w), ints(2, 4), TABLE)
case("index_rows", lambda x, i: x[i], randn(6, 3), ints(2, 2))
case("index_negative", lambda x, i: x[i], randn(6, 3), ints(4, low=-6, high=6))
case("index_column", lambda x, i: x[:, i], randn(3, 6), ints(2, 2))
case("index_two", lambda x, i, j: x[i, j], randn(6, 6, 2), ints(3), ints(3))
case("index_broadcast", lambda x, i, j: x[i, j], randn(6, 6, 2), ints(3, 1), ints(4))
case("index_behind", lambda x, i, j: x[:, i, j], randn(2, 6, 6, 3), ints(3), ints(3))
case("index_arange", lambda x, i: x[torch.arange(x.shape[0]), i], randn(4, 6), ints(4), dynamic=True)
case("index_select", lambda x, i: x.index_select(1, i), randn(3, 6), ints(4))
case("gather", lambda x, i: x.gather(1, i), randn(3, 6), ints(3, 2))
case("take_along_dim", lambda x, i: torch.take_along_dim(x, i, 1), randn(3, 6), ints(3, 2))
case("scatter", lambda x, i, s: x.scatter(1, i, s), randn(3, 6), torch.tensor([[0, 2], [1, 3], [5, 4]]), randn(3, 2))
case("scatter_value", lambda x, i: x.scatter(1, i, 9.0), randn(3, 6), torch.tensor([[0, 2], [1, 3], [5, 4]]))
case("index_put", lambda x, i, v: x.index_put((i,), v), randn(5, 3), torch.tensor([0, 2]), randn(2, 3))
case("index_put_two", lambda x, i, j: x.index_put((i, j), torch.tensor(1.0)), randn(5, 3), torch.tensor([0, 2]), torch.tensor([1, 2]))
case("slice_scatter", lambda x, s: torch.slice_scatter(x, s, 1, 1, 3), randn(3, 5), randn(3, 2))
case("select_scatter", lambda x, s: torch.select_scatter(x, s, 1, 2), randn(3, 5), randn(3))
case("topk", lambda x: torch.topk(x, 3, -1), randn(2, 7))
case("topk_smallest", lambda x: torch.topk(x, 2, 0, largest=False), randn(5, 3))
case("sort", lambda x: torch.sort(x, -1), randn(2, 7))
case("sort_descending", lambda x: torch.sort(x, dim=0, descending=True, stable=True), randn(5, 3))
case("argsort", lambda x: torch.argsort(x, -1), randn(2, 7))
case("one_hot", lambda i: F.one_hot(i, 5), ints(4))

for name in "sum mean amax amin logsumexp".split():
    case(name, lambda x, f=getattr(torch, name): f(x, (0, 2)), randn(2, 3, 4))
    case(name + "_keep", lambda x, f=getattr(torch, name): f(x, (-1,), True), randn(2, 3, 4), dynamic=True)
for name in "sum mean max min prod any all".split():
    values = randn(3, 4)
    case(name + "_all", getattr(torch, name), values > 0 if name in ("any", "all") else values)
case("sum_int", lambda x: x.sum(1), ints(3, 4))
case("sum_bool", lambda x: x.sum(), bools(9))
case("sum_dtype", lambda x: x.sum(0, dtype=torch.float64), X())
case("max_dim", lambda x: torch.max(x, 1), X())
case("min_dim_keep", lambda x: torch.min(x, 0, keepdim=True), X())
case("max_other", torch.max, X(), X())
case("argmax", lambda x: x.argmax(-1), X())
case("argmax_keep", lambda x: x.argmax(0, keepdim=True), X())
case("argmin_all", lambda x: x.argmin(), X())
case("prod_dim", lambda x: x.prod(1), X())
case("var", lambda x: x.var(1), X())
case("var_biased", lambda x: x.var((0, 1), unbiased=False), X())
case("var_correction", lambda x: x.var(1, correction=2, keepdim=True), X(), dynamic=True)
case("std", lambda x: x.std(0), X())
case("std_all", lambda x: x.std(), X())
case("var_mean", lambda x: torch.var_mean(x, 1, correction=0), X())
case("std_mean_keep", lambda x: torch.std_mean(x, 1, keepdim=True), X())
case("any_dim", lambda x: (x > 0).any(1), X())
case("all_dim", lambda x: (x > 0).all(0, keepdim=True), X())
case("any_int", lambda x: x.any(1), ints(3, 4, high=2))
case("norm", lambda x: torch.linalg.vector_norm(x, dim=1), X())
case("norm_one", lambda x: torch.linalg.vector_norm(x, 1, dim=1, keepdim=True), X())
case("norm_inf", lambda x: torch.linalg.vector_norm(x, inf), X())
case("normalize", lambda x: F.normalize(x, dim=1), X())
case("cumsum", lambda x: x.cumsum(1), X())
case("cumsum_bool", lambda x: x.cumsum(0), bools(5))

case("linear", F.linear, X(), randn(5, 4), randn(5), dynamic=True)
case("linear_three", F.linear, randn(2, 3, 4), randn(5, 4), randn(5), dynamic=True)
case("linear_no_bias", F.linear, X(), randn(5, 4))
case("linear_vector", F.linear, randn(4), randn(5, 4), randn(5))
case("matmul", torch.matmul, randn(2, 3, 4), randn(4, 5))
case("matmul_vectors", torch.matmul, randn(4), randn(4))
case("mm", torch.mm, X(), randn(4, 2))
case("bmm", torch.bmm, randn(2, 3, 4), randn(2, 4, 5))
case("mv", torch.mv, X(), randn(4))
case("dot", torch.dot, randn(4), randn(4))
case("outer", torch.outer, randn(3), randn(4))
case("addmm", lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=2), randn(2), X(), randn(4, 2))
case("baddbmm", torch.baddbmm, randn(2, 3, 5), randn(2, 3, 4), randn(2, 4, 5))
case("einsum", lambda x, y: torch.einsum("bij, bjk -> bik", x, y), randn(2, 3, 4), randn(2, 4, 5))
case("bilinear", F.bilinear, randn(2, 3), randn(2, 4), randn(5, 3, 4), randn(5))

case("conv1d", lambda x, w, b: F.conv1d(x, w, b, 2, 1), randn(2, 3, 9), randn(4, 3, 3), randn(4), dynamic=True)
case("conv2d", lambda x, w, b: F.conv2d(x, w, b, (1, 2), (0, 1), 2), randn(2, 3, 9, 9), randn(4, 3, 3, 3), randn(4))
case("conv2d_groups", lambda x, w: F.conv2d(x, w, groups=3), randn(2, 3, 5, 5), randn(6, 1, 3, 3))
case("conv2d_same", lambda x, w: F.conv2d(x, w, padding="same"), randn(1, 2, 6, 6), randn(3, 2, 4, 3))
case("conv2d_valid", lambda x, w: F.conv2d(x, w, padding="valid"), randn(1, 2, 6, 6), randn(3, 2, 4, 3))
case("conv2d_single", lambda x, w: F.conv2d(x, w), randn(2, 6, 6), randn(3, 2, 3, 3))
case("conv3d", F.conv3d, randn(1, 2, 4, 5, 6), randn(3, 2, 2, 2, 2))
case("conv_transpose1d", lambda x, w: F.conv_transpose1d(x, w, None, 2, 1, 1), randn(2, 3, 5), randn(3, 4, 3))
case("conv_transpose2d", lambda x, w, b: F.conv_transpose2d(x, w, b, 2), randn(2, 3, 5, 5), randn(3, 4, 2, 2), randn(4))
case("conv_transpose2d_groups", lambda x, w: F.conv_transpose2d(x, w, groups=2, dilation=2), randn(1, 4, 5, 5), randn(4, 3, 2, 2))

case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2), randn(2, 3, 9))
case("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), randn(2, 3, 9, 9), dynamic=True)
case("max_pool2d_ceil", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), randn(1, 2, 8, 8))
case("max_pool2d_ceil_pad", lambda x: F.max_pool2d(x, 2, 2, 1, ceil_mode=True), randn(1, 2, 7, 6))
case("max_pool2d_dilated", lambda x: F.max_pool2d(x, 2, 1, 0, 2), randn(1, 2, 6, 6))
case("max_pool2d_single", lambda x: F.max_pool2d(x, 2), randn(2, 6, 6))
case("max_pool3d", lambda x: F.max_pool3d(x, 2), randn(1, 2, 4, 4, 4))
case("avg_pool1d", lambda x: F.avg_pool1d(x, 2, 1), randn(1, 2, 5))
case("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), randn(1, 2, 7, 7))
case("avg_pool2d_no_pad", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), randn(1, 2, 7, 7))
case("adaptive_avg_pool2d_one", lambda x: F.adaptive_avg_pool2d(x, 1), randn(2, 3, 5, 7), dynamic=True)
case("adaptive_avg_pool2d_even", lambda x: F.adaptive_avg_pool2d(x, (2, 3)), randn(2, 3, 4, 6))
case("adaptive_avg_pool2d_uneven", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), randn(2, 3, 5, 7))
case("adaptive_avg_pool2d_up", lambda x: F.adaptive_avg_pool2d(x, 7), randn(2, 3, 2, 2))
case("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 3), randn(2, 3, 8))
case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, 2), randn(2, 3, 4, 6))

STATS = (randn(3), torch.rand(3) + 0.5)
case("batch_norm", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b, False, 0.1, 1e-3), randn(2, 3, 4), *STATS, randn(3), randn(3))
case("batch_norm_plain", lambda x, m, v: F.batch_norm(x, m, v), randn(2, 3, 4, 4), *STATS)
case("batch_norm_rows", lambda x, m, v: F.batch_norm(x, m, v), randn(5, 3), *STATS)
case("instance_norm", lambda x: F.instance_norm(x), randn(2, 3, 5))
case("layer_norm", lambda x, w, b: F.layer_norm(x, (4,), w, b), randn(2, 3, 4), randn(4), randn(4), dynamic=True)
case("layer_norm_plain", lambda x: F.layer_norm(x, (3, 4)), randn(2, 3, 4))
case("rms_norm", lambda x, w: F.rms_norm(x, (4,), w), randn(2, 3, 4), randn(4))
case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), randn(2, 6, 5, 5), randn(6), randn(6), dynamic=True)
case("local_response_norm", lambda x: F.local_response_norm(x, 3), randn(2, 6, 5, 5))

Q = lambda heads=2, length=3: randn(2, heads, length, 4)
case("attention", F.scaled_dot_product_attention, Q(), Q(length=5), Q(length=5), dynamic=True)
case("attention_causal", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), Q(), Q(), Q())
case("attention_mask", F.scaled_dot_product_attention, Q(), Q(), Q(), torch.tensor([[True, False, True], [True, True, False], [False, False, True]]))
case("attention_float_mask", F.scaled_dot_product_attention, Q(), Q(), Q(), randn(3, 3))
case("attention_scale", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3), Q(), Q(), Q())
case("attention_shared", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), Q(4), Q(2), Q(2), dynamic=True)

case("upsample_nearest", lambda x: F.interpolate(x, scale_factor=2.0), randn(1, 2, 3, 4))
case("upsample_nearest_size", lambda x: F.interpolate(x, (5, 7)), randn(1, 2, 3, 4), dynamic=False)
case("upsample_nearest_factor", lambda x: F.interpolate(x, scale_factor=1.7), randn(1, 2, 5, 4))
case("upsample_nearest_exact", lambda x: F.interpolate(x, (5, 7), mode="nearest-exact"), randn(1, 2, 3, 4))
case("upsample_nearest1d", lambda x: F.interpolate(x, scale_factor=3.0), randn(1, 2, 4))
case("upsample_linear", lambda x: F.interpolate(x, 7, mode="linear"), randn(1, 2, 4))
case("upsample_bilinear", lambda x: F.interpolate(x, (5, 7), mode="bilinear"), randn(1, 2, 3, 4))
case("upsample_bilinear_corners", lambda x: F.interpolate(x, (5, 7), mode="bilinear", align_corners=True), randn(1, 2, 3, 4))
case("upsample_bilinear_factor", lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear"), randn(1, 2, 4, 6))
case("upsample_bilinear_down", lambda x: F.interpolate(x, (2, 3), mode="bilinear"), randn(1, 2, 5, 6))
case("upsample_bicubic", lambda x: F.interpolate(x, (5, 7), mode="bicubic"), randn(1, 2, 3, 4))

case("arange", lambda x: x + torch.arange(4), X())
case("arange_dynamic", lambda x: x * torch.arange(x.shape[0]).unsqueeze(1), X(), dynamic=True)
case("arange_step", lambda x: x + torch.arange(1.0, 3.0, 0.5), X())
case("zeros_ones_full", lambda x: (x + torch.zeros(4), x * torch.ones(3, 1), x + torch.full((4,), 2.5)), X())
case("zeros_dynamic", lambda x: torch.cat([torch.zeros(x.shape[0], 1), x], 1), X(), dynamic=True)
case("new_full", lambda x: x.new_full((2, 2), 3.0), X())
case("zeros_like", lambda x: torch.zeros_like(x) + torch.ones_like(x) * torch.full_like(x, 3.0), X())
case("linspace", lambda x: x + torch.linspace(0, 1, 4), X())
case("eye", lambda x: x @ torch.eye(4), X())
case("constant", lambda x: x + torch.tensor([1.0, 2.0, 3.0, 4.0]), X())


def in_place_relu(x):
    y = x * 2
    F.relu(y, inplace=True)
    return y + x


def in_place_view(x):
    y = x * 1
    y[:, 1:3] += 10
    y[0] = 7
    return y


def in_place_base(x):
    y = x * 1
    part = y[:, :2]
    y.mul_(3)
    return part + 1, y


def in_place_two_views(x):
    y = x.clone()
    rows, columns = y[1], y.t()
    rows.fill_(5)
    return columns * 1, y * 1


def in_place_reshaped(x):
    y = x * 1
    z = y.view(-1)
    z[2] = 100
    return y, z * 1


def in_place_masked(x):
    y = x * 1
    y.masked_fill_(y > 0, 0.0).add_(1)
    return y


def windows(x):
    mask = x.new_zeros((4, 4))
    count = 0
    for rows in (slice(0, -2), slice(-2, None)):
        for columns in (slice(0, -1), slice(-1, None)):
            mask[rows, columns] = count
            count += 1
    return x + mask


for function in (in_place_relu, in_place_view, in_place_base, in_place_two_views, in_place_reshaped, in_place_masked, windows):
    case(function.__name__, function, randn(4, 4))


class NoGradient(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = torch.relu(x) + 1
        return y * x


case("no_grad", NoGradient(), X())
case("answer_dict", lambda x: {"b": x + 1, "a": {"c": x * 2, "d": [x - 1, x]}}, X())
case("sizes", lambda x: x.view(x.shape[0] * 2, x.shape[1] // 2) + x.shape[0], X(), dynamic=True)


def write(function):
    """A change of a part, and the whole that it is a part of."""

    def run(x):
        whole = x * 1
        part = function(whole)
        part.mul_(3)
        return whole, part

    return run


case("write_to_view_as", write(lambda x: x.view_as(x)), X(), dynamic=True)
case("write_to_reshape_as", write(lambda x: x.reshape_as(x.view(-1, 2, 2))), X(), dynamic=True)
case("write_to_reshape_of_slice", write(lambda x: x[:, :2].reshape(x.shape[0], 2, 4, 1)), randn(3, 5, 4), dynamic=True)
case("write_to_reshape_of_turned", write(lambda x: x.transpose(1, 2).reshape(x.shape[0], -1)), randn(3, 5, 4), dynamic=True)
case("write_to_select_reshaped", write(lambda x: x[:, 1].reshape(x.shape[0], 4, 1)), randn(3, 5, 4), dynamic=True)
case("write_to_same_type", write(lambda x: x.to(torch.float32)), X(), dynamic=True)
case("write_to_copy", write(lambda x: x.to(torch.float32, copy=True)), X(), dynamic=True)
case("write_to_dropped", write(lambda x: F.dropout(x, 0.5, False)), X(), dynamic=True)
case("write_comparison", lambda x: x.clone().gt_(0.0) + 1, X())
case("write_comparison_to_part", lambda x: (lambda y: (y[:, :2].le_(0.5), y))(x * 1)[1], X())
case("unsqueeze_in_place", lambda x: x.clone().unsqueeze_(1).add_(1), X())
case("slice_scatter_step", lambda x: torch.slice_scatter(x, x[:, :2] * 2, 1, 0, 4, 2), X())
case("scatter_of_more", lambda x, i, y: torch.scatter(x, 1, i, y), X(), ints(2, 1, high=4), X())
case("roll_further_than_long", lambda x: torch.roll(x, (4, -5), (0, 0)), X(), dynamic=True)
case("roll_on_dynamic", lambda x: torch.roll(x, 2, 0), X(), dynamic=True)
case("largest_int64", lambda x: torch.where(x > 2, x, torch.iinfo(torch.int64).max).min(), ints(9))
case("floor_divide_rounded_up", lambda x, y: x // y, torch.tensor([1.0, 0.3, 5.0, -1.0, 12.0, 0.7]), torch.tensor([0.1, 0.1, 0.1, 0.1, 0.2, -0.1]))
case("div_floor_by_zero", lambda x: torch.div(x, 0.0, rounding_mode="floor"), torch.tensor([1.0, -2.0]))
case("remainder_of_large", lambda x: x % 0.1, torch.tensor([1.0, 0.3, 5.0, -1.0, 1e5]))
case("expm1_near_0", lambda x: torch.expm1(x), randn(5) * 1e-5)
case("log1p_near_0", lambda x: torch.log1p(x), randn(5) * 1e-5)
case("log1p_far", lambda x: torch.log1p(x), torch.tensor([-1.0, 1e30, inf, -0.9, 0.6]))
case("arange_float_step", lambda x: torch.arange(0, 0.6, 0.2) + x, randn(3))
case("arange_many_steps", lambda x: torch.arange(0, 1000, 0.25)[-5:] * 1e-3 + x, randn(5))
case("arange_float16", lambda x: torch.arange(0, 5, dtype=torch.float16).float() + x, randn(5))
case("nearest_rounded_down", lambda x: F.interpolate(x, size=7), torch.arange(49.0).reshape(1, 1, 49))
case("nearest_rounded_down_2d", lambda x: F.interpolate(x, size=(13, 27)), torch.arange(49.0 * 3).reshape(1, 1, 3, 49))
case("nearest_exact_scale", lambda x: F.interpolate(x, scale_factor=1.3, mode="nearest-exact"), randn(1, 2, 9, 11))
case("weight_norm", lambda x, v, g: F.linear(x, torch._weight_norm(v, g, 0)), X(), randn(2, 4), randn(2, 1))
case("answer_with_none", lambda x: (x + 1, None, x * 2), X())


class SeveralGraphs(nn.Module):
    """Graphs within, each named for itself."""

    def forward(self, x):
        y = x + 1
        with torch.no_grad():
            a = y * 2
            b = a + 1
        c = b * 3
        with torch.autocast("cpu", enabled=False):
            d = c + 1
            e = d * 2
        return (e + c) * (y + a)


case("graphs_within", SeveralGraphs(), X())


def tensor(value):
    values = np.asarray(value.detach())
    flat = values.reshape(-1).tolist()
    words = {inf: "Infinity", -inf: "-Infinity"}
    data = ["NaN" if isinstance(each, float) and math.isnan(each) else words.get(each, each) if isinstance(each, float) else each for each in flat]
    return {"dtype": values.dtype.name, "shape": list(values.shape), "data": data}


def flatten(value, way=()):
    if isinstance(value, torch.Tensor):
        return [(way, value)]
    if value is None:
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for key, each in items for leaf in flatten(each, way + (str(key),))]


def named(output):
    leaves = flatten(output)
    if len(leaves) == 1 and not leaves[0][0]:
        return {"output": leaves[0][1]}
    positional = all(part.isdigit() for way, _ in leaves for part in way)
    return {("output_%d" % (int(way[0]) if len(way) == 1 else i) if positional else ".".join(way)): value for i, (way, value) in enumerate(leaves)}


def strip(part):
    """Takes away what operations, also of graphs within, say of where they were written."""
    if isinstance(part, dict):
        if "target" in part:
            part.pop("metadata", None)
        for each in part.values():
            strip(each)
    elif isinstance(part, list):
        for each in part:
            strip(each)


def program_of(exported):
    buffer = io.BytesIO()
    torch.export.save(exported, buffer)
    with zipfile.ZipFile(buffer) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("models/model.json")]
        program = json.loads(archive.read(name))
    module = program["graph_module"]
    strip(module["graph"])
    module["module_call_graph"] = module["module_call_graph"][:1]
    return program


def main():
    lines = []
    for name, function, inputs, dynamic in CASES:
        try:
            model = function if isinstance(function, nn.Module) else Function(function)
            model.eval()
            shapes = None
            if dynamic:
                first = inputs[0].shape[0]
                batch = Dim("batch", min=1, max=64)
                takes = tuple({0: batch} if each.dim() > 0 and each.shape[0] == first and (i == 0 or name.startswith("attention") or name == "index_arange") else None for i, each in enumerate(inputs))
                shapes = takes if isinstance(function, nn.Module) else (takes,)
            exported = torch.export.export(model, inputs, dynamic_shapes=shapes, strict=False)
            program = program_of(exported)
            specs = program["graph_module"]["signature"]["input_specs"]
            if any("user_input" not in spec for spec in specs):
                constants = [spec for spec in specs if "user_input" not in spec]
                for spec in constants:
                    (inner,) = spec.values()
                    key = inner.get("tensor_constant_name") or inner.get("buffer_name")
                    inner["value"] = tensor(exported.constants.get(key, exported.state_dict.get(key)))
            names = [spec["user_input"]["arg"]["as_tensor"]["name"] for spec in specs if "user_input" in spec]
            asked = [inputs]
            if dynamic:
                takes = shapes if isinstance(function, nn.Module) else shapes[0]
                asked.append(tuple(each[:2] if take else each for each, take in zip(inputs, takes)))
            with torch.no_grad():
                cases = [
                    {
                        "inputs": dict(zip(names, map(tensor, given))),
                        "outputs": {key: tensor(value) for key, value in named(model(*given)).items()},
                    }
                    for given in asked
                ]
            lines.append(json.dumps({"name": name, "program": program, "cases": cases}, separators=(",", ":")))
        except Exception as reason:
            print(name, "FAILED", type(reason).__name__, str(reason)[:300].replace("\n", " "), flush=True)
    with open(sys.argv[1], "w") as file:
        file.write("\n".join(lines) + "\n")
    print(len(lines), "of", len(CASES))


main()
