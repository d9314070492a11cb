import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, freePort, MAIN } from "../support/server.ts";

/** A server at debug level, so that each request writes; its output goes where `stdio` says. */
async function predictWith(stdio: "pipe" | number, spoil: (child: ChildProcess) => void): Promise<number | null> {
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN, HALF_PLUS_TWO, `--port=${port}`, "--rest_api_port=0", "--log_level=debug"], {
    stdio: ["ignore", stdio, stdio],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  const ready = eventually(async () =>
    rest(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  expect(await Promise.race([ready, exited])).toBe(true);
  spoil(child);
  for (let request = 0; request < 20; request++) {
    expect((await rest(`${url}/v1/models/model:predict`, '{"instances": [1.0]}')).status).toBe(200);
  }
  child.kill("SIGTERM");
  return await exited;
}

test("a server whose readers of log and standard output went away serves on and stops well", async () => {
  const code = await predictWith("pipe", ({ stdout, stderr }) => {
    stdout?.destroy();
    stderr?.destroy();
  });
  expect(code).toBe(0);
});

test.skipIf(!existsSync("/dev/full"))("a server whose log goes to a full disk starts, serves and stops well", async () => {
  const full = openSync("/dev/full", "w");
  try {
    expect(await predictWith(full, () => {})).toBe(0);
  } finally {
    closeSync(full);
  }
});
