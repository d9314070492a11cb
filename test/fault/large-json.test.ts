import { cpSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { growthDuring } from "../support/memory.ts";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { errorText, rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const MEBIBYTE = 1024 * 1024;
const BODY_MEBIBYTES = 60;
/** What V8 lets short-lived objects of a thread grow to before it collects them. */
const GARBAGE_MEBIBYTES = 48;

const models = temporaryFolder();
let server: RunningServer;

beforeAll(async () => {
  cpSync(HALF_PLUS_TWO, join(models.path, "half", "1", "model.onnx"), { recursive: true });
  server = await startServer([models.path, "--threads=1"]);
});

afterAll(async () => {
  expect(await server?.stop()).toBe(0);
  models.remove();
});

const predict = (of: RunningServer, body: string | Uint8Array) => rest(`${of.url}/v1/models/half:predict`, body);

/** So many bytes of the same piece between a head and a tail. */
function filled(head: string, piece: string, tail: string): Buffer {
  const size = BODY_MEBIBYTES * MEBIBYTE;
  const body = Buffer.alloc(size, piece);
  body.write(head);
  body.write(tail, size - tail.length);
  return body;
}

/** Sends small predictions over one connection, one after the other, until `over`; the longest wait in milliseconds and how many. */
async function askMeanwhile(over: () => boolean): Promise<{ longest: number; answers: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let longest = 0;
  let answers = 0;
  while (!over()) {
    const start = performance.now();
    expect(await smallPredict(agent)).toContain("2.5, 3.0");
    longest = Math.max(longest, performance.now() - start);
    answers++;
  }
  agent.destroy();
  return { longest, answers };
}

function smallPredict(agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}/v1/models/half:predict`, { method: "POST", agent }, (answer) => {
      let text = "";
      answer.on("data", (piece: Buffer) => (text += piece.toString()));
      answer.on("end", () => resolve(text));
    });
    sent.on("error", reject);
    sent.end('{"instances": [1, 2]}');
  });
}

describe("while one thread is sent 60 MiB of JSON, its other connections are answered", () => {
  test.each<[string, () => Buffer, number, string]>([
    ["brackets", () => filled("[", "[", "["), 400, "JSON Parse error: Invalid value. at offset: 62914560"],
    ["named rows, wrong at the end", () => filled('{"instances":[', '{"x": 1},', "]}"), 400, "JSON Parse error"],
    ["numbers, wrong at the end", () => filled('{"instances":[1,', "0.123456789,", "x]}"), 400, "JSON Parse error"],
    ["digits", () => filled('{"instances":[1', "1", "]}"), 400, "Number too big to be stored in double. at offset: 14"],
  ])("%s", async (_, make, status, message) => {
    const body = make();
    let done = false;
    let took = 0;
    let meanwhile = { longest: 0, answers: 0 };
    const growth = await growthDuring(server, async () => {
      const start = performance.now();
      const large = predict(server, body).then((answer) => {
        took = performance.now() - start;
        done = true;
        return answer;
      });
      meanwhile = await askMeanwhile(() => done);
      const answer = await large;
      expect([answer.status, errorText(answer)]).toEqual([status, expect.stringContaining(message)]);
    });
    // Read by the same thread, it would make somebody wait for all but the sending of it.
    expect(meanwhile.answers).toBeGreaterThan(5);
    expect(meanwhile.longest).toBeLessThan(took / 2);
    expect(growth).toBeLessThanOrEqual(3 * BODY_MEBIBYTES + GARBAGE_MEBIBYTES);
  });

  test("a million numbers are answered one for one", async () => {
    const count = 1_000_000;
    const answer = await predict(server, `{"instances": [${"3,".repeat(count - 1)}4]}`);
    const { predictions } = JSON.parse(answer.text) as { predictions: number[] };
    expect([predictions.length, predictions[0], predictions[count - 1]]).toEqual([count, 3.5, 4]);
  });
});

test("a body whose reading thread dies is answered 503, the next one by another thread", async () => {
  const preload = fileURLToPath(new URL("./kill-first-json-thread.mjs", import.meta.url));
  const mortal = await startServer([models.path, "--threads=1"], { preload });
  const body = filled('{"instances":[1', " ", "]}");
  const lost = await predict(mortal, body);
  expect([lost.status, errorText(lost)]).toEqual([503, "the thread that reads and writes large JSON has failed, try again"]);
  expect((await predict(mortal, body)).status).toBe(200);
  expect((await predict(mortal, '{"instances": [1]}')).status).toBe(200);
  await eventually(() => logLines(mortal).some(({ msg }) => msg === "json_thread_ended"));
  expect(await mortal.stop()).toBe(0);
});
