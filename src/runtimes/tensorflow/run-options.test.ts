import { expect, test } from "vitest";
import { ProtobufReader } from "../../codec/protobuf/reader.ts";
import type { TensorFlowLibrary } from "./library.ts";
import { inlineRunOptions, timedRunOptions } from "./run-options.ts";

/** A library that keeps what buffers were made of. */
function recordingLibrary() {
  const made: Uint8Array[] = [];
  const api = {
    newBufferFromString(bytes: Uint8Array, length: number) {
      made.push(bytes.slice(0, length));
      return 1n;
    },
  };
  return { library: { api } as unknown as TensorFlowLibrary, made };
}

/** Fields of a `tensorflow.RunOptions` by number. */
function fields(bytes: Uint8Array): Record<number, bigint> {
  const reader = new ProtobufReader(bytes);
  const found: Record<number, bigint> = {};
  for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) found[tag >>> 3] = reader.readInt64();
  return found;
}

const TIMEOUT_IN_MS = 2;
const INTER_OP_THREAD_POOL = 3;

test("an inline run is done by the thread that calls", () => {
  const { library, made } = recordingLibrary();
  inlineRunOptions(library);
  expect(fields(made[0]!)).toEqual({ [INTER_OP_THREAD_POOL]: -1n });
});

test.each([
  [0, 1n],
  [0.2, 1n],
  [127, 127n],
  [128, 128n],
  [30_000, 30_000n],
  [2 ** 35 + 5, 2n ** 35n + 5n],
])("a run with %s ms left has a time limit of %s ms", (remaining, limit) => {
  const { library, made } = recordingLibrary();
  expect(timedRunOptions(library, remaining)).toBe(1n);
  expect(fields(made[0]!)).toEqual({ [TIMEOUT_IN_MS]: limit });
});

test.each([undefined, Number.POSITIVE_INFINITY, Number.NaN])("a run with %s ms left has no time limit", (remaining) => {
  const { library, made } = recordingLibrary();
  expect(timedRunOptions(library, remaining)).toBeNull();
  expect(made).toEqual([]);
});
