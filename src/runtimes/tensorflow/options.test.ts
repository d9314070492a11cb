import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ProtobufReader } from "../../codec/protobuf/reader.ts";
import { resolveTensorFlowOptions } from "./options.ts";

const message = (fields: { name?: string; package?: string }): Uint8Array =>
  toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, fields));

test("a model's session config is merged over the server's", () => {
  const { sessionConfig } = resolveTensorFlowOptions(
    { sessionConfig: message({ name: "server", package: "kept" }) },
    { sessionConfig: message({ name: "model" }) },
  );
  expect(fromBinary(FileDescriptorProtoSchema, sessionConfig)).toMatchObject({ name: "model", package: "kept" });
});

test("what a model's files ask of the session goes over the server's and below the model's config", () => {
  const { sessionConfig } = resolveTensorFlowOptions(
    { sessionConfig: message({ name: "server", package: "server" }) },
    { sessionConfig: message({ name: "model" }) },
    message({ name: "files", package: "files" }),
  );
  expect(fromBinary(FileDescriptorProtoSchema, sessionConfig)).toMatchObject({ name: "model", package: "files" });
});

test("a model's target stands in place of the server's, and custom ops of both are loaded", () => {
  const server = { sessionTarget: "grpc://a:1", customOpPaths: ["/ops/a.so"] };
  expect(resolveTensorFlowOptions(server)).toMatchObject({ sessionTarget: "grpc://a:1", customOpPaths: ["/ops/a.so"] });
  expect(resolveTensorFlowOptions(server, { sessionTarget: "grpc://b:2", customOpPaths: ["/ops/b.so"] })).toMatchObject({
    sessionTarget: "grpc://b:2",
    customOpPaths: ["/ops/a.so", "/ops/b.so"],
  });
});

test("a session on another server does not wait for it for ever, and may be told how long", () => {
  const OPERATION_TIMEOUT_IN_MS = 11;
  const timeouts = (bytes: Uint8Array): bigint[] => {
    const reader = new ProtobufReader(bytes);
    const found: bigint[] = [];
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag >>> 3 === OPERATION_TIMEOUT_IN_MS) found.push(reader.readInt64());
      else reader.skip(tag);
    }
    return found;
  };
  expect(timeouts(resolveTensorFlowOptions({ sessionTarget: "grpc://a:1" }).sessionConfig)).toEqual([60_000n]);
  const own = { sessionTarget: "grpc://a:1", sessionConfig: Uint8Array.of(OPERATION_TIMEOUT_IN_MS << 3, 5) };
  expect(timeouts(resolveTensorFlowOptions({}, own).sessionConfig).at(-1)).toBe(5n);
  expect(timeouts(resolveTensorFlowOptions({}).sessionConfig)).toEqual([]);
});

test("nothing said is an empty config in this process", () => {
  expect(resolveTensorFlowOptions()).toEqual({ sessionConfig: new Uint8Array(0), sessionTarget: undefined, customOpPaths: [] });
});
