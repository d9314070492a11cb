"""Nets of one operator each with Caffe2's own answers, over many attributes and shapes.

Usage: python operators.py OUT.jsonl [EVERY]

CPython 3.7 with torch==1.4.0 "numpy<1.22" "protobuf<3.21" future six. A line for each net that Caffe2 itself runs: both nets in base64, what
value_info.json would say, and cases as in golden.json. With EVERY, only each so-manieth of an operator's nets, the first among them. Compare
with `node tools/reference-models/caffe2/compare.mjs OUT.jsonl` after a build.
"""
import base64
import itertools
import json
import sys

import numpy as np
from caffe2.proto import caffe2_pb2
from caffe2.python import core, utils, workspace

OUT = open(sys.argv[1], 'w')
EVERY = int(sys.argv[2]) if len(sys.argv) > 2 else 1
rng = np.random.RandomState(8)
counts = {}
skipped = []


def floats(*shape):
    return rng.uniform(-2, 2, shape).astype(np.float32)


def positive(*shape):
    return rng.uniform(0.2, 2, shape).astype(np.float32)


def tensor(a):
    flat = a.reshape(-1)
    if a.dtype.kind == 'f':
        data = [float('%.9g' % float(x)) if np.isfinite(x) else str(x) for x in flat]
    elif a.dtype.kind == 'b':
        data = [bool(x) for x in flat]
    else:
        data = [int(x) for x in flat]
    return {'dtype': str(a.dtype), 'shape': list(a.shape), 'data': data}


FILLS = {'float32': 'GivenTensorFill', 'int32': 'GivenTensorIntFill', 'int64': 'GivenTensorInt64Fill', 'bool': 'GivenTensorBoolFill'}


def fill(name, a):
    kind = FILLS[str(a.dtype)]
    values = [float(x) for x in a.reshape(-1)] if a.dtype.kind == 'f' else [int(x) for x in a.reshape(-1)]
    return core.CreateOperator(kind, [], [name], arg=[utils.MakeArgument('shape', list(a.shape)), utils.MakeArgument('values', values)])


def net(kind, inputs, params=(), outputs=('Y',), keep=None, names=None, **args):
    """One operator: `inputs` are the caller's, `params` parameters, in the operator's order of names X, then P0, P1 ..., or as `order` says."""
    counts[kind] = counts.get(kind, 0) + 1
    number = counts[kind] - 1
    if number % EVERY:
        return
    inputs = dict(inputs)
    params = {'P%d' % i: p for i, p in enumerate(params)} if not isinstance(params, dict) else params
    names = names or (list(inputs) + list(params))
    init, predict = caffe2_pb2.NetDef(), caffe2_pb2.NetDef()
    init.name, predict.name = kind + '_init', kind
    for name, value in params.items():
        init.op.extend([fill(name, value)])
    predict.op.extend([core.CreateOperator(kind, names, list(outputs), **args)])
    predict.external_input.extend(names)
    kept = list(keep or outputs[:1])
    predict.external_output.extend(kept)
    workspace.ResetWorkspace()
    try:
        workspace.RunNetOnce(init)
        for name, value in inputs.items():
            workspace.FeedBlob(name, value)
        workspace.RunNetOnce(predict)
        answers = {name: tensor(workspace.FetchBlob(name)) for name in kept}
    except Exception as e:  # Caffe2 refuses it
        skipped.append('%s %s: %s' % (kind, args, str(e).split('\n')[0][:160]))
        return
    # Inputs whose shapes nothing tells are declared, in every other net also the others.
    tells = number % 2 or kind in DECLARED or any(v.dtype != np.float32 for v in inputs.values())
    declared = {name: [CODES[str(v.dtype)], list(v.shape)] for name, v in inputs.items()} if tells else {}
    case = {'signature': 'serving_default', 'inputs': {k: tensor(v) for k, v in inputs.items()}, 'outputs': answers}
    nets = [base64.b64encode(each.SerializeToString()).decode() for each in (init, predict)]
    json.dump({'name': '%s_%d' % (kind, number), 'init': nets[0], 'predict': nets[1], 'declared': declared, 'cases': [case]}, OUT)
    OUT.write('\n')


CODES = {'float32': 1, 'int32': 2, 'bool': 5, 'uint8': 6, 'int64': 10, 'float64': 13}
DECLARED = {'Tile', 'BatchMatMul', 'Where', 'LayerNorm', 'FC', 'RoIAlign', 'Slice', 'LengthsWeightedSum', 'Softmax', 'Reshape', 'Flatten', 'MergeDim',
            'SpatialBN', 'PRelu', 'MatMul', 'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Transpose', 'NCHW2NHWC', 'NHWC2NCHW', 'InstanceNorm', 'GroupNorm',
            'ResizeNearest3D', 'MaxPool', 'AveragePool'}


def nhwc(a):
    return np.ascontiguousarray(np.moveaxis(a, 1, -1))


def convolutions():
    for order, group, kernel, stride, pad, dilation in itertools.product(('NCHW', 'NHWC'), (1, 2), (1, 3), (1, 2), (0, 1), (1, 2)):
        if pad >= kernel or (kernel == 1 and dilation > 1):
            continue
        x, w, b = floats(2, 4, 9, 8), floats(6, 4 // group, kernel, kernel), floats(6)
        if order == 'NHWC':
            x, w = nhwc(x), nhwc(w)
        args = dict(kernel=kernel, stride=stride, pad=pad, dilation=dilation, group=group, order=order)
        net('Conv', {'X': x}, [w, b], **args)
    for legacy, stride, kernel in itertools.product((1, 2), (1, 2, 3), (1, 2, 3, 4)):
        if kernel < stride - 1:
            continue
        net('Conv', {'X': floats(1, 2, 10, 7)}, [floats(3, 2, kernel, kernel)], kernel=kernel, stride=stride, legacy_pad=legacy)
    net('Conv', {'X': floats(1, 2, 7, 9)}, [floats(3, 2, 3, 2), floats(3)], kernel_h=3, kernel_w=2, stride_h=2, stride_w=1, pad_t=1, pad_l=0, pad_b=2, pad_r=1)
    net('Conv', {'X': floats(1, 2, 7, 9)}, [floats(3, 2, 3, 2), floats(3)], kernels=[3, 2], strides=[1, 2], pads=[1, 0, 0, 1], dilations=[2, 1])
    net('Conv', {'X': floats(1, 2, 7, 9)}, [floats(3, 2, 3, 3)], kernel=3, pad_t=1, pad_l=1)
    net('Conv', {'X': floats(2, 3, 11)}, [floats(4, 3, 3), floats(4)], kernels=[3], strides=[2], pads=[1, 1])
    net('Conv', {'X': floats(1, 2, 5, 6, 7)}, [floats(3, 2, 2, 3, 3), floats(3)], kernels=[2, 3, 3], strides=[1, 2, 1], pads=[0, 1, 1, 0, 1, 1])
    net('Conv1D', {'X': floats(2, 3, 11)}, [floats(4, 3, 3), floats(4)], kernels=[3])
    net('Conv2D', {'X': floats(1, 2, 5, 6)}, [floats(3, 2, 2, 3), floats(3)], kernels=[2, 3], strides=[1, 2])
    net('Conv3D', {'X': floats(1, 2, 5, 6, 7)}, [floats(3, 2, 2, 2, 2), floats(3)], kernels=[2, 2, 2])
    net('ConvRelu', {'X': floats(1, 2, 7, 9)}, [floats(3, 2, 3, 3), floats(3)], kernel=3)
    for order, group, stride, pad, adj in itertools.product(('NCHW', 'NHWC'), (1, 2), (1, 2, 3), (0, 1), (0, 1)):
        if adj >= stride:
            continue
        x, w = floats(2, 4, 5, 6), floats(4, 6 // group, 3, 3)
        if order == 'NHWC':
            x, w = nhwc(x), nhwc(w)
        net('ConvTranspose', {'X': x}, [w, floats(6)], kernel=3, stride=stride, pad=pad, adj=adj, group=group, order=order)
    net('ConvTranspose', {'X': floats(1, 2, 5, 6)}, [floats(2, 3, 2, 4)], kernel_h=2, kernel_w=4, stride_h=2, stride_w=3, adj_h=1, adj_w=2, pad_t=1, pad_l=0, pad_b=0, pad_r=1)
    net('ConvTranspose', {'X': floats(1, 2, 5, 6)}, [floats(2, 3, 3, 3)], kernel=3, stride=2, legacy_pad=1)


def pools():
    for kind in ('MaxPool', 'AveragePool'):
        for order, kernel, stride, pad, legacy in itertools.product(('NCHW', 'NHWC'), (2, 3), (1, 2, 3), (0, 1), (0, 3)):
            if stride > kernel and legacy == 3:
                continue
            for size in ((8, 9), (7, 6)):
                x = floats(1, 2, *size)
                net(kind, {'X': nhwc(x) if order == 'NHWC' else x}, kernel=kernel, stride=stride, pad=pad, legacy_pad=legacy, order=order)
        for legacy, stride, kernel in itertools.product((1, 2), (1, 2, 3), (2, 3, 5)):
            net(kind, {'X': floats(2, 3, 11, 8)}, kernel=kernel, stride=stride, legacy_pad=legacy)
        for order in ('NCHW', 'NHWC'):
            x = floats(2, 3, 5, 4)
            net(kind, {'X': nhwc(x) if order == 'NHWC' else x}, global_pooling=1, order=order)
        net(kind, {'X': floats(2, 3, 9)}, kernels=[3], strides=[2], pads=[1, 0])
        net(kind, {'X': floats(1, 2, 5, 6, 7)}, kernels=[2, 3, 2], strides=[1, 2, 2], pads=[0, 1, 1, 1, 1, 0])
        net(kind, {'X': floats(1, 2, 7, 8)}, kernel_h=3, kernel_w=2, stride_h=2, stride_w=1, pad_t=1, pad_l=1, pad_b=2, pad_r=0)
        net(kind + '1D', {'X': floats(2, 3, 9)}, kernels=[3])
        net(kind + '2D', {'X': floats(1, 2, 5, 6)}, kernels=[2, 3], strides=[1, 2])
        net(kind + '3D', {'X': floats(1, 2, 5, 6, 7)}, kernels=[2, 2, 2], strides=[2, 2, 2])
        net(kind + '3D', {'X': floats(1, 2, 5, 6, 7)}, global_pooling=1)
    for kernel, stride, pad in itertools.product((2, 3), (1, 2), (0, 1)):
        net('AveragePool', {'X': floats(1, 2, 7, 8)}, kernel=kernel, stride=stride, pad=pad, count_include_pad=1)
    for mode, order in itertools.product(('constant', 'reflect', 'edge'), ('NCHW', 'NHWC')):
        x = floats(1, 2, 5, 6)
        net('PadImage', {'X': nhwc(x) if order == 'NHWC' else x}, mode=mode, order=order, pad_t=1, pad_l=2, pad_b=0, pad_r=3, value=0.5)
        net('PadImage', {'X': nhwc(x) if order == 'NHWC' else x}, mode=mode, order=order, pad=2)


def norms():
    for order in ('NCHW', 'NHWC'):
        put = nhwc if order == 'NHWC' else (lambda a: a)
        for shape in ((2, 4, 5, 6), (3, 4), (2, 4, 3, 4, 5), (2, 4, 7)):
            net('SpatialBN', {'X': put(floats(*shape))}, [floats(4), floats(4), floats(4), positive(4)], is_test=1, order=order, epsilon=1e-3)
        net('SpatialBN', {'X': put(floats(2, 4, 5, 6))}, [floats(4), floats(4), floats(4), positive(4)], is_test=1, order=order)
        for size in (1, 3, 5):
            net('LRN', {'X': put(floats(2, 6, 4, 5))}, outputs=('Y', 'S'), size=size, alpha=0.3, beta=0.75, bias=1.5, order=order)
        net('LRN', {'X': put(floats(2, 6, 4, 5))}, outputs=('Y', 'S'), size=5, alpha=1e-4, beta=0.75, order=order)
        net('InstanceNorm', {'X': put(floats(2, 3, 4, 5))}, [floats(3), floats(3)], order=order)
        net('InstanceNorm', {'X': put(floats(2, 3, 4, 5))}, [floats(3), floats(3)], outputs=('Y', 'M', 'D'), order=order, epsilon=0.01)
        for groups in (1, 2, 3, 6):
            net('GroupNorm', {'X': put(floats(2, 6, 4, 5))}, [floats(6), floats(6)], outputs=('Y', 'M', 'D'), group=groups, order=order, epsilon=1e-3)
        for slope in (1, 4):
            net('PRelu', {'X': put(floats(2, 4, 3, 5))}, [floats(slope)], order=order)
            net('PRelu', {'X': put(floats(2, 4))}, [floats(slope)], order=order)
        net('AffineChannel', {'X': put(floats(2, 4, 3, 5))}, [floats(4), floats(4)], order=order)
        net('ChannelShuffle', {'X': put(floats(2, 6, 3, 5))}, group=2, order=order, kernel=1)
        net('ChannelShuffle', {'X': put(floats(2, 6, 3, 5))}, group=3, order=order, kernel=1)
        for scales in ((2.0, 2.0), (1.5, 3.0), (0.5, 0.7)):
            net('ResizeNearest', {'X': put(floats(2, 3, 4, 6))}, height_scale=scales[0], width_scale=scales[1], order=order)
    for axis in (1, 2, 3, -1):
        net('LayerNorm', {'X': floats(2, 3, 4, 5)}, outputs=('Y', 'M', 'D'), axis=axis)
        width = {1: (3, 4, 5), 2: (4, 5), 3: (5,), -1: (5,)}[axis]
        net('LayerNorm', {'X': floats(2, 3, 4, 5)}, [floats(*width), floats(*width)], outputs=('Y', 'M', 'D'), axis=axis, elementwise_affine=True, epsilon=0.01)
    for shape, axis in (((3, 5), 1), ((3, 5, 1, 1), 1), ((3, 2, 4), 1), ((3, 2, 4), 2), ((3, 2, 4), -1), ((2, 3, 4, 5), 2), ((3, 5), 0)):
        net('Softmax', {'X': floats(*shape)}, axis=axis)
    net('Softmax', {'X': floats(2, 5)})
    for axis in (-1, 0, 1, 2):
        net('Normalize', {'X': floats(2, 3, 4)}, axis=axis)
        net('NormalizeL1', {'X': floats(2, 3, 4)}, axis=axis)
    for scale in (1.0, 2.0, 1.5):
        net('UpsampleBilinear', {'X': floats(2, 3, 4, 6)}, height_scale=scale, width_scale=scale + 0.5)
    net('ResizeNearest', {'X': floats(1, 2, 3, 4)}, [np.array([2, 1.5], np.float32)])
    net('UpsampleBilinear', {'X': floats(1, 2, 3, 4)}, [np.array([2, 1.5], np.float32)])
    net('ResizeNearest3D', {'X': floats(1, 2, 3, 4, 2)}, temporal_scale=2.0, height_scale=2.0, width_scale=2.0)
    for sampling, scale, five, aligned in itertools.product((0, 2), (1.0, 0.25), (True, False), (0, 1)):
        boxes = np.array([[1, 1, 9, 12], [0, 3, 4.5, 5], [5, 2, 15, 30], [3, 3, 3.2, 3.1]], np.float32)
        rois = np.concatenate([np.array([[0], [1], [1], [0]], np.float32), boxes], 1) if five else boxes
        net('RoIAlign', {'X': floats(2 if five else 1, 3, 10, 12), 'R': rois}, spatial_scale=scale, pooled_h=3, pooled_w=2, sampling_ratio=sampling, aligned=aligned)


def elementwise():
    for kind in ('Relu Sigmoid Tanh Exp Abs Negative Floor Ceil Sign Softplus Softsign Erf Sin Cos Tan Atan Sinh Cosh Sqr Cube Cbrt Swish Gelu Elu LeakyRelu '
                 'ThresholdedRelu ReluN HardSigmoid Selu Clip Reciprocal Copy EnsureCPUOutput EnsureDense NanCheck StopGradient Alias Scale').split():
        net(kind, {'X': floats(3, 4, 2)})
    for kind in ('Log', 'Sqrt', 'Rsqrt', 'Reciprocal'):
        net(kind, {'X': positive(3, 4)})
    for kind in ('Asin', 'Acos'):
        net(kind, {'X': floats(3, 4) / 2})
    net('Logit', {'X': rng.uniform(0, 1, (3, 5)).astype(np.float32)})
    net('Logit', {'X': np.array([0, 0.1, 1, 0.5], np.float32)}, eps=0.05)
    net('Gelu', {'X': floats(3, 4)}, fast_gelu=True)
    net('Elu', {'X': floats(3, 4)}, alpha=0.3)
    net('LeakyRelu', {'X': floats(3, 4)}, alpha=0.3)
    net('Selu', {'X': floats(3, 4)}, alpha=1.2, scale=1.7)
    net('HardSigmoid', {'X': floats(3, 4)}, alpha=0.3, beta=0.4)
    net('ThresholdedRelu', {'X': floats(3, 4)}, alpha=0.3)
    net('ReluN', {'X': floats(3, 4)}, n=1.0)
    net('Clip', {'X': floats(3, 4)}, min=-0.5, max=1.0)
    net('Clip', {'X': floats(3, 4)}, max=1.0)
    net('Scale', {'X': floats(3, 4)}, scale=0.3)
    net('Dropout', {'X': floats(3, 4)}, outputs=('Y', 'M'), is_test=1, ratio=0.3)
    for exponent in (2.0, 0.5, 3.0, -1.0):
        net('Pow', {'X': positive(3, 4)}, exponent=exponent)
    net('Pow', {'X': positive(3, 4)}, [floats(4)], broadcast=1)
    net('Pow', {'X': positive(3, 4)}, [floats(3, 4)])
    shapes = (((2, 3, 4, 5), (3,), 1), ((2, 3, 4, 5), (3, 4), 1), ((2, 3, 4, 5), (4, 5), None), ((2, 3, 4, 5), (5,), None), ((2, 3, 4, 5), (1,), None),
              ((2, 3, 4, 5), (2,), 0), ((2, 3), (2, 3), None), ((2, 3, 4, 5), (1, 4), 1), ((2, 3, 4, 5), (3, 1, 1), None), ((2, 3, 4), (4,), 2))
    for kind in ('Add', 'Sub', 'Mul', 'Div'):
        for a, b, axis in shapes:
            more = {} if axis is None else {'axis': axis}
            net(kind, {'X': floats(*a)}, [positive(*b)], broadcast=1, **more)
        net(kind, {'X': floats(2, 3, 4)}, [positive(3, 1)])
        net(kind, {'X': floats(3, 1)}, [positive(2, 3, 4)])
        net(kind, {'A': floats(2, 3), 'B': positive(2, 3)})
        net(kind, {'X': rng.randint(1, 50, (2, 3)).astype(np.int32)}, [rng.randint(1, 9, (2, 3)).astype(np.int32)])
        net(kind, {'X': rng.randint(-50, 50, (2, 3)).astype(np.int64)}, [rng.randint(1, 9, (3,)).astype(np.int64)], broadcast=1)
    net('Mul', {'X': floats(2, 3, 4, 5)}, [floats(3)], broadcast=1, axis_str='C')
    net('Mul', {'X': floats(2, 4, 5, 3)}, [floats(3)], broadcast=1, axis_str='C', order='NHWC')
    for kind in ('EQ', 'NE', 'LT', 'LE', 'GT', 'GE'):
        a, b = rng.randint(0, 4, (3, 4)), rng.randint(0, 4, (3, 4))
        net(kind, {'X': a.astype(np.float32)} if kind not in ('EQ', 'NE') else {'X': a.astype(np.int32)}, [b.astype(np.float32) if kind not in ('EQ', 'NE') else b.astype(np.int32)])
        net(kind, {'X': a.astype(np.int64)}, [b[0].astype(np.int64)], broadcast=1)
        net(kind, {'X': floats(3, 4)}, [floats(3)], broadcast=1, axis=0)
    for kind in ('And', 'Or', 'Xor'):
        net(kind, {'X': rng.rand(3, 4) > 0.5}, [rng.rand(3, 4) > 0.5])
        net(kind, {'X': rng.rand(3, 4) > 0.5}, [rng.rand(4) > 0.5], broadcast=1)
    net('Not', {'X': rng.rand(3, 4) > 0.5})
    for kind in ('Sum', 'Max', 'Min', 'Mean'):
        net(kind, {'A': floats(2, 3), 'B': floats(2, 3), 'C': floats(2, 3)})
        net(kind, {'A': floats(2, 3)})
        net(kind, {'X': floats(2, 3)}, [floats(2, 3)])
    net('SumRelu', {'A': floats(2, 3), 'B': floats(2, 3)})
    net('WeightedSum', {'A': floats(2, 3), 'B': floats(2, 3)}, {'V': floats(1), 'W': floats(1)}, names=['A', 'V', 'B', 'W'])


def matrices():
    for shape, axis, w in (((3, 8), 1, (5, 8)), ((3, 2, 4), 1, (5, 8)), ((3, 2, 4), 2, (5, 4)), ((2, 3, 2, 4), 2, (5, 8)), ((3, 2, 4), -1, (5, 4)), ((3, 2, 2, 2), 1, (5, 2, 2, 2))):
        net('FC', {'X': floats(*shape)}, [floats(*w), floats(5)], axis=axis)
        if len(w) == 2:
            net('FCTransposed', {'X': floats(*shape)}, [floats(w[1], w[0]), floats(5)], axis=axis)
    net('FC', {'X': floats(3, 8)}, [floats(2, 3, 8), floats(6)], axis_w=2)
    net('FC', {'X': floats(3, 8)}, [floats(5, 8), floats(5)])
    for a, b in itertools.product((0, 1), (0, 1)):
        net('MatMul', {'X': floats(*((4, 3) if a else (3, 4)))}, [floats(*((5, 4) if b else (4, 5)))], trans_a=a, trans_b=b)
        net('BatchMatMul', {'X': floats(*((2, 4, 3) if a else (2, 3, 4)))}, [floats(*((2, 5, 4) if b else (2, 4, 5)))], trans_a=a, trans_b=b)
        net('BatchMatMul', {'A': floats(*((2, 6, 4, 3) if a else (2, 6, 3, 4))), 'B': floats(*((6, 5, 4) if b else (6, 4, 5)))}, trans_a=a, trans_b=b, broadcast=1)
    net('MatMul', {'X': floats(2, 3, 4)}, [floats(12, 5)])
    net('MatMul', {'X': floats(2, 3, 4)}, [floats(2, 2, 5)], axis_a=2, axis_b=2)


def shapes():
    x = floats(2, 3, 4)
    for shape in ((2, 12), (0, -1), (-1, 4), (0, 0, 2, 2), (24,), (-1, 3, 4)):
        net('Reshape', {'X': x}, outputs=('Y', 'O'), shape=shape)
    net('Reshape', {'X': x}, [np.array([0, -1], np.int64)], outputs=('Y', 'O'), keep=('O',))
    net('Reshape', {'X': x}, [np.array([4, 6], np.int32)], outputs=('Y', 'O'))
    for axis in (0, 1, 2, 3):
        net('Flatten', {'X': x}, axis=axis)
    net('FlattenToVec', {'X': x})
    net('ResizeLike', {'A': x, 'B': floats(4, 6)})
    for dims in ([0], [1, 3], [0, 1, 4]):
        net('ExpandDims', {'X': x}, dims=dims)
    net('Squeeze', {'X': floats(1, 3, 1, 4)}, dims=[0, 2])
    net('Squeeze', {'X': floats(2, 3, 1, 4)}, dims=[2])
    net('MergeDim', {'X': x})
    net('PrependDim', {'X': floats(6, 4)}, dim_size=3)
    net('Expand', {'X': floats(3, 1)}, [np.array([2, 3, 4], np.int64)])
    for axes in ((0, 1, 2), (2, 0, 1), (1, 2, 0), None):
        net('Transpose', {'X': x}, **({} if axes is None else {'axes': axes}))
    for shape in ((2, 3, 4, 5), (2, 3, 4), (2, 3, 4, 2, 2)):
        net('NCHW2NHWC', {'X': floats(*shape)})
        net('NHWC2NCHW', {'X': floats(*shape)})
    for axis, more in ((0, {}), (1, {}), (2, {}), (-1, {}), (0, {'add_axis': 1}), (1, {'add_axis': 1}), (2, {'add_axis': 1})):
        other = list(x.shape)
        if not more:
            other[axis] = 5
        net('Concat', {'A': x, 'B': floats(*other)}, outputs=('Y', 'D'), keep=('D',), axis=axis, **more)
        net('Concat', {'A': x}, [floats(*other)], outputs=('Y', 'D'), axis=axis, **more)
    for order in ('NCHW', 'NHWC'):
        net('Concat', {'A': floats(2, 3, 4, 5), 'B': floats(2, 3, 4, 5)}, outputs=('Y', 'D'), order=order)
        net('DepthConcat', {'A': floats(2, 3, 4, 5), 'B': floats(2, 3, 4, 5)}, outputs=('Y', 'D'), order=order)
        net('Split', {'X': floats(2, 6, 4, 6)}, outputs=('A', 'B', 'C'), keep=('A', 'B', 'C'), order=order)
        net('DepthSplit', {'X': floats(2, 6, 4, 6)}, [np.array([1, 2, 3], np.int32)], outputs=('A', 'B', 'C'), keep=('A', 'B', 'C'), order=order)
    net('Split', {'X': floats(2, 6, 4)}, outputs=('A', 'B'), keep=('A', 'B'), axis=1, split=[2, 4])
    net('Split', {'X': floats(2, 6, 4)}, outputs=('A', 'B'), keep=('A', 'B'), axis=0, add_axis=1)
    net('Split', {'X': floats(2, 6, 4)}, [np.array([1, 5], np.int32)], outputs=('A', 'B'), keep=('A', 'B'), axis=1)
    for axis, tiles in ((0, 2), (1, 3), (2, 2), (-1, 2)):
        net('Tile', {'X': x}, axis=axis, tiles=tiles)
    net('NumpyTile', {'X': x}, [np.array([2, 1, 3], np.int64)])
    net('Shape', {'X': x})
    net('Shape', {'X': x}, axes=[2, 0])
    net('Size', {'X': x})


def selections():
    x = floats(4, 5, 6)
    for axis, start, end in itertools.product((0, 1, 2), (0, 1, -3, -1), (-1, -2, 3, 10)):
        starts, ends = [0, 0, 0], [-1, -1, -1]
        starts[axis], ends[axis] = start, end
        net('Slice', {'X': x}, starts=starts, ends=ends)
        net('Slice', {'X': x}, [np.array(starts, np.int32), np.array(ends, np.int32)])
    net('Slice', {'X': x, 'S': np.array([0, 1, 0], np.int32), 'E': np.array([-1, -2, -1], np.int32)})
    for kind in (np.int32, np.int64):
        net('Gather', {'I': np.array([2, 0, 4], kind)}, {'T': floats(5, 3)}, names=['T', 'I'])
        net('Gather', {'I': np.array([[2, 0], [1, 4]], kind)}, {'T': floats(5, 3, 2)}, names=['T', 'I'])
        net('Gather', {'X': floats(4, 5)}, [np.array([3, 1], kind)], axis=1)
        net('BatchGather', {'X': floats(4, 5, 2)}, [np.array([3, 1, 1], kind)])
        net('BatchGather', {'X': floats(4, 5)}, [np.array([[3, 1], [0, 0]], kind)])
    net('OneHot', {'I': np.array([2, 0, 3], np.int64)}, [np.array([5], np.int64)])
    for axis, keep in itertools.product((0, 1, 2, -1), (0, 1)):
        net('ArgMax', {'X': x}, axis=axis, keepdims=keep)
        net('ArgMin', {'X': x}, axis=axis, keepdims=keep)
    for k, axis in ((1, -1), (3, 2), (2, 0), (4, 1)):
        net('TopK', {'X': x}, outputs=('V', 'I'), keep=('V', 'I'), k=k, axis=axis)
    net('TopK', {'X': np.array([[1, 3, 3, 2, 3, 1]], np.float32)}, outputs=('V', 'I', 'F'), keep=('V', 'I'), k=4)
    net('TopK', {'X': x}, [np.array([2], np.int64)], outputs=('V', 'I'), keep=('V', 'I'))
    net('Where', {'C': rng.rand(3, 4) > 0.5, 'A': floats(3, 4), 'B': floats(3, 4)})
    net('Where', {'C': rng.rand(3) > 0.5, 'A': floats(3, 4), 'B': floats(3, 4)}, broadcast_on_rows=1)
    for to in (1, 2, 5, 6, 10, 13, 'float', 'int32', 'int64'):
        net('Cast', {'X': (floats(3, 4) * 3 if to != 6 else positive(3, 4) * 5)}, to=to)
        net('Cast', {'X': rng.randint(0, 5, (3, 4)).astype(np.int32)}, to=to)
    for dtype in (np.int32, np.int64):
        net('Range', {}, [np.array(6, dtype).reshape(1)])
        net('Range', {}, [np.array([2], dtype), np.array([9], dtype), np.array([3], dtype)])
    net('ConstantFill', {}, shape=[2, 3], value=1.5)
    net('ConstantFill', {}, shape=[2, 3], value=7, dtype=2)
    net('ConstantFill', {}, shape=[4], value=3, dtype=10)
    net('ConstantFill', {}, shape=[2, 2], value=True, dtype=5)
    net('ConstantFill', {'X': x}, value=0.5)
    net('ConstantFill', {'X': x}, value=0.5, extra_shape=[2])
    net('ConstantFill', {'S': np.array([2, 3], np.int64)}, value=2, dtype=10, input_as_shape=1)
    net('GivenTensorDoubleFill', {}, shape=[2], values=[0.1, 0.2])
    net('GivenTensorInt16Fill', {}, shape=[3], values=[1, -2, 300])


def reductions():
    x = floats(2, 3, 4, 5)
    for kind in ('ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2'):
        for axes, keep in itertools.product(([0], [1, 2], [3], [0, 2, 3]), (0, 1)):
            net(kind, {'X': x}, axes=axes, keepdims=keep)
        net(kind, {'X': x})
        net(kind, {'X': x}, keepdims=0)
    for side, what in itertools.product(('Front', 'Back'), ('Sum', 'Mean', 'Max')):
        for count in (1, 2, 3):
            net('Reduce%s%s' % (side, what), {'X': x}, num_reduce_dim=count)
        net('Reduce%s%s' % (side, what), {'X': x})
    net('ReduceTailSum', {'X': x})
    net('RowwiseMax', {'X': floats(2, 3, 4)})
    net('ColwiseMax', {'X': floats(2, 3, 4)})
    for axes, keep in itertools.product(([0], [1, 2], [0, 1, 2, 3]), (0, 1)):
        net('Moments', {'X': x}, outputs=('M', 'V'), keep=('M', 'V'), axes=axes, keepdims=keep)
    net('SumElements', {'X': x})
    net('SumElements', {'X': x}, average=True)
    net('SumSqrElements', {'X': x})
    for kind in ('DotProduct', 'SquaredL2Distance', 'L1Distance'):
        net(kind, {'A': floats(3, 4), 'B': floats(3, 4)})
        net(kind, {'A': floats(3, 2, 4), 'B': floats(3, 2, 4)})


def segments():
    for lengths in ([3], [2, 0, 4], [0, 0, 1, 2], [0], [1, 1, 1], [0, 5, 0]):
        n = sum(lengths)
        lengths = np.array(lengths, np.int32)
        table, indices = floats(20, 6), rng.randint(0, 20, n).astype(np.int64)
        cube = floats(20, 2, 3)
        for data in (table, cube):
            for kind in ('SparseLengthsSum', 'SparseLengthsMean'):
                net(kind, {'I': indices, 'L': lengths}, {'T': data}, names=['T', 'I', 'L'])
                net(kind, {'I': indices.astype(np.int32), 'L': lengths}, {'T': data}, names=['T', 'I', 'L'])
            net('SparseLengthsWeightedSum', {'W': floats(n), 'I': indices, 'L': lengths}, {'T': data}, names=['T', 'W', 'I', 'L'])
        for kind in ('LengthsSum', 'LengthsMean'):
            net(kind, {'X': floats(n, 4), 'L': lengths})
        net('LengthsSum', {'X': floats(n), 'L': lengths})
        net('LengthsWeightedSum', {'X': floats(n, 4), 'W': floats(n), 'L': lengths})


if __name__ == '__main__':
    workspace.GlobalInit(['caffe2', '--caffe2_log_level=4'])
    for family in (convolutions, pools, norms, elementwise, matrices, shapes, selections, reductions, segments):
        family()
    for line in skipped:
        print('not by Caffe2:', line)
    print(sum(counts.values()), 'nets of', len(counts), 'operators,', len(skipped), 'of them refused by Caffe2')
