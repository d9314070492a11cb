"""Measures exported programs by torch, for benchmark/exported-programs.mjs.

    python torch_loop.py FOLDER NAME SECONDS

FOLDER/NAME is made by tools/reference-models/pytorch/export_models.py. Prints the wall and CPU time of a call in microseconds, on one thread.
"""

import json
import os
import sys
import time

import numpy as np
import torch

folder = os.path.join(sys.argv[1], sys.argv[2])
seconds = float(sys.argv[3])
torch.set_num_threads(1)
module = torch.export.load(os.path.join(folder, "model.pt2")).module()
with open(os.path.join(folder, "io.json")) as file:
    inputs = json.load(file)["inputs"]
tensors = [torch.from_numpy(np.fromfile(os.path.join(folder, each["file"]), each["dtype"]).reshape(each["shape"])) for each in inputs]
with torch.no_grad():
    for _ in range(5):
        module(*tensors)
    calls, start, begun = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        module(*tensors)
        calls += 1
    wall, cpu = time.perf_counter() - start, time.process_time() - begun
print(json.dumps({"wall": wall / calls * 1e6, "cpu": cpu / calls * 1e6}))
