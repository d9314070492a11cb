"""Networks of known designs with random weights, with Caffe2's own answers, load times and latencies.

Usage: python networks.py OUTDIR [NAME ...]

CPython 3.7 with torch==1.4.0 torchvision==0.5.0 onnx==1.7.0 "numpy<1.22" "protobuf<3.21" future six. `brew_*` are put together with
Caffe2's own helpers and written by its mobile_exporter; the others come from PyTorch through ONNX and Caffe2's own importer of it.
Writes OUTDIR/NAME/{init_net.pb,predict_net.pb,golden.json,caffe2.json}; the last holds milliseconds.
"""
import io
import json
import os
import sys
import time

import numpy as np
import onnx
import torch
import torchvision
from caffe2.python import brew, core, model_helper, workspace
from caffe2.python.onnx.backend import Caffe2Backend
from caffe2.python.predictor import mobile_exporter

OUT = sys.argv[1]
ASKED = sys.argv[2:]
rng = np.random.RandomState(5)
RUNS = 20


def tensor(a):
    return {'dtype': str(a.dtype), 'shape': list(a.shape), 'data': [float('%.9g' % float(x)) for x in a.reshape(-1)]}


def write(name, init, predict, images, outputs):
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, each) for each in ('init_net.pb', 'predict_net.pb')]
    for path, net in zip(paths, (init, predict)):
        with open(path, 'wb') as f:
            f.write(net.SerializeToString())
    workspace.ResetWorkspace()
    start = time.time()
    blobs = [open(path, 'rb').read() for path in paths]
    predictor = workspace.Predictor(*blobs)
    load = time.time() - start
    cases, times = [], []
    for image in images:
        answers = predictor.run([image])
        cases.append({'signature': 'serving_default', 'inputs': {IMAGE[0]: tensor(image)},
                      'outputs': {o: tensor(a) for o, a in zip(outputs, answers)}})
    for _ in range(RUNS):
        start = time.time()
        predictor.run([images[0]])
        times.append(time.time() - start)
    with open(os.path.join(folder, 'golden.json'), 'w') as f:
        json.dump(cases, f)
        f.write('\n')
    took = {'load': round(load * 1e3, 1), 'run': round(sorted(times)[len(times) // 2] * 1e3, 2), 'bytes': sum(len(b) for b in blobs)}
    json.dump(took, open(os.path.join(folder, 'caffe2.json'), 'w'))
    print(name, took, flush=True)


IMAGE = ['data']


def randomised(model):
    """Weights of a size that keeps activations from growing or vanishing; statistics that batch normalization has after training."""
    workspace.RunNetOnce(model.param_init_net)
    for p in list(model.params) + list(model.GetComputedParams()):
        name, v = str(p), workspace.FetchBlob(str(p))
        if name.endswith(('_s', '_siv', '_riv')):
            v = rng.uniform(0.5, 1.5, v.shape)
        elif v.ndim == 1:
            v = rng.uniform(-0.3, 0.3, v.shape)
        else:
            v = rng.randn(*v.shape) * np.sqrt(2.0 / np.prod(v.shape[1:]))
        workspace.FeedBlob(name, v.astype(np.float32))


def brewed(name, build, size):
    workspace.ResetWorkspace()
    model = model_helper.ModelHelper(name=name, arg_scope={'order': 'NCHW'}, init_params=True)
    out = str(build(model))
    randomised(model)
    params = list(model.params) + [p for p in model.GetComputedParams() if p not in model.params]
    init, predict = mobile_exporter.Export(workspace, model.net, params)
    del predict.external_output[:]
    predict.external_output.extend([out])
    IMAGE[0] = 'data'
    write(name, init, predict, [rng.uniform(-1, 1, (n, 3, size, size)).astype(np.float32) for n in (1, 2)], [out])


def resnet50(model):
    from caffe2.python.models import resnet
    resnet.create_resnet50(model, 'data', num_input_channels=3, num_labels=1000, is_test=True, no_loss=True, no_bias=True)
    return 'last_out_L1000'


def conv(m, x, name, i, o, k, **more):
    x = brew.conv(m, x, name, dim_in=i, dim_out=o, kernel=k, **more)
    return brew.relu(m, x, x)


def inception(m):
    """Branches side by side, Caffe's pooling that rounds up, LRN, SAME and VALID padding."""
    x = conv(m, 'data', 'c1', 3, 32, 7, stride=2, pad=3)
    x = brew.max_pool(m, x, 'p1', kernel=3, stride=2, legacy_pad=3)
    x = m.net.LRN(x, ['n1', '_n1'], size=5, alpha=1e-4, beta=0.75, bias=1.0)[0]
    width = 32
    for block in range(4):
        b = 'i%d_' % block
        one = conv(m, x, b + '1', width, 32, 1)
        three = conv(m, conv(m, x, b + '3r', width, 24, 1), b + '3', 24, 48, 3, pad=1)
        five = conv(m, conv(m, x, b + '5r', width, 8, 1), b + '5', 8, 16, 5, legacy_pad=2)
        pool = conv(m, brew.max_pool(m, x, b + 'p', kernel=3, stride=1, pad=1, legacy_pad=3), b + 'pp', width, 16, 1, legacy_pad=1)
        x = brew.concat(m, [one, three, five, pool], b + 'out')
        width = 112
        if block % 2:
            x = brew.max_pool(m, x, b + 'down', kernel=3, stride=2, legacy_pad=3)
    x = brew.average_pool(m, x, 'gap', global_pooling=1, kernel=0)
    x = brew.dropout(m, x, 'drop', ratio=0.4, is_test=1)
    x = brew.fc(m, x, 'fc', dim_in=width, dim_out=100)
    return m.net.Softmax(x, 'softmax')


def mobilenet(m):
    """Depthwise separable convolutions."""
    x = conv(m, 'data', 'c1', 3, 16, 3, stride=2, pad=1)
    width = 16
    for i, (o, stride) in enumerate([(32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2)]):
        x = brew.conv(m, x, 'd%d' % i, dim_in=width, dim_out=width, kernel=3, stride=stride, pad=1, group=width, no_bias=True)
        x = brew.relu(m, brew.spatial_bn(m, x, 'd%d_bn' % i, width, is_test=True), 'd%d_r' % i)
        x = brew.conv(m, x, 'p%d' % i, dim_in=width, dim_out=o, kernel=1, no_bias=True)
        x = m.net.Clip(brew.spatial_bn(m, x, 'p%d_bn' % i, o, is_test=True), 'p%d_r' % i, min=0.0, max=6.0)
        width = o
    x = m.net.ReduceBackMean(m.net.ReduceBackMean(x, 'm1'), 'm2')
    return m.net.Softmax(brew.fc(m, x, 'fc', dim_in=width, dim_out=100), 'softmax')


def exported(name, build, size):
    torch.manual_seed(3)
    module = build()
    for each in module.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            each.running_mean.uniform_(-0.1, 0.1)
            each.running_var.uniform_(0.8, 1.2)
    module.eval()
    file = io.BytesIO()
    torch.onnx.export(module, torch.zeros(1, 3, size, size), file, keep_initializers_as_inputs=True, input_names=['data'], output_names=['prob'])
    init, predict = Caffe2Backend.onnx_graph_to_caffe2_net(onnx.load_from_string(file.getvalue()))
    IMAGE[0] = 'data'
    write(name, init, predict, [rng.uniform(-1, 1, (1, 3, size, size)).astype(np.float32)], list(predict.external_output))


NETWORKS = {
    'brew_resnet50': lambda n: brewed(n, resnet50, 224),
    'brew_inception': lambda n: brewed(n, inception, 224),
    'brew_mobilenet': lambda n: brewed(n, mobilenet, 224),
    'resnet18': lambda n: exported(n, torchvision.models.resnet18, 224),
    'densenet121': lambda n: exported(n, torchvision.models.densenet121, 224),
    'squeezenet1_1': lambda n: exported(n, torchvision.models.squeezenet1_1, 224),
    'mobilenet_v2': lambda n: exported(n, torchvision.models.mobilenet_v2, 224),
    'googlenet': lambda n: exported(n, lambda: torchvision.models.googlenet(aux_logits=False, init_weights=False), 224),
    'inception_v3': lambda n: exported(n, lambda: torchvision.models.inception_v3(aux_logits=False), 299),
    'shufflenet_v2': lambda n: exported(n, torchvision.models.shufflenet_v2_x1_0, 224),
    'mnasnet': lambda n: exported(n, torchvision.models.mnasnet1_0, 224),
    'alexnet': lambda n: exported(n, torchvision.models.alexnet, 224),
}

if __name__ == '__main__':
    workspace.GlobalInit(['caffe2', '--caffe2_log_level=4'])
    for name, make in NETWORKS.items():
        if ASKED and name not in ASKED:
            continue
        try:
            make(name)
        except Exception as e:
            print(name, 'could not be made:', str(e).split('\n')[0][:300], flush=True)
