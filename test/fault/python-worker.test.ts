import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { temporaryFolders } from "../support/folders.ts";
import { pythonWith } from "../support/python.ts";
import { errorText, rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const PYTHON = pythonWith("json");
const SKIPPED = PYTHON === undefined ? "skipped: no python3" : "";

/** A handler that does to itself what it is told to. */
const HANDLER = `
import os, subprocess, sys, time


class Strange:
    pass


class Handler:
    signature = {"inputs": {"do": {"dtype": "string", "shape": []}}, "outputs": {"said": {"dtype": "string", "shape": []}}}

    def predict(self, inputs):
        what, _, about = str(inputs["do"]).partition(" ")
        if what == "raise":
            raise ZeroDivisionError("nothing by %s" % about)
        if what == "refuse":
            raise ValueError("no %s here, see /etc/secret/place.txt at 0x7f00deadbeef" % about)
        if what == "quit":
            sys.exit(3)
        if what == "exit":
            os._exit(3)
        if what == "hang":
            while True:
                pass
        if what == "sleep":
            time.sleep(float(about))
        if what == "print":
            line = "x" * (1 << 20) + "\\n"
            for _ in range(int(about)):
                sys.stdout.write(line)
        if what == "allocate":
            len(bytearray(int(about)))
        if what == "strange":
            return {"said": Strange()}
        if what == "forget":
            return {"other": about}
        if what == "environment":
            return {"said": ",".join(sorted(os.environ))}
        if what == "files":
            return {"said": " ".join(sorted(os.listdir("/proc/self/fd"), key=int))}
        if what == "daemon":
            # As daemons are made: out of the worker's process group, with everything open that the worker has open.
            if os.fork() == 0:
                os.setsid()
                time.sleep(float(about))
                os._exit(0)
            return {"said": "made"}
        if what == "fork":
            child = os.fork()
            if child == 0:
                sys.exit(7)
            return {"said": str(os.waitpid(child, 0)[1] >> 8)}
        if what == "close":
            import threading
            threading.Thread(target=time.sleep, args=(3600,)).start()
            os.closerange(3, 256)
        if what == "silence":
            sys.stdout = sys.stderr = None
        if what == "child":
            return {"said": str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]).pid)}
        return {"said": about or what}
`;

const folder = temporaryFolders();
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop("SIGKILL");
  server = undefined;
});

/** A server of the handler above as the model `odd`. */
async function start(...flags: readonly string[]): Promise<RunningServer> {
  const model = join(folder(), "odd");
  mkdirSync(model);
  writeFileSync(join(model, "handler.py"), HANDLER);
  server = await startServer([model, "--allow_code=odd", `--python=${PYTHON}`, "--threads=2", ...flags]);
  return server;
}

async function tell({ url }: RunningServer, what: string): Promise<{ readonly status: number; readonly said: string }> {
  const answer = await rest(`${url}/v1/models/odd:predict`, JSON.stringify({ inputs: what }));
  const said = answer.status === 200 ? (JSON.parse(answer.text) as { outputs: string }).outputs : errorText(answer);
  return { status: answer.status, said };
}

/** Process ids of the workers that were started so far, in order. */
function workers(running: RunningServer): readonly number[] {
  return logLines(running)
    .filter(({ msg }) => msg === "python_worker_started")
    .map((line) => (line as unknown as { readonly pid: number }).pid);
}

/** Resolves once the handler answers again, with the process that does. */
async function servedAgain(running: RunningServer, after: number): Promise<void> {
  await eventually(() => workers(running).length > after);
  await eventually(async () => (await tell(running, "echo back")).said === "back");
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and that nobody has asked about is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe.skipIf(PYTHON === undefined || process.platform !== "linux")(`a Python worker ${SKIPPED}`, () => {
  test("that is killed under load loses no request, and another one takes its place", async () => {
    const running = await start();
    let ended = false;
    const seen = new Map<number, number>();
    const load = Array.from({ length: 8 }, async (_, client) => {
      while (!ended) {
        const { status, said } = await tell(running, `echo ${client}`);
        seen.set(status, (seen.get(status) ?? 0) + 1);
        if (status === 200) expect(said).toBe(String(client));
        else expect([status, said]).toEqual([503, expect.stringContaining("Python worker")]);
      }
    });
    await eventually(() => (seen.get(200) ?? 0) > 100);
    process.kill(workers(running)[0]!, "SIGKILL");
    await servedAgain(running, 1);
    const before = seen.get(200)!;
    await eventually(() => seen.get(200)! > before + 100);
    ended = true;
    await Promise.all(load);
    expect(workers(running)).toHaveLength(2);
    expect(running.stderr()).toContain('"reason":"it was ended by SIGKILL"');
  }, 60_000);

  test.each([
    ["raise seven", 500, "the handler raised ZeroDivisionError: nothing by seven"],
    ["refuse bread", 400, "no bread here, see place.txt at 0x..."],
    ["quit", 500, "the handler raised SystemExit: 3"],
    ["strange", 500, 'output "said" holds values of Strange, which no tensor can hold'],
    ["forget it", 500, 'the model gave no output "said" (it gave other)'],
    [`allocate ${2 ** 40}`, 429, "the model ran out of memory"],
  ])("that is told to %s says so and goes on", async (what, status, said) => {
    const running = await start();
    const told = await tell(running, what);
    // Without numpy the words are others.
    expect([
      told.status,
      told.said.replace(/is declared as strings and holds something else/, "holds values of Strange, which no tensor can hold"),
    ]).toEqual([status, said]);
    expect(await tell(running, "echo on")).toEqual({ status: 200, said: "on" });
    expect(workers(running)).toHaveLength(1);
  });

  test("that allocates more than its limit says so and goes on", async () => {
    const running = await start(`--python_memory_limit_bytes=${2 ** 30}`);
    expect(await tell(running, `allocate ${2 ** 30}`)).toEqual({ status: 429, said: "the model ran out of memory" });
    expect(await tell(running, `allocate ${2 ** 20}`)).toMatchObject({ status: 200 });
    expect(workers(running)).toHaveLength(1);
  });

  test("that ends itself is UNAVAILABLE at once, and started again", async () => {
    const running = await start();
    expect(await tell(running, "exit")).toEqual({
      status: 503,
      said: "the Python worker ended while it was at the request, try again",
    });
    await servedAgain(running, 1);
    expect(running.stderr()).toContain('"reason":"it ended with code 3"');
  });

  test("that closes the server's sockets is started again, and so are all after it", async () => {
    const running = await start();
    for (let i = 1; i <= 2; i++) {
      expect((await tell(running, "close")).status).toBe(503);
      await servedAgain(running, i);
    }
  });

  test("whose daemon lives on is seen to have ended at once", async () => {
    const running = await start();
    expect(await tell(running, "daemon 5")).toEqual({ status: 200, said: "made" });
    expect((await tell(running, "exit")).status).toBe(503);
    await servedAgain(running, 1);
  });

  test("whose fork comes back from the model answers itself, and the fork ends as it would elsewhere", async () => {
    const running = await start();
    expect(await tell(running, "fork")).toEqual({ status: 200, said: "7" });
    expect(await tell(running, "echo back")).toEqual({ status: 200, said: "back" });
    expect(workers(running)).toHaveLength(1);
  });

  test("whose handler takes its output away goes on, also with an error", async () => {
    const running = await start();
    expect((await tell(running, "silence")).status).toBe(200);
    expect((await tell(running, "raise 0")).status).toBe(500);
    expect((await tell(running, "echo back")).said).toBe("back");
    expect(workers(running)).toHaveLength(1);
  });

  test("that hangs is DEADLINE_EXCEEDED at the limit, ended and started again", async () => {
    const running = await start("--python_timeout_seconds=0.5");
    expect(await tell(running, "hang")).toEqual({ status: 504, said: "the Python worker has not answered within 0.5 seconds" });
    await servedAgain(running, 1);
    expect(running.stderr()).toContain('"reason":"a request took longer than 0.5 seconds"');
  });

  test("that is late is not waited for, and its answer goes to nobody else", async () => {
    const running = await start("--rest_api_timeout_in_ms=200");
    expect((await tell(running, "sleep 0.5")).status).toBe(504);
    await eventually(async () => (await tell(running, "echo mine")).said === "mine");
    expect(workers(running)).toHaveLength(1);
  });

  test("that prints a gigabyte fills neither the log nor the server's memory, and answers", async () => {
    const running = await start();
    expect(await tell(running, "print 1024")).toMatchObject({ status: 200 });
    expect(await tell(running, "echo done")).toEqual({ status: 200, said: "done" });
    expect(running.stderr().length).toBeLessThan(1_000_000);
    await eventually(() => running.stderr().includes('"python_output_dropped"'));
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.process.pid}/status`, "utf8"))![1]);
    expect(peak).toBeLessThan(400_000);
  }, 60_000);

  test("is gone with all that it has started when the server is killed", async () => {
    const running = await start("--python_workers=2", "--python_spare");
    await eventually(() => workers(running).length === 3);
    const child = Number((await tell(running, "child")).said);
    const busy = tell(running, "hang").catch(() => undefined);
    const pids = [...workers(running), child];
    expect(pids.filter(isAlive)).toEqual(pids);
    await running.stop("SIGKILL");
    await busy;
    await eventually(() => !pids.some(isAlive));
  });

  test("that waits as a spare takes the place of one that ends", async () => {
    const running = await start("--python_spare");
    await eventually(() => workers(running).length === 2);
    expect((await tell(running, "exit")).status).toBe(503);
    await eventually(async () => (await tell(running, "echo back")).said === "back");
    await eventually(() => workers(running).length === 3);
  });

  test("ends with the server, and leaves no file behind", async () => {
    const running = await start();
    const [pid] = workers(running);
    expect(await running.stop()).toBe(0);
    expect(isAlive(pid!)).toBe(false);
  });

  test("has neither the server's secrets nor its files", async () => {
    process.env.MODELPORT_TEST_SECRET = "hidden";
    process.env.MODELPORT_TEST_NAMED = "shown";
    try {
      const running = await start("--python_environment=MODELPORT_TEST_NAMED");
      const names = (await tell(running, "environment")).said.split(",");
      expect(names).toContain("PATH");
      expect(names).toContain("MODELPORT_TEST_NAMED");
      expect(names).not.toContain("MODELPORT_TEST_SECRET");
      // Streams, the control socket, a pipe, devnull, the listening socket, two threads, and the folder that is being read.
      expect((await tell(running, "files")).said.split(" ").length).toBeLessThanOrEqual(12);
    } finally {
      delete process.env.MODELPORT_TEST_SECRET;
      delete process.env.MODELPORT_TEST_NAMED;
    }
  });
});
