"""Networks of the Gluon model zoo with random weights, answered and timed by MXNet 1.9.1 (CPython 3.8, numpy < 1.20).

    python zoo.py OUTDIR [NAME...]

Writes OUTDIR/NAME/{NAME-symbol.json,NAME-0000.params,golden.json,mxnet.json}; compare.mjs compares them with this server's answers.
Each layer's weights are scaled so that activations neither vanish nor grow, and batch normalization has moments of the data.
"""
import json
import os
import sys
import time

os.environ["MXNET_SUBGRAPH_VERBOSE"] = "0"
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon.model_zoo import vision

OUT = sys.argv[1]
NAMES = sys.argv[2:] or ["resnet18_v1", "resnet50_v1", "resnet50_v2", "mobilenet1.0", "mobilenetv2_1.0", "densenet121", "inceptionv3", "squeezenet1.0", "vgg11_bn", "alexnet"]


def tensor(array):
    return {"dtype": array.dtype.name, "shape": list(array.shape), "data": [float("%.9g" % v) for v in array.ravel()]}


for name in NAMES:
    mx.random.seed(3)
    np.random.seed(3)
    size = 299 if name == "inceptionv3" else 224
    net = vision.get_model(name, classes=1000)
    net.initialize(mx.init.MSRAPrelu(slope=0))
    net.hybridize()
    x = nd.random.normal(shape=(2, 3, size, size))
    # Runs as in training move the mean and variance to those of the data.
    with autograd.train_mode():
        for _ in range(20):
            net(x)
    for key, parameter in net.collect_params().items():
        value = parameter.data()
        if key.endswith(("gamma", "beta", "bias")):
            parameter.set_data(value + nd.random.normal(scale=0.1, shape=value.shape))
    folder = os.path.join(OUT, name.replace(".", "_"))
    os.makedirs(folder, exist_ok=True)
    prefix = os.path.join(folder, os.path.basename(folder))
    net(x)
    net.export(prefix, 0)
    names = mx.sym.load(prefix + "-symbol.json").list_outputs()
    entries = []
    for feed in (x[:1], x):
        y = net(feed).asnumpy()
        entries.append({"signature": "serving_default", "inputs": {"data": tensor(feed.asnumpy())}, "outputs": {names[0]: tensor(y)}})
    spread = [float(y.std()), float(np.abs(y).max())]
    times = []
    for _ in range(12):
        start = time.perf_counter()
        net(x[:1]).wait_to_read()
        times.append((time.perf_counter() - start) * 1000)
    start = time.perf_counter()
    gluon.SymbolBlock.imports(prefix + "-symbol.json", ["data"], prefix + "-0000.params")(x[:1]).wait_to_read()
    load = (time.perf_counter() - start) * 1000
    with open(os.path.join(folder, "golden.json"), "w") as file:
        json.dump(entries, file)
    with open(os.path.join(folder, "mxnet.json"), "w") as file:
        json.dump({"call_ms": sorted(times)[len(times) // 2], "load_ms": load}, file)
    print(name, "std %.3g, largest %.3g, %.1f ms a call, %.0f ms to load and call" % (spread[0], spread[1], sorted(times)[6], load), flush=True)
