#!/usr/bin/env python3
"""Writes two models of the benchmark as TensorFlow SavedModels into saved-models/ beside this file.

  pip install tensorflow numpy
  python make-saved-models.py

simplest   x float32 [N, 1]   -> y = 0.5 x + 2, a graph of TensorFlow 1 with two variables
mnist_mlp  x float32 [N, 784] -> y float32 [N, 10], a module of TensorFlow 2 with the weights of make-models.py
"""

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

OUT = Path(__file__).resolve().parent / "saved-models"
tf1 = tf.compat.v1


def weights(random, rows, columns):
    return (np.round(random.normal(0, 0.05, (rows, columns)) * 64) / 64).astype(np.float32)


class Network(tf.Module):
    def __init__(self):
        super().__init__()
        random = np.random.default_rng(11)
        self.weight_0 = tf.Variable(weights(random, 784, 512))
        self.bias_0 = tf.Variable(np.zeros(512, np.float32))
        self.weight_1 = tf.Variable(weights(random, 512, 10))
        self.bias_1 = tf.Variable(np.zeros(10, np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 784], tf.float32, name="x")])
    def predict(self, x):
        active = tf.nn.relu(tf.matmul(x, self.weight_0) + self.bias_0)
        return {"y": tf.nn.softmax(tf.matmul(active, self.weight_1) + self.bias_1)}


def place(name):
    path = OUT / name / "1"
    shutil.rmtree(path, ignore_errors=True)
    return str(path)


def main():
    network = Network()
    tf.saved_model.save(network, place("mnist_mlp"), signatures={"serving_default": network.predict})
    with tf1.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [None, 1], name="x")
        half = tf1.get_variable("half", initializer=0.5, use_resource=False)
        two = tf1.get_variable("two", initializer=2.0, use_resource=False)
        y = tf1.add(half * x, two, name="y")
        session.run(tf1.global_variables_initializer())
        tf1.saved_model.simple_save(session, place("simplest"), {"x": x}, {"y": y})


if __name__ == "__main__":
    main()
