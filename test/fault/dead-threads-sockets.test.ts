import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const CONNECTIONS = 20;

let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function open(port: number, closed: () => void): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.on("close", closed);
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

describe.skipIf(process.platform !== "linux")("the sockets of a serving thread", () => {
  test.each(["exit", "memory"])("are closed and leave no descriptor when it ends by itself: %s", async (way) => {
    const preload = new URL(`./end-a-thread.mjs?way=${way}`, import.meta.url).href;
    const running = await startServer([HALF_PLUS_TWO, "--threads=1"], { preload });
    server = running;
    const descriptors = () => readdirSync(`/proc/${running.process.pid}/fd`).length;
    await eventually(async () => (await rest(`${running.url}/readyz`)).status === 200);
    const before = descriptors();
    let closed = 0;
    const sockets: Socket[] = [];
    while (sockets.length < CONNECTIONS) sockets.push(await open(running.restPort, () => closed++));
    // What the thread has not accepted when it ends waits for the next one.
    await eventually(() => descriptors() >= before + CONNECTIONS);
    running.process.kill("SIGUSR2");
    await eventually(() => closed === CONNECTIONS);
    await eventually(() => logLines(running).some(({ msg }) => msg === "serving_thread_ended"));
    await eventually(async () => (await rest(`${running.url}/readyz`).catch(() => undefined))?.status === 200);
    // What the successor has opened may differ by a few.
    await eventually(() => descriptors() < before + CONNECTIONS / 2);
    expect(await running.stop()).toBe(0);
  });
});
