"""Puts some of the graphs of operators.py into one file: python pack.py OPERATORS_DIR OUT.json

Of each kind the first two that are small, and one model a line: {name, symbol, params (base64), shapes, cases}.
"""
import base64
import io
import json
import os
import re
import sys

root, out = sys.argv[1:]
taken = {}
lines = []
for name in sorted(os.listdir(root)):
    folder = os.path.join(root, name)
    kind = re.sub(r"_\d+$", "", name)
    cases = json.load(open(os.path.join(folder, "golden.json")))
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    if size > 9000 or taken.get(kind, 0) >= (10 if kind in ("Pooling", "Convolution", "Reshape") else 2):
        continue
    taken[kind] = taken.get(kind, 0) + 1
    symbol = json.load(open(os.path.join(folder, "m-symbol.json")))
    params = [f for f in os.listdir(folder) if f.endswith(".params")][0]
    signature = os.path.join(folder, "m-signature.json")
    model = {
        "name": name,
        "symbol": symbol,
        "params": base64.b64encode(open(os.path.join(folder, params), "rb").read()).decode(),
        "signature": json.load(open(signature)) if os.path.exists(signature) else None,
        "cases": cases,
    }
    lines.append(json.dumps(model, separators=(",", ":")))
with io.open(out, "w") as file:
    file.write(u"[\n" + u",\n".join(lines) + u"\n]\n")
print(len(lines), "graphs,", os.path.getsize(out), "bytes")
