import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServingError } from "../../base/serving-error.ts";
import { FileWindow } from "../file-window.ts";
import { type ExternalData, scanModelProto } from "./model-proto.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onnx-"));
});
afterAll(() => rm(folder, { recursive: true }));

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.from([...bytes, value]);
}

/** A field with bytes in it: a message, a string or packed numbers. */
function part(field: number, ...content: (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((each) => Buffer.from(each as string)));
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
const entry = (key: string, value: string): Buffer => part(13, part(1, key), part(2, value));
const external = (location: string, ...more: Buffer[]): Buffer =>
  Buffer.concat([part(8, "w"), entry("location", location), ...more, number(14, 1)]);

const initializer = (...tensor: Buffer[]): Buffer => part(5, ...tensor);
const model = (...graph: Buffer[]): Buffer => Buffer.concat([number(1, 8), part(7, ...graph)]);
const attribute = (...content: Buffer[]): Buffer => part(1, part(5, ...content));

async function scan(bytes: Buffer, signal = new AbortController().signal): Promise<ExternalData[]> {
  const path = join(folder, "model.onnx");
  await writeFile(path, bytes);
  const handle = await open(path);
  try {
    const found: ExternalData[] = [];
    await scanModelProto(new FileWindow(handle, bytes.length), "m.onnx", (data) => found.push(data), signal);
    return found;
  } finally {
    await handle.close();
  }
}

test("tells what nodes do, also those of branches and functions, whose names are not absurdly long", async () => {
  const named = (name: string, ...more: Buffer[]) => part(1, part(4, name), ...more);
  const branch = part(5, part(6, named("LSTM")));
  const bytes = Buffer.concat([model(named("If", branch), named("x".repeat(65))), part(25, part(7, part(4, "GRU")))]);
  const path = join(folder, "operators.onnx");
  await writeFile(path, bytes);
  const handle = await open(path);
  const operators: string[] = [];
  try {
    const { signal } = new AbortController();
    await scanModelProto(
      new FileWindow(handle, bytes.length),
      "m.onnx",
      () => undefined,
      signal,
      (name) => operators.push(name),
    );
  } finally {
    await handle.close();
  }
  expect(operators).toEqual(["If", "LSTM", "GRU"]);
});

describe("finds tensors in other files", () => {
  const tensor = external("w.bin");
  test.each([
    ["among the initializers", model(initializer(tensor))],
    ["in a node's attribute", model(attribute(part(5, tensor)))],
    ["in a list of an attribute", model(attribute(part(10, tensor)))],
    ["in a branch", model(attribute(part(6, initializer(tensor))))],
    ["in a list of branches, two deep", model(attribute(part(11, attribute(part(6, initializer(tensor))))))],
    ["in a sparse initializer's values", model(part(15, part(1, tensor)))],
    ["in a sparse attribute's indices", model(attribute(part(22, part(2, tensor))))],
    ["in a function", Buffer.concat([model(), part(25, part(7, part(5, part(5, tensor))))])],
    ["in a function's default", Buffer.concat([model(), part(25, part(11, part(5, tensor)))])],
    ["in the training graph", Buffer.concat([model(), part(20, part(1, initializer(tensor)))])],
    ["behind a long run of weights", model(initializer(part(9, Buffer.alloc(300_000))), initializer(tensor))],
  ])("%s", async (_, bytes) => {
    expect(await scan(bytes)).toEqual([{ location: "w.bin", offset: undefined, length: undefined }]);
  });

  test("with offset and length, the last of each counting, as protobuf has it", async () => {
    const tensor = external("a", entry("offset", "1"), entry("length", "2"), entry("offset", "3"));
    expect(await scan(model(initializer(tensor)))).toEqual([{ location: "a", offset: "3", length: "2" }]);
  });

  test("but not what only looks like one", async () => {
    expect(await scan(model(initializer(entry("location", "w.bin")), part(2, external("w.bin"))))).toEqual([]);
  });
});

describe("refuses, naming the file and the byte", () => {
  const nested = (depth: number): Buffer => (depth === 0 ? Buffer.alloc(0) : attribute(part(6, nested(depth - 1))));
  test.each<[string, Buffer, string, string]>([
    ["an empty file", Buffer.alloc(0), "data-loss", "m.onnx is empty"],
    ["a file that is no model", number(1, 8), "invalid-argument", "m.onnx is not an ONNX model: it holds no graph"],
    [
      "a part too long for the one it is in",
      Buffer.from([0x3a, 2, 0x0a, 5]),
      "data-loss",
      "a part of 5 bytes ends outside the one it is in at byte 4",
    ],
    ["an end inside a number", Buffer.from([0x08, 0x80]), "data-loss", "it ends inside a number at byte 2"],
    ["a tag that never ends", Buffer.alloc(9, 0x80), "data-loss", "a number is too long at byte 5"],
    ["a field numbered 0", Buffer.from([0x02, 0]), "data-loss", "there is a field numbered 0 at byte 0"],
    ["a group", Buffer.from([0x0b, 0x0c]), "data-loss", "there is a field of an unknown kind at byte 0"],
    ["two graphs, which readers merge", Buffer.concat([model(), part(7)]), "invalid-argument", "a part is there twice at byte 4"],
    ["two tensors in one attribute", model(attribute(part(5), part(5))), "invalid-argument", "a part is there twice at byte 10"],
    [
      "a place of data that readers differ on",
      model(initializer(number(14, 1), number(14, 7))),
      "invalid-argument",
      "the place of a tensor's data is unknown at byte 8",
    ],
    ["graphs in graphs without end", model(nested(60)), "invalid-argument", "parts lie more than 100 deep"],
    ["a name without end", model(initializer(external("a".repeat(5000)))), "invalid-argument", "a file name is too long"],
  ])("%s", async (_, bytes, code, message) => {
    const error = await scan(bytes).catch((reason: ServingError) => reason);
    expect(error).toMatchObject({ name: "ServingError", code, message: expect.stringContaining(message) });
  });
});

test("stops when it is cancelled", async () => {
  await expect(scan(model(), AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
});
