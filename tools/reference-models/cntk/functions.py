"""Functions of CNTK 2.7 over random attributes and shapes, each a model with CNTK's answers.

    python functions.py OUTDIR            what test/fixtures/cntk/functions holds: a few cases of each kind, many in a model
    python functions.py OUTDIR SEED N     N rounds of every kind at random, each case a model of its own

Runs on CPython 3.6 with cntk==2.7 (PyPI), which needs Open MPI's libraries under the names libmpi.so.12 and libmpi_cxx.so.1.
"""
import json
import os
import sys

import numpy as np
import cntk as C

C.device.try_set_default_device(C.cpu())
f32 = np.float32


def tensor(a):
    a = np.ascontiguousarray(a)
    data = [("NaN" if np.isnan(x) else "Infinity" if x > 0 else "-Infinity") if not np.isfinite(x) else float('%.9g' % float(x))
            for x in a.reshape(-1)]
    return {'dtype': str(a.dtype), 'shape': list(a.shape), 'data': data}


class Cases:
    def __init__(self, seed, length=None):
        """Sequences are of a length, or of any."""
        self.length = length
        self.rng = np.random.RandomState(seed)
        self.found = []

    def add(self, name, function, feeds):
        self.found.append((name, function, feeds))

    def pick(self, *options):
        return options[self.rng.randint(len(options))]

    def some(self, *shape):
        return self.rng.uniform(-1, 1, shape).astype(f32)

    def constant(self, *shape):
        return C.constant(self.some(*shape))

    def input(self, *shape, batch=2):
        v = C.input_variable(shape)
        return v, {v: self.some(batch, *shape)}

    def sequence(self, *shape, batch=2, length=None):
        v = C.sequence.input_variable(shape)
        return v, {v: self.some(batch, self.length or length or self.rng.randint(2, 6), *shape)}

    # Kinds of cases, each one case or several.

    def elementwise(self):
        x, feed = self.input(2, 3)
        wide = {x: feed[x] * 3}
        inside = {x: feed[x] * f32(0.9)}
        for name in 'negate sigmoid tanh relu exp floor abs sin cos tan sinh cosh atan asinh elu selu ceil round softplus softsign sqrt reciprocal'.split():
            self.add(name, getattr(C, name)(x), wide)
        for name in 'asin acos atanh log'.split():
            self.add(name, getattr(C, name)(x), inside)
        self.add('log_of_zero', C.log(x * 0), wide)
        self.add('root_below_zero', C.sqrt(-C.abs(x)), wide)
        self.add('reciprocal_of_zero', C.reciprocal(C.floor(x)), wide)
        self.add('elu_alpha', C.elu(x, 0.3), wide)
        self.add('leaky', C.leaky_relu(x, 0.2), wide)
        self.add('prelu', C.param_relu(self.constant(2, 3), x), wide)
        self.add('hard_sigmoid', C.hard_sigmoid(x, 0.3, 0.4), wide)
        self.add('straight', C.straight_through_impl(x), wide)
        self.add('zeros', C.zeros_like(x), wide)
        self.add('ones', C.ones_like(x), wide)
        self.add('dropout', C.dropout(x, 0.4), wide)
        self.add('stop', C.stop_gradient(x), wide)
        self.add('to_double', C.cast(C.cast(x, np.float64), f32), wide)
        self.add('double', C.cast(x, np.float64), wide)
        self.add('clip', C.clip(x, -0.5, 1.5), wide)
        self.add('clip_by_tensor', C.clip(x, C.constant(np.array([-1, -0.5, 0], f32)), 1.0), wide)

    def binary(self):
        shapes = self.pick(((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((4, 2, 3), (3,)), ((), (2, 3)))
        x, fx = self.input(*shapes[0])
        y, fy = self.input(*shapes[1])
        k = self.constant(*shapes[1])
        feed = dict(fx)
        feed.update(fy)
        small = {x: np.round(fx[x] * 2), y: np.round(fy[y] * 2)}
        for name in 'plus minus element_times element_divide log_add_exp element_max element_min'.split():
            self.add(name, getattr(C, name)(x, y), feed)
            self.add(name + '_constant', getattr(C, name)(x, k), fx)
        for name in 'equal not_equal less less_equal greater greater_equal element_and element_or element_xor'.split():
            self.add(name, getattr(C, name)(x, y), small)
        self.add('pow', C.pow(C.abs(x) + 0.1, y), feed)
        self.add('select', C.element_select(C.greater(x, 0), x, y), feed)
        self.add('select_scalar', C.element_select(x, y, 2), small)
        s, fs = self.sequence(*shapes[1])
        feed = dict(fx)
        feed.update(fs)
        self.add('sequence_with_batch', C.plus(x, s), feed)
        self.add('sequence_with_constant', C.element_times(self.constant(*shapes[0]), s), fs)

    def products(self):
        r, o, m = (self.rng.randint(1, 5) for _ in range(3))
        x, feed = self.input(m, r)
        v, fv = self.input(r)
        s, fs = self.sequence(r)
        w, wide = self.constant(r, o), self.constant(m, r, 2, o)
        self.add('times', C.times(v, w), fv)
        self.add('times_rows', C.times(x, w), feed)
        self.add('times_sequence', C.times(s, w), fs)
        self.add('times_tensor', C.times(x, wide, output_rank=2, infer_input_rank_to_map=0), feed)
        self.add('times_outputs', C.times(v, self.constant(r, 2, o), output_rank=2), fv)
        self.add('times_transpose', C.times_transpose(v, self.constant(o, r)), fv)
        a, fa = self.input(3, m)
        both = dict(feed)
        both.update(fa)
        self.add('times_both', C.times(a, x), both)
        self.add('dense', C.layers.Dense(4, activation=C.tanh)(C.layers.Dense((2, 3))(x)), feed)
        self.add('dense_of_image', C.layers.Dense(3)(self.remember(2, 3, 4)), self.last)
        self.add('embedding', C.layers.Embedding(3)(s), fs)
        q, fq = self.sequence(m, r)
        self.add('times_rows_of_sequence', C.times(q, w), fq)
        both = dict(fv)
        k, fk = self.input(r, 2)
        both.update(fk)
        self.add('vector_by_matrix', C.times(v, k), both)
        both = dict(fs)
        both.update(fk)
        self.add('sequence_by_matrix', C.times(s, k), both)

    def remember(self, *shape, **more):
        v, self.last = self.input(*shape, **more)
        return v

    def convolution(self):
        n = self.pick(1, 2, 2, 2, 3)
        channels, outputs = self.rng.randint(1, 4), self.rng.randint(1, 4)
        kernel = [self.rng.randint(1, 5) for _ in range(n)]
        size = [self.rng.randint(5, 9) for _ in range(n)]
        stride = [self.rng.randint(1, 4) for _ in range(n)]
        dilation = [self.rng.randint(1, 3) if s == 1 else 1 for s in stride]
        centred = [bool(self.rng.randint(2)) for _ in range(n)]
        x, feed = self.input(channels, *size)
        w = self.constant(outputs, channels, *kernel)
        what = 'k%s_s%s_d%s_i%s_p%s' % tuple(''.join(str(int(i)) for i in q) for q in (kernel, stride, dilation, size, centred))
        try:
            z = C.convolution(w, x, strides=tuple(stride), auto_padding=[False] + centred, dilation=tuple(dilation))
            self.add('conv_' + what, z, feed)
        except Exception:
            pass
        if n == 2:
            groups = self.rng.randint(2, 4)
            x2, feed2 = self.input(channels * groups, *size)
            w2 = self.constant(outputs * groups, channels, *kernel)
            # On CPUs CNTK 2.7 gives other answers from the second group on where padding is not the same on both sides.
            even = [c and k % 2 == 1 and (i - 1) % q % 2 == 0 for c, k, i, q in zip(centred, kernel, size, stride)]
            z = C.convolution(w2, x2, strides=tuple(stride), auto_padding=[False] + even, groups=groups)
            self.add('conv_groups_' + what, z, feed2)
            s, fs = self.sequence(channels, *size)
            self.add('conv_of_sequence_' + what, C.convolution(w, s, strides=tuple(stride), auto_padding=[False] + centred), fs)
        for rank, layer in ((1, C.layers.Convolution1D), (2, C.layers.Convolution2D), (3, C.layers.Convolution3D)):
            if n == rank:
                self.add('layer_' + what, layer(tuple(kernel), outputs, pad=tuple(centred), strides=tuple(stride))(x), feed)

    def sequence_convolution(self):
        s, feed = self.sequence(3, length=6)
        pad = bool(self.rng.randint(2))
        k = self.rng.randint(1, 4)
        self.add('conv_along_%d_%d' % (k, pad), C.convolution(self.constant(4, 3, k), s, sequential=True, auto_padding=[False, pad]), feed)
        q, fq = self.sequence(2, 5, length=6)
        self.add('conv_along_image_%d_%d' % (k, pad), C.convolution(self.constant(4, 2, k, 3), q, sequential=True, auto_padding=[False, pad, True]), fq)
        self.add('layer_along_%d' % k, C.layers.Convolution((3,), 5, sequential=True, pad=True)(s), feed)

    def transposed(self):
        n = self.pick(1, 2, 2, 3)
        channels, outputs = self.rng.randint(1, 4), self.rng.randint(1, 4)
        kernel = [self.rng.randint(1, 5) for _ in range(n)]
        size = [self.rng.randint(2, 5) for _ in range(n)]
        stride = [self.rng.randint(1, 1 + min(3, k)) for k in kernel]
        centred = [bool(self.rng.randint(2)) for _ in range(n)]
        x, feed = self.input(channels, *size)
        w = self.constant(channels, outputs, *kernel)
        what = 'k%s_s%s_i%s_p%s' % tuple(''.join(str(int(i)) for i in q) for q in (kernel, stride, size, centred))
        self.add('deconv_' + what, C.convolution_transpose(w, x, strides=tuple(stride), auto_padding=[False] + centred), feed)
        if n == 2:
            shape = tuple((i - 1) * s + 1 + (self.rng.randint(0, s) if p else k - 1) for i, s, k, p in zip(size, stride, kernel, centred))
            z = C.convolution_transpose(w, x, strides=tuple(stride), auto_padding=[False] + centred, output_shape=(outputs,) + shape)
            self.add('deconv_to_%s_%s' % ('x'.join(map(str, shape)), what), z, feed)

    def pooling(self):
        n = self.pick(1, 2, 2, 3)
        window = [self.rng.randint(1, 4) for _ in range(n)]
        stride = [self.rng.randint(1, 4) for _ in range(n)]
        size = [self.rng.randint(4, 9) for _ in range(n)]
        centred = [bool(self.rng.randint(2)) for _ in range(n)]
        x, feed = self.input(2, *size)
        for kind, name in ((C.MAX_POOLING, 'max'), (C.AVG_POOLING, 'avg')):
            for ceil in (False, True):
                for include in ((False, True) if kind == C.AVG_POOLING else (False,)):
                    what = '%s_c%d_i%d_k%s_s%s_i%s_p%s' % ((name, ceil, include) + tuple(
                        ''.join(str(int(i)) for i in q) for q in (window, stride, size, centred)))
                    try:
                        z = C.pooling(x, kind, tuple(window), tuple(stride), [False] + centred, ceil_out_dim=ceil, include_pad=include)
                        self.add('pool_' + what, z, feed)
                    except Exception:
                        pass
        if n < 3:
            self.add('pool_over_channels', C.pooling(x, C.MAX_POOLING, (2,) + tuple(window), (1,) + tuple(stride)), feed)
        self.add('global_average', C.layers.GlobalAveragePooling()(x), feed)
        self.add('global_max', C.layers.GlobalMaxPooling()(x), feed)
        if n == 2:
            s, fs = self.sequence(2, *size)
            self.add('pool_of_sequence', C.pooling(s, C.AVG_POOLING, tuple(window), tuple(stride)), fs)
            k = self.rng.randint(1, 4)
            pooled = C.pooling(x, C.MAX_POOLING, (k, k), (k, k))
            self.add('unpool_%d_%s' % (k, size), C.unpooling(pooled * 2 + 1, x, C.MAX_UNPOOLING, (k, k), (k, k)), feed)

    def regions(self):
        x, feed = self.input(2, 9, 11)
        r = C.input_variable((3, 4))
        a, b = self.rng.uniform(0, 7, (2, 3, 2)), self.rng.uniform(0, 7, (2, 3, 2))
        feed[r] = np.concatenate([np.minimum(a, b), np.maximum(a, b)], axis=2).astype(f32)
        self.add('regions', C.roipooling(x, r, C.MAX_POOLING, (self.rng.randint(1, 4), self.rng.randint(1, 4)), self.pick(1.0, 0.5)), feed)

    def normalizing(self):
        x, feed = self.input(3, 4, 5)
        v, fv = self.input(6)
        s, fs = self.sequence(5)
        for name in 'softmax log_softmax hardmax'.split():
            function = getattr(C, name)
            self.add(name, function(v), fv)
            self.add(name + '_of_image', function(x), feed)
            self.add(name + '_of_sequence', function(s), fs)
        for axis in (0, 1, 2, -1):
            self.add('softmax_%d' % axis, C.softmax(x, axis=axis), feed)
            self.add('log_softmax_%d' % axis, C.log_softmax(x, axis=axis), feed)
        q, fq = self.sequence(3, 4, 2)
        for name, value, given in (('image', x, feed), ('vector', v, fv), ('sequence', s, fs), ('images', q, fq)):
            for spatial in (False, True):
                if spatial and len(value.shape) == 1:
                    continue
                z = C.layers.BatchNormalization(map_rank=1 if spatial else None, epsilon=1e-3)(value)
                for p in list(z.parameters) + list(z.constants):
                    if p.shape:
                        p.value = self.rng.uniform(0.3, 1.5, p.shape).astype(f32)
                self.add('batch_normalization_%s_%d' % (name, spatial), z, given)
        self.add('layer_normalization', C.layers.LayerNormalization()(v), fv)
        self.add('mean_variance', C.mean_variance_normalization(x), feed)
        self.add('lrn', C.local_response_normalization(x, 1, 1.0, 1e-1, 0.75), feed)
        self.add('cosine', C.cosine_distance(x, x * x), feed)
        self.add('squared_error', C.squared_error(x, x * x), feed)

    def reductions(self):
        x, feed = self.input(2, 3, 4)
        for name in 'reduce_sum reduce_mean reduce_max reduce_min reduce_log_sum_exp reduce_prod'.split():
            function = getattr(C, name)
            axis = self.pick(0, 1, 2, -1, (0, 2), (1, 2))
            keeps = bool(self.rng.randint(2))
            self.add('%s_%s_%d' % (name, axis, keeps), function(x, axis=axis, keepdims=keeps), feed)
            self.add(name + '_all', function(x), feed)
            s, fs = self.sequence(3, 2)
            self.add('%s_of_sequence' % name, function(s, axis=0), fs)
        for name in ('argmax', 'argmin'):
            self.add('%s_all' % name, getattr(C, name)(x), feed)
            self.add('%s_%d' % (name, 1), getattr(C, name)(x, axis=1), feed)
        self.add('reduce_l1', C.reduce_l1(x, axis=1), feed)
        self.add('reduce_sum_square', C.reduce_sum_square(x, axis=1), feed)

    def shapes(self):
        x, feed = self.input(2, 3, 4)
        self.add('reshape', C.reshape(x, self.pick((4, 6), (24,), (2, 12), (3, 2, 4), (-1, 3))), feed)
        self.add('reshape_part', C.reshape(x, (-1,), begin_axis=self.pick(0, 1), end_axis=self.pick(2, 3)), feed)
        self.add('reshape_split', C.reshape(x, (2, -1), begin_axis=2), feed)
        self.add('flatten', C.flatten(x, self.pick(0, 1, 2)), feed)
        self.add('expand', C.expand_dims(x, self.pick(0, -1, -2)), feed)
        self.add('transpose', C.transpose(x, tuple(int(i) for i in self.rng.permutation(3))), feed)
        self.add('swap', C.swapaxes(x, self.pick(0, 1), self.pick(1, 2)), feed)
        begin = self.rng.randint(0, 2)
        self.add('slice', C.slice(x, 2, begin, self.pick(0, 3, -1)), feed)
        self.add('slice_many', C.slice(x, [1, 2], [0, 1], [self.pick(2, 3), self.pick(-1, 0)], [1, self.pick(1, 2)]), feed)
        self.add('slice_back', C.slice(x, 2, begin, self.pick(0, 4), self.pick(-1, -2)), feed)
        k = self.constant(2, 1, 4)
        self.add('splice', C.splice(x, x * 2, axis=self.pick(0, 1, 2, -1)), feed)
        self.add('splice_constant', C.splice(k, x, axis=1), feed)
        self.add('splice_broadcast', C.splice(x, self.constant(1, 1, 4), axis=0), feed)
        mode = self.pick(0, 1, 2)
        self.add('pad_%d' % mode, C.pad(x, [(0, 1), (1, 2), (2, 0)], mode=mode, constant_value=0.5), feed)
        self.add('squeeze', C.squeeze(C.reshape(x, (1, 6, 1, 4))), feed)
        self.add('squeeze_one', C.squeeze(C.reshape(x, (1, 6, 1, 4)), axes=[2]), feed)
        d, fd = self.input(8, 2, 3)
        self.add('depth_to_space', C.depth_to_space(d, 2), fd)
        e, fe = self.input(2, 4, 6)
        self.add('space_to_depth', C.space_to_depth(e, 2), fe)
        self.add('crop', C.crop_manual(e, C.constant(np.zeros((2, 2, 3), f32)), 2, 1), fe)
        i = C.input_variable((3,))
        fi = {i: self.rng.randint(0, 4, (2, 3)).astype(f32)}
        self.add('gather', C.gather(self.constant(4, 2), i), fi)
        self.add('gather_axis', C.gather(self.constant(2, 4), i, axis=1), fi)
        self.add('one_hot', C.one_hot(i, 4), fi)
        self.add('one_hot_axis', C.one_hot(i, 4, axis=0), fi)
        top = C.top_k(x, self.rng.randint(1, 3), axis=self.pick(0, 1, 2)) if self.rng.randint(2) else C.top_k(x, 2)
        self.add('top_k', C.combine([C.alias(top.outputs[0], 'values'), C.alias(top.outputs[1], 'places')]), feed)
        self.add('image_scaler', C.image_scaler(x, 2.0, [0.5, -1]), feed)
        self.add('eye', C.plus(x, C.eye_like(self.constant(3, 4), False)), feed)
        self.add('batch', C.to_batch(C.unpack_batch(x) * 2), feed)
        self.add('unpacked_batch', C.unpack_batch(x) * 2, feed)

    def sequences(self):
        s, feed = self.sequence(3, length=6)
        v, fv = self.input(3)
        both = dict(feed)
        both.update(fv)
        k = self.rng.randint(1, 8)
        self.add('past_%d' % k, C.sequence.past_value(s, time_step=k), feed)
        self.add('future_%d' % k, C.sequence.future_value(s, time_step=k, initial_state=0.5), feed)
        self.add('past_initial', C.sequence.past_value(s, initial_state=v, time_step=2), both)
        self.add('future_initial', C.sequence.future_value(s, initial_state=self.constant(3), time_step=2), feed)
        self.add('delay', C.sequence.delay(s, time_step=self.pick(2, -2, 0)), feed)
        self.add('first', C.sequence.first(s), feed)
        self.add('last', C.sequence.last(s), feed)
        a, b = self.pick((0, 2), (1, 3), (1, -1), (-3, -1), (-2, 0), (2, 0), (0, -2), (3, 4), (-2, -1), (1, 6))
        self.add('part_%d_%d' % (a, b), C.sequence.slice(s, a, b), feed)
        self.add('is_first', C.sequence.is_first(s), feed)
        self.add('is_last', C.sequence.is_last(s), feed)
        self.add('gather_last', C.sequence.gather(s, C.sequence.is_last(s)), feed)
        self.add('gather_rest', C.sequence.gather(s, 1 - C.sequence.is_first(s)), feed)
        self.add('broadcast', C.sequence.broadcast_as(v, s), both)
        self.add('broadcast_constant', C.sequence.broadcast_as(self.constant(2), s), feed)
        self.add('sum', C.sequence.reduce_sum(s), feed)
        self.add('max', C.sequence.reduce_max(s), feed)
        self.add('softmax', C.sequence.softmax(s), feed)
        u = C.sequence.unpack(s, 0)
        self.add('unpacked', u.outputs[0] * 2, feed)
        self.add('mean_by_mask', C.reduce_sum(u.outputs[0], axis=0) / C.reduce_sum(u.outputs[1], axis=0), feed)
        self.add('to_sequence', C.to_sequence(self.remember(4, 3) * 2), self.last)
        self.add('back', C.to_sequence(u.outputs[0] + 1, C.reduce_sum(u.outputs[1])), feed)
        self.add('like', C.to_sequence_like(C.sequence.unpack(s * 2, 0, True), s), feed)
        self.add('concatenated', C.splice(s, C.sequence.past_value(s), C.sequence.future_value(s)), feed)

    def recurrent(self):
        n, h = self.rng.randint(1, 4), self.rng.randint(1, 4)
        s, feed = self.sequence(n)
        L = C.layers
        back = bool(self.rng.randint(2))
        for name, step in (('lstm', lambda: L.LSTM(h)), ('gru', lambda: L.GRU(h)), ('rnn', lambda: L.RNNStep(h)),
                           ('lstm_peepholes', lambda: L.LSTM(h, use_peepholes=True)), ('lstm_stabilized', lambda: L.LSTM(h, enable_self_stabilization=True))):
            self.add(name, L.Recurrence(step(), go_backwards=back)(s), feed)
            self.add(name + '_last', L.Dense(2)(L.Fold(step(), go_backwards=back)(s)), feed)
        both = L.Sequential([(L.Recurrence(L.LSTM(h)), L.Recurrence(L.LSTM(h), go_backwards=True)), C.splice])
        self.add('bidirectional', L.Dense(3)(both(s)), feed)
        self.add('stacked', L.Recurrence(L.GRU(2))(L.Recurrence(L.LSTM(h), go_backwards=True)(L.Recurrence(L.GRU(h))(s))), feed)
        self.add('initial', L.Recurrence(L.GRU(h), initial_state=0.3)(s), feed)
        v, fv = self.input(h)
        fv.update(feed)
        self.add('initial_of_batch', L.RecurrenceFrom(L.GRU(h))(v, s), fv)
        self.add('unfolded', L.UnfoldFrom(lambda state: C.tanh(C.times(state, self.constant(2, 2))))(self.constant(2), s), feed)
        p = C.placeholder(shape=(n,), dynamic_axes=s.dynamic_axes)
        loop = C.tanh(s + 0.5 * C.sequence.past_value(p, time_step=2) + 0.25 * C.sequence.past_value(p, time_step=3, initial_state=0.2))
        self.add('two_delays', loop.replace_placeholders({p: loop.output}), feed)
        p = C.placeholder(shape=(n,), dynamic_axes=s.dynamic_axes)
        total = s + C.sequence.past_value(p)
        self.add('cumulative', total.replace_placeholders({p: total.output}), feed)
        x, fx = self.input(n)
        fx.update(feed)
        p = C.placeholder(shape=(n,), dynamic_axes=s.dynamic_axes)
        gated = C.sigmoid(x) * C.sequence.future_value(p) + s
        self.add('gated_by_batch', gated.replace_placeholders({p: gated.output}), fx)
        self.add('classifier', C.softmax(L.Dense(3)(C.sequence.last(L.Recurrence(L.LSTM(h))(L.Embedding(2)(s))))), feed)


KINDS = ('elementwise binary products convolution sequence_convolution transposed pooling regions normalizing reductions shapes '
         'sequences recurrent').split()
COMPACT = {'convolution': 4, 'transposed': 4, 'pooling': 2, 'binary': 2, 'reductions': 2, 'shapes': 2, 'sequences': 2}


def save(folder, file, function, feeds):
    """Saves a model with CNTK's answers to some inputs; inputs are named by their order."""
    os.makedirs(folder)
    path = os.path.join(folder, file)
    function.save(path)
    model = C.load_model(path)
    answers = {}
    arguments = {v.uid: v for v in model.arguments}
    given = {}
    for v, a in feeds.items():
        if v.uid in arguments:
            ordered = any(x.is_ordered for x in v.dynamic_axes)
            given[arguments[v.uid]] = list(a) if ordered else a
    result = model.eval(given)
    if not isinstance(result, dict):
        result = {model.outputs[0]: result}
    for v, a in result.items():
        answers[v.name or v.uid] = np.stack([np.asarray(i) for i in a]) if isinstance(a, list) else np.asarray(a)
    inputs = {v.name or v.uid: np.asarray(feeds[k]) for k in feeds for v in model.arguments if v.uid == k.uid}
    case = {'signature': 'serving_default', 'inputs': {k: tensor(a) for k, a in inputs.items()},
            'outputs': {k: tensor(a) for k, a in answers.items()}}
    with open(os.path.join(folder, 'golden.json'), 'w') as f:
        json.dump([case], f)
        f.write('\n')


def main():
    out = sys.argv[1]
    if len(sys.argv) > 2:
        seed, rounds = int(sys.argv[2]), int(sys.argv[3])
        kinds = sys.argv[4].split(',') if len(sys.argv) > 4 else KINDS
        for kind in kinds:
            for i in range(rounds):
                cases = Cases(seed + i)
                try:
                    getattr(cases, kind)()
                except (RuntimeError, ValueError) as e:
                    print('CNTK cannot build', kind, i, str(e).strip().split('\n')[0])
                for name, function, feeds in cases.found:
                    folder = os.path.join(out, '%s.%s.%d' % (kind, name.replace(' ', ''), i))
                    try:
                        save(folder, 'model.model', function, feeds)
                    except Exception as e:
                        print('CNTK cannot run', kind, name, str(e).strip().split('\n')[0])
                        import shutil
                        shutil.rmtree(folder, ignore_errors=True)
        return
    for kind in KINDS:
        named, feeds = [], {}
        for i in range(COMPACT.get(kind, 1)):
            cases = Cases(7 + i, length=6)
            getattr(cases, kind)()
            for name, function, given in cases.found:
                unique = '%s.%d' % (name, i)
                # Beside others it is a loss, and not served.
                if name == 'squared_error':
                    continue
                try:
                    function.eval({v: list(a) if any(x.is_ordered for x in v.dynamic_axes) else a for v, a in given.items()})
                except Exception:
                    continue
                feeds.update(given)
                named += [C.alias(o, unique if len(function.outputs) == 1 else '%s.%s' % (unique, o.name)) for o in function.outputs]
        save(os.path.join(out, kind), kind + '.model', C.combine(named), feeds)


if __name__ == '__main__':
    main()
