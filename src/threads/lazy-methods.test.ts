import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import type { GrpcCall, GrpcMethod } from "../transport/grpc/method.ts";
import { lazyMethods } from "./lazy-methods.ts";

const call = { path: "/s/Unary" } as GrpcCall;

function unary(methods: ReadonlyMap<string, GrpcMethod>, path: string, message = new Uint8Array()) {
  const method = methods.get(path);
  if (method?.kind !== "unary") throw new Error("not a unary method");
  return method.run(message, call);
}

describe("lazy methods", () => {
  const echo: GrpcMethod = { kind: "unary", run: (message) => message };
  const both = new Map<string, GrpcMethod>([
    ["/s/Unary", echo],
    [
      "/s/Streaming",
      {
        kind: "streaming",
        run: async (messages, send) => {
          for await (const message of messages) await send(message);
        },
      },
    ],
  ]);

  test("are known before anything is loaded, and loaded once for all calls", async () => {
    let loads = 0;
    const methods = lazyMethods({ "/s/Unary": "unary", "/s/Streaming": "streaming" }, async () => {
      loads++;
      return both;
    });
    expect([[...methods].map(([path, { kind }]) => [path, kind]), loads]).toEqual([
      [
        ["/s/Unary", "unary"],
        ["/s/Streaming", "streaming"],
      ],
      0,
    ]);
    await Promise.all([unary(methods, "/s/Unary"), unary(methods, "/s/Unary")]);
    const streaming = methods.get("/s/Streaming");
    const sent: Uint8Array[] = [];
    async function* messages() {
      yield new Uint8Array([1]);
      yield new Uint8Array([2]);
    }
    if (streaming?.kind === "streaming") await streaming.run(messages(), async (message) => void sent.push(message), call);
    expect([sent, loads]).toEqual([[new Uint8Array([1]), new Uint8Array([2])], 1]);
  });

  test("keep the message although the connection's buffer is used again meanwhile", async () => {
    const methods = lazyMethods({ "/s/Unary": "unary" }, async () => {
      await settle();
      return both;
    });
    const buffer = new Uint8Array([1, 2, 3]);
    const answer = unary(methods, "/s/Unary", buffer);
    buffer.fill(9);
    expect([...(await answer)]).toEqual([1, 2, 3]);
  });

  test("reject with what the method throws", async () => {
    const failing: GrpcMethod = {
      kind: "unary",
      run: () => {
        throw new Error("from the method");
      },
    };
    const methods = lazyMethods({ "/s/Unary": "unary" }, async () => new Map([["/s/Unary", failing]]));
    await expect(unary(methods, "/s/Unary")).rejects.toThrow("from the method");
  });

  test.each<[string, ReadonlyMap<string, GrpcMethod>]>([
    ["lacks the method", new Map()],
    ["has another kind of method there", new Map([["/s/Unary", both.get("/s/Streaming")!]])],
  ])("reject when what was loaded %s", async (_case, loaded) => {
    const methods = lazyMethods({ "/s/Unary": "unary" }, async () => loaded);
    await expect(unary(methods, "/s/Unary")).rejects.toMatchObject({
      code: "internal",
      message: "/s/Unary is not a unary method",
    });
  });
});
