import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { encodePlanned, PredictionLogPlan, plannedBytes } from "../codec/prediction-log.ts";
import { LogMetadataPlan } from "../codec/prediction-log-plans.ts";
import { TfRecordReader } from "../codec/tf-record/tf-record-reader.ts";
import { METRICS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { RECORD_HEADER_BYTES, writeRecordHeader } from "../serving/request-log-batch.ts";
import { type RequestLogStream, RequestLogWork } from "./request-log-work.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "modelport-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A log of a predict call on nothing. */
function record(model: string): Uint8Array {
  const metadata = new LogMetadataPlan({ name: model, version: 1n, signatureName: "s" }, 1, 5);
  const nothing = plannedBytes(new Uint8Array(0));
  return encodePlanned(new PredictionLogPlan("predict", metadata, nothing, nothing));
}

function batchOf(...records: readonly (readonly [stream: number, record: Uint8Array])[]): Uint8Array {
  return Buffer.concat(
    records.map(([stream, bytes]) => {
      const part = new Uint8Array(RECORD_HEADER_BYTES + bytes.length);
      writeRecordHeader(part, 0, stream, bytes.length);
      part.set(bytes, RECORD_HEADER_BYTES);
      return part;
    }),
  );
}

function worker(maxFileBytes = 1 << 20) {
  const clock = new FakeClock();
  const catalog = new MetricsCatalog(METRICS);
  const events: string[] = [];
  const note = (event: string, { models }: { models?: readonly string[] } = {}) => void events.push(`${event} ${models?.join()}`);
  const pending = new Int32Array(1);
  const disk = { full: false };
  const work = new RequestLogWork({
    maxFileBytes,
    maxFiles: 100,
    pending,
    shard: new MetricsShard((announcement) => catalog.accept(0, announcement)),
    clock,
    log: { debugging: false, debug: note, info: note, warn: note, error: note },
    time: () => 0,
    calls: {
      openSync,
      ftruncateSync,
      fsyncSync,
      closeSync,
      writeSync: (file, bytes, offset) => {
        if (disk.full) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        return writeSync(file, bytes, offset);
      },
    },
  });
  const counts = () =>
    catalog
      .render("tensorflow-serving")
      .split("\n")
      .filter((line) => line.includes("request_log_count{"))
      .map((line) => line.replace(/^.*model_name="(\w+)",status_code="(\w+)"} (\d+)$/, "$1 $2 $3"))
      .sort();
  return { work, clock, events, pending, disk, counts };
}

const stream = (number: number, model: string, name: string, format: RequestLogStream["format"]): RequestLogStream => ({
  number,
  model,
  filenamePrefix: join(folder, name),
  format,
});

function recordsIn(name: string): number {
  const reader = new TfRecordReader();
  reader.push(readFileSync(join(folder, name)));
  let count = 0;
  while (reader.next() !== undefined) count++;
  reader.end();
  return count;
}

describe("a batch", () => {
  test("is written in the form of each stream, and streams of one prefix share a file", () => {
    const { work, pending, counts } = worker();
    work.configure([stream(0, "a", "both", "tfrecord"), stream(1, "b", "both", "tfrecord"), stream(2, "c", "c", "jsonl")]);
    const batch = batchOf([0, record("a")], [2, record("c")], [1, record("b")], [0, record("a")]);
    pending[0] = batch.length;
    work.write(batch);
    work.close();
    expect(pending[0]).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(["both-19700101-000000-0.tfrecord", "c-19700101-000000-0.jsonl"]);
    expect(recordsIn("both-19700101-000000-0.tfrecord")).toBe(3);
    expect(JSON.parse(readFileSync(join(folder, "c-19700101-000000-0.jsonl"), "utf8"))).toMatchObject({
      model: "c",
      time: "1970-01-01T00:00:05Z",
    });
    expect(counts()).toEqual(["a OK 2", "b OK 1", "c OK 1"]);
  });

  test("is cut where a file is full", () => {
    const { work } = worker(2 * (record("a").length + 16));
    work.configure([stream(0, "a", "a", "tfrecord")]);
    work.write(batchOf(...Array.from({ length: 5 }, () => [0, record("a")] as const)));
    work.close();
    expect(readdirSync(folder).sort().map(recordsIn)).toEqual([2, 2, 1]);
  });

  test("with what JSON has no form of counts that and keeps the rest", () => {
    const { work, counts } = worker();
    work.configure([stream(0, "a", "a", "jsonl")]);
    work.write(batchOf([0, new Uint8Array(0)], [0, record("a")]));
    work.close();
    expect(counts()).toEqual(["a INVALID_ARGUMENT 1", "a OK 1"]);
  });

  test("of a stream that is gone is written still, and its file ended", () => {
    const { work, counts } = worker();
    work.configure([stream(0, "a", "a", "tfrecord")]);
    work.configure([]);
    work.write(batchOf([0, record("a")]));
    work.write(batchOf([0, record("a")]));
    expect(counts()).toEqual(["a OK 2"]);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe("a place that cannot be written to", () => {
  test("is told once, counted, tried again later, and told when it works", async () => {
    const { work, clock, events, disk, counts } = worker();
    work.configure([stream(0, "a", "a", "tfrecord")]);
    work.write(batchOf([0, record("a")]));
    disk.full = true;
    for (let i = 0; i < 3; i++) {
      work.write(batchOf([0, record("a")], [0, record("a")]));
      await clock.advance(6000);
    }
    expect(events).toEqual(["request_log_failed a"]);
    work.write(batchOf([0, record("a")]));
    disk.full = false;
    work.write(batchOf([0, record("a")]));
    expect(counts()).toEqual(["a OK 1", "a UNAVAILABLE 8"]);
    await clock.advance(5000);
    work.write(batchOf([0, record("a")]));
    work.close();
    expect(events).toEqual(["request_log_failed a", "request_log_resumed a"]);
    expect(counts()).toEqual(["a OK 2", "a UNAVAILABLE 8"]);
    expect(readdirSync(folder).map(recordsIn)).toEqual([2]);
  });
});
