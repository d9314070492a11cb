import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../../src/transport/http1/raw-client.ts";
import { RequestFault } from "../../src/transport/http1/request-fault.ts";
import { RequestReader } from "../../src/transport/http1/request-reader.ts";
import { DEFAULT_LIMITS } from "../../src/transport/limits.ts";
import { type Answer, readAnswers } from "./http1/answer-reader.ts";
import { ANSWERS } from "./http1/answers.ts";
import { CONTENT_LENGTHS, TRANSFER_ENCODINGS } from "./http1/body-length.ts";
import { CHUNK_EXTENSIONS, CHUNK_SIZES, TRAILERS } from "./http1/chunks.ts";
import { EXPECTATIONS, PERSISTENCE, SIZES, UPGRADES } from "./http1/connection.ts";
import { FIELDS, HOSTS } from "./http1/fields.ts";
import { mirror, seenOf } from "./http1/mirror-handler.ts";
import { LINES, METHODS, TARGETS, VERSIONS } from "./http1/request-line.ts";
import { type Expected, type ExpectedAnswer, get, LIMITS, type Row } from "./http1/row.ts";
import { SMUGGLING } from "./http1/smuggling.ts";

const TOPICS: readonly (readonly [topic: string, rows: readonly Row[]])[] = [
  ["methods", METHODS],
  ["lines", LINES],
  ["versions", VERSIONS],
  ["targets", TARGETS],
  ["fields", FIELDS],
  ["hosts", HOSTS],
  ["content lengths", CONTENT_LENGTHS],
  ["transfer encodings", TRANSFER_ENCODINGS],
  ["chunk sizes", CHUNK_SIZES],
  ["chunk extensions", CHUNK_EXTENSIONS],
  ["trailers", TRAILERS],
  ["persistence", PERSISTENCE],
  ["expectations", EXPECTATIONS],
  ["upgrades", UPGRADES],
  ["sizes", SIZES],
  ["answers", ANSWERS],
  ["smuggling", SMUGGLING],
];
const ROWS = TOPICS.flatMap(([topic, rows]) =>
  rows.map((row) => ({ ...row, title: `${topic}, RFC ${row.section}: ${row.name}` })),
);

/** Rows longer than this are not cut to pieces: there is nothing in them but more of the same. */
const LONGEST_CUT = 250;

let server: TestServer;
beforeAll(async () => {
  server = await startServer(mirror, { limits: LIMITS });
});
afterAll(() => server.close());

describe("a connection answers", () => {
  test.each(ROWS.map((row) => [row.title, row] as const))("%s", async (_title, row) => {
    check(row, await exchange(row, row.send));
  });
});

describe("a connection answers byte by byte alike", () => {
  const whole = ROWS.filter(({ send, answers }) => send.join("").length <= LONGEST_CUT && answers.some(isServed));
  test.each(TOPICS.map(([topic]) => topic))("%s", async (topic) => {
    const rows = whole.filter(({ title }) => title.startsWith(`${topic},`));
    // At once: the turns of the event loop that each byte takes are then everybody's.
    const exchanges = rows.map((row) => {
      // A body that comes after its head is awaited with 100, which rows of whole requests do not have.
      const finals = { ...row, answers: row.answers.filter(isFinal) };
      return exchange(finals, row.send.join("").split("")).then((answers) => check(finals, answers.filter(isFinalAnswer)));
    });
    await Promise.all(exchanges);
  });
});

test("the reader takes each row alike at every cut and byte by byte", () => {
  for (const { title, send } of ROWS) {
    const stream = send.join("");
    if (stream.length > LONGEST_CUT) continue;
    const whole = read([stream]).join("\n");
    const byteByByte = read(stream.split("")).join("\n");
    if (byteByByte !== whole) expect(byteByByte, `${title}, byte by byte`).toBe(whole);
    for (let cut = 1; cut < stream.length; cut++) {
      const cutRead = read([stream.slice(0, cut), stream.slice(cut)]).join("\n");
      if (cutRead !== whole) expect(cutRead, `${title}, cut at ${cut}`).toBe(whole);
    }
  }
});

test("no two rows are the same", () => {
  const titles = ROWS.map(({ title }) => title);
  expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
});

/** Sends a row's pieces and gives the answers, the connection being in the state that the row says. */
async function exchange(row: Row, pieces: readonly string[]): Promise<readonly Answer[]> {
  const client = await server.client();
  const headOnly = row.answers.filter(isFinal).map((expected) => typeof expected === "object" && expected.headOnly === true);
  const answers = (): Answer[] => readAnswers(client.received, headOnly, client.ended);
  const stepwise = pieces === row.send;
  for (const [i, piece] of pieces.entries()) {
    if (stepwise) await client.until((at) => at.ended || answers().length >= i);
    await client.send(piece);
  }
  if (row.after === "closed") {
    await client.end();
  } else {
    await client.until((at) => at.ended || answers().filter(isFinalAnswer).length >= headOnly.length);
    if (row.after === "open") {
      const seen = answers().length;
      await client.send(get("/probe"));
      headOnly.push(false);
      await client.until((at) => at.ended || answers().filter(isFinalAnswer).length > headOnly.length - 1);
      const [probe, ...others] = answers().slice(seen);
      expect([probe?.body, others], "the next request of the connection").toEqual(["GET /probe", []]);
      client.socket.destroy();
      return answers().slice(0, seen);
    }
    client.socket.end();
    await client.end();
    const all = answers();
    expect(all.pop()?.body, "the answer to a request that is not all there").toContain(
      "the connection ended before the request did",
    );
    return all;
  }
  client.socket.destroy();
  return answers();
}

function check(row: Row, answers: readonly Answer[]): void {
  expect(answers.map(({ status }) => status)).toEqual(row.answers.map((expected) => toExpected(expected).status));
  for (const [i, expected] of row.answers.entries()) {
    const { status, seen, body, headers = {}, headOnly } = toExpected(expected);
    const answer = answers[i]!;
    if (seen !== undefined) expect(decodeURIComponent(answer.headers.get("x-seen") ?? "")).toBe(seen);
    if (body !== undefined) expect(answer.body).toBe(body);
    if (headOnly === true) expect(answer.body).toBe("");
    for (const [name, value] of Object.entries(headers)) {
      const found = answer.headers.get(name);
      expect(found === undefined ? "absent" : decodeURIComponent(found), name).toBe(value);
    }
    if (status === 100) expect(answer.headers.size).toBe(0);
    if (isServed(expected) || status === 100) continue;
    if (headOnly !== true) expect(answer.body).toMatch(/^(?:\{\n {4}"error": ".+"\n\}|[A-Z]+ \/\d+)$/);
  }
  const last = answers.at(-1);
  if (row.after === "closed" && last !== undefined) expect(last.headers.get("connection")).toBe("close");
  if (row.after === "open") expect(last?.headers.get("connection")).not.toBe("close");
}

function toExpected(expected: Expected): ExpectedAnswer {
  if (typeof expected === "string") return { status: 200, seen: expected };
  return typeof expected === "number" ? { status: expected } : expected;
}

function isServed(expected: Expected): boolean {
  const { status } = toExpected(expected);
  return status < 400;
}

function isFinal(expected: Expected): boolean {
  return toExpected(expected).status >= 200;
}

function isFinalAnswer({ status }: Answer): boolean {
  return status >= 200;
}

/** What the reader makes of a stream that arrives in these pieces, up to the last request or a fault. */
function read(pieces: readonly string[]): string[] {
  const reader = new RequestReader({ ...DEFAULT_LIMITS, ...LIMITS });
  const seen: string[] = [];
  try {
    for (const piece of pieces) {
      reader.push(Buffer.from(piece, "latin1"));
      for (let head = reader.next(); head !== undefined; head = reader.next()) {
        const { method, target, keepAlive } = head;
        seen.push(`${seenOf({ method, target, body: reader.body })} for ${head.header("host")}${keepAlive ? "" : ", the last"}`);
        if (!keepAlive) return seen;
      }
    }
    seen.push(reader.unfinished ?? (reader.atBoundary ? "boundary" : "unread"));
  } catch (reason) {
    if (!(reason instanceof RequestFault)) throw reason;
    seen.push(`${reason.status} ${reason.message} ${reader.faultyHead.method === "HEAD"}`);
  }
  return seen;
}
