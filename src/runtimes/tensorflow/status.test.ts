import { expect, test } from "vitest";
import { cleanMessage, loadError, missingOpsError, runError, unregisteredOp } from "./status.ts";

const MESSAGES: readonly (readonly [what: string, message: string, shown: string])[] = [
  [
    "keeps what has no path",
    "Expects arg[0] to be float but string is provided",
    "Expects arg[0] to be float but string is provided",
  ],
  [
    "keeps node names, which hold slashes",
    "Matrix size-incompatible: In[0]: [1,3], In[1]: [4,2]\n\t [[{{node model/dense/MatMul}}]]",
    "Matrix size-incompatible: In[0]: [1,3], In[1]: [4,2]\n\t [[{{node model/dense/MatMul}}]]",
  ],
  [
    "shows a file without its folder",
    "Failed to find any matching files for /srv/models/m/1/variables/variables",
    "Failed to find any matching files for variables",
  ],
  ["shows a quoted file without its folder", "cannot open '/etc/secret/key.txt': denied", "cannot open 'key.txt': denied"],
  ["shows a URL without its folders", "cannot read file:///srv/x/y.txt", "cannot read y.txt"],
  ["hides addresses", "bad pointer 0x7f1234567890 here", "bad pointer an address here"],
  [
    "hides the machine's name",
    "Op type not registered 'X' in binary running on box-17. Make sure",
    "Op type not registered 'X' Make sure",
  ],
  [
    "leaves out what is for who writes Python",
    "OOM when allocating tensor with shape[9]\n\t [[{{node a}}]]\nHint: If you want to see a list of allocated tensors when OOM happens, add x.",
    "OOM when allocating tensor with shape[9]\n\t [[{{node a}}]]",
  ],
  ["keeps shapes and divisions", "shape [?,3] / 2 is 1.5", "shape [?,3] / 2 is 1.5"],
];

test.each(MESSAGES)("a message %s", (_, message, shown) => {
  expect(cleanMessage(message)).toBe(shown);
});

test("a very long message is cut", () => {
  expect(cleanMessage("x".repeat(10_000)).length).toBeLessThan(5000);
});

test("a message that repeats a long row of blanks is read at once", () => {
  const blanks = " ".repeat(2_000_000);
  expect(cleanMessage(`could not convert string: ${blanks}x`)).toBe("could not convert string:");
});

test("a run that failed has TensorFlow's code", () => {
  expect(runError({ code: "out-of-range", message: "indices[0] = 7 is not in [0, 3)" })).toMatchObject({
    code: "out-of-range",
    message: "indices[0] = 7 is not in [0, 3)",
  });
});

test("an op that nobody has registered is told by TensorFlow's words", () => {
  const message = "Op type not registered 'ZeroOut' in binary running on host7. Make sure the Op and Kernel are registered";
  expect(unregisteredOp({ code: "not-found", message })).toBe("ZeroOut");
  expect(unregisteredOp({ code: "not-found", message: "no such file" })).toBeUndefined();
});

test.each([
  [["ZeroOut"], "the op ZeroOut, which TensorFlow 2.18.1 does not have; name the library that has it"],
  [["A", "B"], "the ops A, B, which TensorFlow 2.18.1 does not have; name the library that has them"],
])("a graph with ops that are not there names them, the version and the flag: %j", (ops, text) => {
  const { code, message } = missingOpsError(ops, "2.18.1");
  expect([code, message]).toEqual(["unimplemented", `the graph uses ${text} with --custom_op_paths`]);
});

test("an op without a kernel is told in one line", () => {
  const message =
    "No OpKernel was registered to support Op 'BoostedTrees' used by {{node x}} with these attrs: []\nRegistered kernels:\n  <none>";
  expect(loadError({ code: "invalid-argument", message }, "/srv/m/1")).toMatchObject({
    code: "unimplemented",
    message: "the graph uses the op BoostedTrees, of which this TensorFlow has no kernel for the types and devices at hand",
  });
});

test("a load that failed names files below the model's folder", () => {
  const message = "Could not read /srv/m/1/variables/variables.index: truncated";
  expect(loadError({ code: "data-loss", message }, "/srv/m/1")).toMatchObject({
    code: "data-loss",
    message: "the SavedModel cannot be loaded: Could not read variables/variables.index: truncated",
  });
});
