#!/usr/bin/env python3
"""Two TensorFlow servers and a model whose variables are on the one and whose sums are on the other.

  tensorflow_cluster.py OUT_DIR      (needs PyPI tensorflow)

Writes the model y = half * x + two to OUT_DIR/1, prints "ready" and the port of the server that runs it, and ends both servers when standard
input does.
"""
import os
import socket
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1


def server(job, ports):
    hosts = {name: ["127.0.0.1:" + port] for name, port in ports.items()}
    return tf.distribute.Server(tf.train.ClusterSpec(hosts), job_name=job, task_index=0)


def free_ports(count):
    """Ports that nobody has now: to be taken at once."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def save(target, path):
    with tf.Graph().as_default():
        with tf.device("/job:ps/task:0"):
            half = v1.get_variable("half", initializer=0.5, use_resource=True)
            two = v1.get_variable("two", initializer=2.0, use_resource=True)
        with tf.device("/job:worker/task:0"):
            x = v1.placeholder(tf.float32, [None], "x")
            y = tf.add(half * x, two, "y")
        with v1.Session(target) as session:
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, path, {"x": x}, {"y": y})


def main():
    if sys.argv[1] == "ps":
        print("loaded", flush=True)
        ps, worker = sys.stdin.readline().split()
        running = server("ps", {"ps": ps, "worker": worker})
        sys.stdin.read()
        return
    out = sys.argv[1]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, __file__, "ps"], **pipes)
    try:
        # Loading TensorFlow takes seconds, in which others might take the ports.
        other.stdout.readline()
        ps, worker = free_ports(2)
        print(ps, worker, file=other.stdin, flush=True)
        running = server("worker", {"ps": ps, "worker": worker})
        save(running.target, os.path.join(out, "1"))
        print("ready", worker, flush=True)
        sys.stdin.read()
    finally:
        other.kill()
        other.wait()
        # A server cannot be stopped from Python, and its threads would keep the process.
        os._exit(0)


if __name__ == "__main__":
    main()
