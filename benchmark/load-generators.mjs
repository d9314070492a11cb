// Closed-loop load: every connection sends its next request when the last one is answered. All give {requests, failures, seconds}.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SECONDS_IN = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600 };

/** Whether a program is installed. */
export async function installed(program) {
  try {
    await run("which", [program]);
    return true;
  } catch {
    return false;
  }
}

/** REST by wrk, one thread, connections that are kept. */
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
  return readWrk(stdout);
}

/** What wrk prints at its end. @throws Error for a text without its summary. */
export function readWrk(text) {
  const summary = /(\d+) requests in ([\d.]+)(us|ms|s|m|h), /.exec(text);
  if (summary === null) throw new Error(`wrk printed no summary but: ${text.slice(-500)}`);
  const [, requests, took, unit] = summary;
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return {
    requests: Number(requests),
    failures: Number(bad) + broken.reduce((sum, count) => sum + Number(count), 0),
    seconds: Number(took) * SECONDS_IN[unit],
  };
}

/**
 * gRPC by h2load, one thread, `streams` calls at a time on each connection. It sees HTTP statuses and not gRPC's, so a call counts as
 * failed when fewer bytes came than answers of `answerBytes` have.
 */
export async function h2load({ port, path, body, answerBytes, connections, streams, seconds, folder }) {
  const bodyFile = join(folder, "body.grpc");
  writeFileSync(bodyFile, body);
  const load = ["-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`];
  const request = ["-d", bodyFile, "-H", "content-type: application/grpc", "-H", "te: trailers"];
  const { stdout } = await run("h2load", [...load, ...request, `http://127.0.0.1:${port}${path}`]);
  return readH2load(stdout, answerBytes);
}

/** What h2load prints at its end. @throws Error for a text without its summary. */
export function readH2load(text, answerBytes) {
  const took = /finished in ([\d.]+)(us|ms|s|m|h), /.exec(text);
  const counts = /(\d+) done, (\d+) succeeded, (\d+) failed/.exec(text);
  const data = /\((\d+)\) data$/m.exec(text);
  if (took === null || counts === null || data === null) throw new Error(`h2load printed no summary but: ${text.slice(-500)}`);
  const [requests, succeeded] = counts.slice(1).map(Number);
  const whole = Math.floor(Number(data[1]) / answerBytes);
  return {
    requests,
    failures: requests - Math.min(succeeded, whole),
    seconds: Number(took[1]) * SECONDS_IN[took[2]],
  };
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
export async function nodeGrpc({ port, path, body, connections, streams, seconds }) {
  return drive(connections, seconds, async (count, running) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = async () => {
      do count((await grpcCall(session, path, body)).status === "0");
      while (running());
    };
    await Promise.all(Array.from({ length: streams }, stream));
    session.close();
  });
}

/** One unary call on a session; gives its grpc-status and the bytes of its answer with gRPC's framing. */
export async function grpcCall(session, path, body) {
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
  let status;
  let bytes = 0;
  stream.on("response", (headers) => (status = headers["grpc-status"]));
  stream.on("trailers", (trailers) => (status = trailers["grpc-status"] ?? status));
  stream.on("data", (data) => (bytes += data.length));
  stream.end(body);
  await once(stream, "close");
  return { status, bytes };
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
