"""Writes test/fixtures/pytorch/former_layout: a program in the layout of torch 2.5 to 2.7, with torch's own answer. For torch 2.5, 2.6 or 2.7."""

import json
import os
import sys

import torch
from torch import nn

torch.manual_seed(11)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(4, 2)
        self.register_buffer("scale", torch.tensor([1.0, 2.0]))

    def forward(self, x):
        mean = torch.relu(self.norm(self.first(x))).mean((2, 3))
        return {"scores": self.last(mean) * self.scale + torch.tensor([0.5, 0.25])}


def tensor(values):
    return {"dtype": "DT_FLOAT", "shape": list(values.shape), "data": values.flatten().tolist()}


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
model = Small().eval()
batch = torch.export.Dim("batch", min=1, max=64)
program = torch.export.export(model, (torch.randn(2, 3, 6, 6),), dynamic_shapes=({0: batch},))
# Where the code was is nobody's business.
for node in program.graph.nodes:
    node.meta.pop("stack_trace", None)
torch.export.save(program, os.path.join(folder, "model.pt2"))
x = torch.randn(3, 3, 6, 6)
with torch.no_grad():
    answer = model(x)["scores"]
golden = [{"signature": "serving_default", "inputs": {"x": tensor(x)}, "outputs": {"scores": tensor(answer)}}]
with open(os.path.join(folder, "golden.json"), "w") as file:
    json.dump(golden, file)
