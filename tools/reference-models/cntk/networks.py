"""Real networks of CNTK 2.7 with random weights, CNTK's answers, and how long CNTK takes.

    python networks.py OUTDIR

For each network OUTDIR/NAME holds NAME.model, golden.json (one call) and timing.json: milliseconds to load, and of the median of some
calls with one row, on the CPU. Runs where functions.py runs. `node tools/reference-models/cntk/compare.mjs OUTDIR` compares.
"""
import json
import os
import sys
import time

import numpy as np
import cntk as C
from cntk.layers import (AveragePooling, BatchNormalization, Convolution2D, Dense, Embedding, GlobalAveragePooling, GRU, LSTM,
                         MaxPooling, Recurrence, Sequential)
from functions import tensor

rng = np.random.RandomState(11)
HE = C.he_normal()


def conv(x, size, filters, strides=1, pad=True, activation=C.relu):
    y = Convolution2D((size, size) if np.isscalar(size) else size, filters, strides=strides, pad=pad, bias=False, init=HE)(x)
    y = BatchNormalization(map_rank=1)(y)
    return activation(y) if activation else y


def resnet(blocks, bottleneck):
    x = C.input_variable((3, 224, 224), name='image')
    y = MaxPooling((3, 3), strides=2, pad=True)(conv((x - 0.45) / 0.225, 7, 64, 2))
    for stage, count in enumerate(blocks):
        filters = 64 << stage
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            out = filters * 4 if bottleneck else filters
            short = y if stride == 1 and y.shape[0] == out else conv(y, 1, out, stride, activation=None)
            if bottleneck:
                z = conv(conv(conv(y, 1, filters, stride), 3, filters), 1, out, activation=None)
            else:
                z = conv(conv(y, 3, filters, stride), 3, out, activation=None)
            y = C.relu(z + short)
    logits = Dense(1000, name='logits')(GlobalAveragePooling()(y))
    return C.combine([logits, C.softmax(logits, name='prob')])


def inception():
    x = C.input_variable((3, 224, 224), name='image')
    y = MaxPooling((3, 3), strides=2, pad=True)(conv(x, 7, 64, 2))
    y = MaxPooling((3, 3), strides=2, pad=True)(conv(conv(y, 1, 64), 3, 192))
    for i, width in enumerate((64, 96, 128, 160, 192, 224)):
        parts = [conv(y, 1, width), conv(conv(y, 1, 64), 3, width), conv(conv(conv(y, 1, 64), (1, 7), 64), (7, 1), width),
                 conv((AveragePooling if i % 2 else MaxPooling)((3, 3), strides=1, pad=True)(y), 1, 32)]
        y = C.splice(*parts, axis=0)
        if i in (1, 4):
            y = C.splice(conv(y, 3, 128, 2), MaxPooling((3, 3), strides=2, pad=True)(y), axis=0)
    y = C.layers.Dropout(0.4)(AveragePooling((7, 7))(y))
    logits = Dense(1000, name='logits')(y)
    return C.combine([logits, C.softmax(logits, name='prob')])


def tagger():
    x = C.sequence.input_variable(1000, name='words')
    y = Embedding(100)(x)
    for _ in range(2):
        y = Sequential([(Recurrence(LSTM(150)), Recurrence(LSTM(150), go_backwards=True)), C.splice])(y)
    return C.softmax(Dense(50)(y), name='tags')


def classifier():
    x = C.sequence.input_variable(40, name='frames')
    return C.softmax(Dense(10)(C.sequence.last(Recurrence(GRU(128))(Recurrence(GRU(128))(x)))), name='class')


NETWORKS = {
    'resnet18': (lambda: resnet((2, 2, 2, 2), False), (3, 224, 224)),
    'resnet50': (lambda: resnet((3, 4, 6, 3), True), (3, 224, 224)),
    'inception': (inception, (3, 224, 224)),
    'lstm_tagger': (tagger, (30, 1000)),
    'gru_classifier': (classifier, (50, 40)),
}


def main():
    out = sys.argv[1]
    for name, (make, shape) in NETWORKS.items():
        z = make()
        for p in list(z.parameters) + list(z.constants):
            if p.name in ('scale', 'aggregate_variance'):
                p.value = rng.uniform(0.6, 1.2, p.shape).astype(np.float32)
            elif p.name in ('bias', 'aggregate_mean'):
                p.value = rng.uniform(-0.1, 0.1, p.shape).astype(np.float32)
        folder = os.path.join(out, name)
        os.makedirs(folder)
        path = os.path.join(folder, name + '.model')
        z.save(path)
        began = time.time()
        model = C.load_model(path)
        loaded = (time.time() - began) * 1000
        x = rng.uniform(-1, 1, (1,) + shape).astype(np.float32)
        if name == 'lstm_tagger':
            x = np.eye(1000, dtype=np.float32)[rng.randint(0, 1000, (1, 30))]
        (argument,) = model.arguments
        feed = {argument: list(x) if any(a.is_ordered for a in argument.dynamic_axes) else x}
        times = []
        for _ in range(3 if 'res' in name or name == 'inception' else 10):
            began = time.time()
            y = model.eval(feed)
            times.append((time.time() - began) * 1000)
        answers = y if isinstance(y, dict) else {model.outputs[0]: y}
        outputs = {v.name: tensor(np.stack([np.asarray(i) for i in a]) if isinstance(a, list) else a) for v, a in answers.items()}
        case = {'signature': 'serving_default', 'inputs': {argument.name: tensor(x)}, 'outputs': outputs}
        with open(os.path.join(folder, 'golden.json'), 'w') as f:
            json.dump([case], f)
        with open(os.path.join(folder, 'timing.json'), 'w') as f:
            json.dump({'load_ms': round(loaded), 'call_ms': round(float(np.median(times[1:])), 2)}, f)
        print(name, 'load', round(loaded), 'ms, call', round(float(np.median(times[1:])), 2), 'ms')


if __name__ == '__main__':
    main()
