import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { PredictionLogSchema } from "../gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { decodePredictionLog, encodePlanned, PredictionLogPlan, plannedBytes } from "./prediction-log.ts";

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

/** A request and a response of one named model, and the bytes of either. */
const spec = { modelSpec: { name: "m" } };
const SPEC_BYTES = "0a030a016d";

describe("a PredictionLog", () => {
  test.each([
    ["predict", { case: "predictLog", value: { request: spec } }, SPEC_BYTES],
    ["classify", { case: "classifyLog", value: { request: spec } }, SPEC_BYTES],
    ["regress", { case: "regressLog", value: { request: spec } }, SPEC_BYTES],
    ["multi-inference", { case: "multiInferenceLog", value: { request: { tasks: [spec] } } }, `0a05${SPEC_BYTES}`],
    ["session-run", { case: "sessionRunLog", value: { request: spec } }, SPEC_BYTES],
    ["predict-streamed", { case: "predictStreamedLog", value: { request: [spec, {}] } }, SPEC_BYTES],
  ] as const)("of kind %s gives the request as it lies in it", (kind, logType, request) => {
    const bytes = toBinary(PredictionLogSchema, create(PredictionLogSchema, { logMetadata: {}, logType } as never));
    const log = decodePredictionLog(bytes);
    expect([log.kind, hex(log.request), hex(log.response), hex(log.metadata)]).toEqual([kind, request, undefined, ""]);
  });

  test("without a log is of no kind", () => {
    expect(decodePredictionLog(new Uint8Array(0))).toEqual({ kind: "none" });
  });

  test("that comes in pieces merges them, and the last member of the oneof counts", () => {
    const pieces = ["1204 0a021000", "3204 0a020801", "0a00", "3206 0a021002 1200", "0a02 2005"];
    const log = decodePredictionLog(Buffer.from(pieces.join("").replaceAll(" ", ""), "hex"));
    expect([log.kind, hex(log.request), hex(log.response), hex(log.metadata)]).toEqual(["predict", "08011002", "", "2005"]);
  });

  test.each([
    ["cut off", "320a0a02"],
    ["cut off within", "32030a0508"],
    ["of a request that is no message", "32020a7f"],
  ])("%s is refused", (_, bytes) => {
    expect(() => decodePredictionLog(Buffer.from(bytes, "hex"))).toThrow(
      expect.objectContaining({ code: "invalid-argument" }) as Error,
    );
  });

  test("is written as the generated code writes it", () => {
    const request = Buffer.from(SPEC_BYTES, "hex");
    const written = encodePlanned(
      new PredictionLogPlan("regress", plannedBytes(Buffer.from("2005", "hex")), plannedBytes(request), plannedBytes(request)),
    );
    const expected = create(PredictionLogSchema, {
      logMetadata: { timestampSecs: 5n },
      logType: { case: "regressLog", value: { request: spec } },
    });
    const theirs = decodePredictionLog(toBinary(PredictionLogSchema, expected));
    const ours = decodePredictionLog(written);
    expect([hex(ours.request), hex(ours.metadata), ours.kind]).toEqual([hex(theirs.request), hex(theirs.metadata), "regress"]);
    expect(hex(ours.response)).toBe(SPEC_BYTES);
  });
});
