import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
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

test("nothing said is an empty config in this process", () => {
  expect(resolveTensorFlowOptions()).toEqual({ sessionConfig: new Uint8Array(0), sessionTarget: undefined, customOpPaths: [] });
});
