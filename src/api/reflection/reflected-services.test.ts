import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ServerReflectionRequestSchema, ServerReflectionResponseSchema } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { fakeCall } from "../../transport/grpc/fake-call.ts";
import type { StreamingMethod } from "../../transport/grpc/method.ts";
import { reflectedServices } from "./reflected-services.ts";

async function listed(sessionService: boolean): Promise<readonly string[]> {
  const method = reflectedServices({ sessionService }).get("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
  const request = create(ServerReflectionRequestSchema, { messageRequest: { case: "listServices", value: "" } });
  async function* messages() {
    yield toBinary(ServerReflectionRequestSchema, request);
  }
  const names: string[] = [];
  const send = async (message: Uint8Array) => {
    const { messageResponse } = fromBinary(ServerReflectionResponseSchema, message);
    if (messageResponse.case !== "listServicesResponse") throw new Error(`got ${messageResponse.case}`);
    names.push(...messageResponse.value.service.map(({ name }) => name));
  };
  await (method as StreamingMethod).run(messages(), send, fakeCall());
  return names;
}

test("the session service is listed only where it is served", async () => {
  const without = await listed(false);
  const withIt = await listed(true);
  expect(without).toContain("tensorflow.serving.PredictionService");
  expect(withIt.filter((name) => !without.includes(name))).toEqual(["tensorflow.serving.SessionService"]);
});
