// Closed-loop load: every connection sends its next request when the last one is answered. All give {requests, failures, seconds}.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whether a program is installed. */
export async function installed(program) {
  try {
    await run("which", [program]);
    return true;
  } catch {
    return false;
  }
}

/** REST by wrk, one thread. */
export async function wrk({ port, path, body, connections, seconds, folder }) {
  const bodyFile = join(folder, "body.json");
  const script = join(folder, "post.lua");
  writeFileSync(bodyFile, body);
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nlocal file = io.open("${bodyFile}", "rb")\nwrk.body = file:read("*a")\nfile:close()\n`,
  );
  const url = `http://127.0.0.1:${port}${path}`;
  const { stdout } = await run("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url]);
  const [, requests, took] = /(\d+) requests in ([\d.]+)s/.exec(stdout);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0;
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  return {
    requests: Number(requests),
    failures: Number(bad) + broken.reduce((sum, count) => sum + Number(count), 0),
    seconds: Number(took),
  };
}

/** gRPC by h2load, one thread, one request at a time on each connection. It sees HTTP statuses, not gRPC's. */
export async function h2load({ port, path, body, connections, seconds, folder }) {
  const bodyFile = join(folder, "body.grpc");
  const log = join(folder, "h2load.log");
  writeFileSync(bodyFile, body);
  rmSync(log, { force: true });
  const load = ["-t1", `-c${connections}`, "-m1", `-D${seconds}`];
  const request = ["-d", bodyFile, "-H", "content-type: application/grpc", "-H", "te: trailers"];
  await run("h2load", [...load, ...request, "--log-file", log, `http://127.0.0.1:${port}${path}`]);
  const lines = readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return { requests: lines.length, failures: lines.filter((line) => line.split("\t")[1] !== "200").length, seconds };
}

/** REST by this process: one socket a connection, one request written whole. */
export async function nodeHttp({ port, path, body, connections, seconds }) {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const request = Buffer.concat([Buffer.from(head), body]);
  return drive(connections, seconds, async (count, running) => {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    await once(socket, "connect");
    let pending = Buffer.alloc(0);
    socket.write(request);
    for await (const bytes of socket) {
      pending = Buffer.concat([pending, bytes]);
      const end = pending.indexOf("\r\n\r\n");
      if (end === -1) continue;
      const answer = pending.latin1Slice(0, end);
      const length = Number(/content-length: *(\d+)/i.exec(answer)?.[1]);
      if (pending.length < end + 4 + length) continue;
      count(answer.startsWith("HTTP/1.1 200 "));
      pending = pending.subarray(end + 4 + length);
      if (!running()) break;
      socket.write(request);
    }
    socket.destroy();
  });
}

/** gRPC by this process: one http2 session a connection. */
export async function nodeGrpc({ port, path, body, connections, seconds }) {
  return drive(connections, seconds, async (count, running) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    do count((await grpcCall(session, path, body)) === "0");
    while (running());
    session.close();
  });
}

/** One unary call on a session; gives its grpc-status. */
export async function grpcCall(session, path, body) {
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
  let status;
  stream.on("response", (headers) => (status = headers["grpc-status"]));
  stream.on("trailers", (trailers) => (status = trailers["grpc-status"] ?? status));
  stream.resume();
  stream.end(body);
  await once(stream, "close");
  return status;
}

async function drive(connections, seconds, connection) {
  const started = performance.now();
  const running = () => performance.now() - started < seconds * 1_000;
  let requests = 0;
  let failures = 0;
  const count = (good) => {
    requests++;
    if (!good) failures++;
  };
  await Promise.all(Array.from({ length: connections }, () => connection(count, running)));
  return { requests, failures, seconds: (performance.now() - started) / 1_000 };
}
