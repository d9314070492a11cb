import { cpSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { growthDuring } from "../support/memory.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, startServer } from "../support/server.ts";

const MEBIBYTE = 1024 * 1024;
const BUFFERED_MEBIBYTES = 32;
const CLIENTS = 64;
/** What V8 lets short-lived objects of a thread grow to before it collects them. */
const GARBAGE_MEBIBYTES = 48;

test("clients that send large bodies and never end them take no more than the limit; others are served, and it is free again", async () => {
  const models = temporaryFolder();
  cpSync(HALF_PLUS_TWO, join(models.path, "half", "1", "model.onnx"), { recursive: true });
  const server = await startServer([
    models.path,
    "--threads=1",
    `--max_request_bytes=${8 * MEBIBYTE}`,
    `--max_buffered_bytes_per_thread=${BUFFERED_MEBIBYTES * MEBIBYTE}`,
  ]);
  const predict = (body: string) => rest(`${server.url}/v1/models/half:predict`, body);
  const held = async () => {
    const { text } = await rest(`${server.url}/monitoring/prometheus/metrics`);
    return Number(/^modelport_buffered_bytes\S* (\d+)/m.exec(text)?.[1]);
  };
  const large = `{"instances": [1${" ".repeat(4 * MEBIBYTE)}]}`;
  const sockets: Socket[] = [];
  let refused = 0;
  const growth = await growthDuring(server, async () => {
    for (let client = 0; client < CLIENTS; client++) {
      const socket = connect(server.restPort, "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.once("data", (bytes: Buffer) => (refused += bytes.toString().startsWith("HTTP/1.1 503") ? 1 : 0));
      socket.write(`POST /v1/models/half:predict HTTP/1.1\r\nhost: x\r\ncontent-length: ${8 * MEBIBYTE - 1}\r\n\r\n`);
      socket.write(Buffer.alloc(4 * MEBIBYTE, 0x20));
    }
    await eventually(() => refused > CLIENTS / 2);
    expect((await predict('{"instances": [1]}')).status).toBe(200);
  });
  expect(growth).toBeLessThanOrEqual(3 * BUFFERED_MEBIBYTES + GARBAGE_MEBIBYTES);
  expect(await held()).toBeLessThanOrEqual(BUFFERED_MEBIBYTES * MEBIBYTE + CLIENTS * 128 * 1024);
  for (const socket of sockets) socket.resetAndDestroy();
  await eventually(async () => (await held()) === 0);
  expect((await predict(large)).status).toBe(200);
  expect(await server.stop()).toBe(0);
  models.remove();
});
