import { expect, test } from "vitest";
import { parseFlags } from "../config/command-line.ts";
import { DEFAULT_LIMITS } from "../transport/limits.ts";
import { coreOptions, servingOptions } from "./resolved-options.ts";

const limitsOf = async (...argv: string[]) => (await servingOptions(parseFlags(argv, {}).options)).limits;

test("without a flag the transport's limits are its defaults", async () => {
  expect(await limitsOf()).toEqual(DEFAULT_LIMITS);
});

test.each([
  ["--max_request_bytes=1000", { maxBodyBytes: 1000 }],
  ["--max_header_bytes=2048", { maxHeaderBytes: 2048 }],
  ["--max_connections_per_thread=7", { maxConnections: 7 }],
  ["--max_buffered_bytes_per_thread=100000000", { maxBufferedBytes: 100_000_000 }],
  ["--max_concurrent_streams=3", { maxConcurrentStreams: 3 }],
  ["--headers_timeout_seconds=1.5", { headersTimeoutMs: 1500 }],
  ["--request_timeout_seconds=2", { requestTimeoutMs: 2000 }],
  ["--keep_alive_timeout_seconds=3", { keepAliveTimeoutMs: 3000 }],
  ["--write_timeout_seconds=4", { writeTimeoutMs: 4000 }],
])("%s changes its limit and no other", async (flag, changed) => {
  expect(await limitsOf(flag)).toEqual({ ...DEFAULT_LIMITS, ...changed });
});

test("what a thread buffers is never less than one request may have", async () => {
  const { maxBodyBytes, maxBufferedBytes } = await limitsOf(
    "--max_request_bytes=2000000000",
    "--max_buffered_bytes_per_thread=5",
  );
  expect([maxBodyBytes, maxBufferedBytes]).toEqual([2_000_000_000, 2_000_000_000]);
});

test("what TensorFlow is to do, and who may do what with it, is told to the threads", async () => {
  const argv = ["--enable_signature_method_name_check", "--enable_session_service", "--session_target=grpc://h:1"];
  expect(await servingOptions(parseFlags(argv, {}).options)).toMatchObject({
    signatureMethodNameCheck: true,
    sessionService: true,
    runtimes: { tensorflow: { models: { tags: ["serve"], sessionTarget: "grpc://h:1" } } },
  });
  await expect(servingOptions(parseFlags(["--session_config={"], {}).options)).rejects.toThrow("--session_config: 1:2: ");
});

test("the server core reads the graph of the tags that --saved_model_tags names", () => {
  const { options } = parseFlags(["--saved_model_tags=serve,gpu"], {});
  expect(coreOptions(options, undefined).savedModelTags).toEqual(["serve", "gpu"]);
});

test.each(["--headers_timeout_seconds=0", "--max_concurrent_streams=0", "--max_header_bytes=100"])("%s is refused", (flag) => {
  expect(() => parseFlags([flag], {})).toThrow(flag.slice(0, flag.indexOf("=")));
});
