import { describe, expect, test } from "vitest";
import { fixture } from "../support/folders.ts";
import { rest } from "../support/rest.ts";
import { startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

describe.skipIf(LIBRARY === undefined)(`a model run that does not end (${NO_LIBRARY})`, () => {
  const loop = fixture("tensorflow", "runtime", "loop");
  const flags = [loop, `--tensorflow_library=${LIBRARY}`, "--threads=1"];
  const ask = (url: string, n: number, signature = "serving_default") =>
    rest(`${url}/v1/models/loop:predict`, JSON.stringify({ signature_name: signature, inputs: n }));

  test("ends at its time limit, and others are answered meanwhile", async () => {
    const server = await startServer([...flags, "--rest_api_timeout_in_ms=3000"]);
    try {
      for (let i = 0; i < 20; i++) expect((await ask(server.url, 1)).status).toBe(200);
      const endless = ask(server.url, 2_000_000_000);
      let ended = false;
      void endless.then(() => (ended = true));
      expect((await ask(server.url, 2)).text).toContain("2");
      expect((await rest(`${server.url}/livez`)).status).toBe(200);
      expect(ended).toBe(false);
      expect((await endless).status).toBe(504);
    } finally {
      await server.stop();
    }
  }, 60_000);

  test("without a time limit does not keep the server from its end for longer than a drain and a little", async () => {
    const server = await startServer([...flags, "--rest_api_timeout_in_ms=0", "--drain_timeout_seconds=1"]);
    const endless = ask(server.url, 2_000_000_000).catch(() => undefined);
    // The run has begun once another request, sent after it, is answered.
    await ask(server.url, 1);
    expect(await server.stop()).toBe(1);
    expect(server.stderr()).toContain('"stop_forced"');
    await endless;
  }, 60_000);
});
