import { execFile, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InteropServer, startInteropServer } from "./interop-server.ts";

const CLIENT = "grpc_interop_client";
const installed = spawnSync("sh", ["-c", `command -v ${CLIENT}`]).status === 0;

const SOAK = ["--soak_num_threads=5", "--soak_overall_timeout_seconds=20"] as const;

/**
 * Cases of gRPC's interoperability tests that need neither credentials nor a second server, with the methods each is
 * sure to call: a call may be over before it is sent.
 */
const CASES: readonly { readonly name: string; readonly methods: readonly string[]; readonly flags?: readonly string[] }[] = [
  { name: "empty_unary", methods: ["EmptyCall"] },
  { name: "large_unary", methods: ["UnaryCall"] },
  { name: "client_streaming", methods: ["StreamingInputCall"] },
  { name: "server_streaming", methods: ["StreamingOutputCall"] },
  { name: "ping_pong", methods: ["FullDuplexCall"] },
  { name: "empty_stream", methods: ["FullDuplexCall"] },
  { name: "timeout_on_sleeping_server", methods: [] },
  { name: "cancel_after_begin", methods: [] },
  { name: "cancel_after_first_response", methods: ["FullDuplexCall"] },
  { name: "status_code_and_message", methods: ["UnaryCall", "FullDuplexCall"] },
  { name: "special_status_message", methods: ["UnaryCall"] },
  { name: "custom_metadata", methods: ["UnaryCall", "FullDuplexCall"] },
  { name: "unimplemented_method", methods: ["UnimplementedCall"] },
  { name: "unimplemented_service", methods: ["UnimplementedCall"] },
  { name: "pick_first_unary", methods: ["UnaryCall"] },
  { name: "rpc_soak", methods: ["UnaryCall"], flags: ["--soak_iterations=50", ...SOAK] },
  { name: "channel_soak", methods: ["UnaryCall"], flags: ["--soak_iterations=20", ...SOAK] },
];

/** Runs one case against a port: exit code and what was printed. The server is in this process, so nothing may block it. */
function runCase(port: number, name: string, flags: readonly string[]): Promise<{ code: number; output: string }> {
  const args = [`--server_host=127.0.0.1`, `--server_port=${port}`, `--test_case=${name}`, ...flags];
  return new Promise((resolve) => {
    execFile(CLIENT, args, { encoding: "utf8", timeout: 25_000 }, (fault, stdout, stderr) => {
      const code = fault === null ? 0 : typeof fault.code === "number" ? fault.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

describe.skipIf(!installed)("gRPC's interoperability client, grpc-go (skipped without grpc_interop_client)", () => {
  let server: InteropServer;

  beforeAll(async () => {
    server = await startInteropServer();
  });

  afterAll(async () => {
    await server?.close();
  });

  test.each(CASES)("$name", async ({ name, methods, flags = [] }) => {
    const before = server.called.length;
    const { code, output } = await runCase(server.port, name, flags);
    expect(code, output).toBe(0);
    const called = server.called.slice(before).map((path) => path.slice(path.lastIndexOf("/") + 1));
    expect(called).toEqual(expect.arrayContaining([...methods]));
    expect(server.faults.filter((fault) => !fault.startsWith("socket_error"))).toEqual([]);
  });

  test("a case that nobody knows fails, so the others mean something", async () => {
    expect((await runCase(server.port, "no_such_case", [])).code).not.toBe(0);
  });
});
