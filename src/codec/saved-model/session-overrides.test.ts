import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ConfigProtoSchema } from "../../gen/tensorflow/core/protobuf/config_pb.ts";
import { readSessionOverrides } from "./session-overrides.ts";

const FOLDER = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow/reading/session_config");

test("makes the ConfigProto that TensorFlow Serving makes", () => {
  const config = readSessionOverrides(readFileSync(join(FOLDER, "saved_model_config.pb")));
  const expected = fromBinary(ConfigProtoSchema, new Uint8Array(readFileSync(join(FOLDER, "config_proto.pb"))));
  expect(fromBinary(ConfigProtoSchema, config!)).toEqual(expected);
});

describe("of a config", () => {
  test.each([
    ["that is empty, nothing", "", undefined],
    ["of the runtime and the model's weight alone, nothing", "12001801", undefined],
    ["with empty overrides, nothing that is not the default", "0a00", {}],
    [
      "with overrides in two pieces, both",
      "0a0218010a0412020a00",
      { disableMetaOptimizer: true, customOptimizers: [{ name: "batch_op_rewriter" }] },
    ],
    ["that takes itself back, the last", "0a0218010a021800", { disableMetaOptimizer: false }],
  ])("%s", (_, hex, rewriteOptions) => {
    const config = readSessionOverrides(Buffer.from(hex, "hex"));
    if (rewriteOptions === undefined) expect(config).toBeUndefined();
    else expect(fromBinary(ConfigProtoSchema, config!)).toMatchObject({ graphOptions: { rewriteOptions } });
  });

  test("that is cut off, an error", () => {
    expect(() => readSessionOverrides(Buffer.from("0a05", "hex"))).toThrow("malformed protobuf message: it is cut off");
  });
});
