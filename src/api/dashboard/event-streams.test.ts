import { beforeEach, describe, expect, test } from "vitest";
import { FakeClock, settle } from "../../base/fake-clock.ts";
import { EventStreams } from "./event-streams.ts";

const OPENING = "retry: 2000\n\n";

let clock: FakeClock;
let streams: EventStreams;
let counts: string[];

beforeEach(() => {
  clock = new FakeClock();
  counts = [];
  streams = new EventStreams({ clock, counted: (all, figures) => counts.push(`${all} ${figures}`), most: 100 });
});

const events = (topic: "state" | "figures", text: string) => ({ topic, chunk: Buffer.from(text) });

/** A peer that reads whatever comes, as soon as it comes, unless told not to. */
class Peer {
  readonly received: string[] = [];
  ended = false;
  readonly iterator: AsyncIterator<Uint8Array>;

  constructor(figures = true) {
    this.iterator = streams.open(figures)![Symbol.asyncIterator]();
  }

  /** Takes one piece. */
  async take(): Promise<void> {
    const { done, value } = await this.iterator.next();
    if (done) this.ended = true;
    else this.received.push(Buffer.from(value).toString());
  }

  async read(): Promise<void> {
    while (!this.ended) await this.take();
  }
}

function reading(figures = true): Peer {
  const peer = new Peer(figures);
  void peer.read();
  return peer;
}

describe("event streams", () => {
  test("reach everybody who takes them, the latest state also who comes later", async () => {
    const [all, stateOnly] = [reading(), reading(false)];
    streams.send(events("state", "S1"));
    await clock.advance(5);
    streams.send(events("figures", "F1"));
    const late = reading();
    await clock.advance(5);
    expect(all.received).toEqual([OPENING, "S1", "F1"]);
    expect(stateOnly.received).toEqual([OPENING, "S1"]);
    expect(late.received).toEqual([`${OPENING}S1`]);
  });

  test("that are not read keep the latest of each kind and nothing else", async () => {
    const slow = new Peer();
    await slow.take();
    for (let second = 0; second < 1000; second++) {
      streams.send(events("figures", `F${second}`));
      streams.send(events("state", `S${second}`));
    }
    await clock.advance(1000);
    await slow.take();
    expect(slow.received).toEqual([OPENING, "S999F999"]);
  });

  test("are woken a few at a time, and all get what came meanwhile", async () => {
    const peers = Array.from({ length: 40 }, () => reading());
    await settle();
    const got = (text: string) => peers.filter(({ received }) => received.join("").includes(text)).length;
    streams.send(events("figures", "F1"));
    await settle();
    expect(got("F1")).toBe(16);
    streams.send(events("state", "S1"));
    await clock.advance(5);
    expect([got("F1"), got("S1")]).toEqual([32, 16]);
    await clock.advance(20);
    expect([got("F1"), got("S1")]).toEqual([40, 40]);
  });

  test("have a sign of life in every long silence, and only then", async () => {
    const peer = reading();
    await clock.advance(14_000);
    streams.send(events("figures", "F"));
    await clock.advance(2000);
    expect(peer.received).toEqual([OPENING, "F"]);
    await clock.advance(30_000);
    expect(peer.received).toEqual([OPENING, "F", ":\n\n", ":\n\n"]);
  });

  test("are counted as they come and go, however often that is said", async () => {
    const [first, second] = [new Peer(), new Peer(false)];
    await first.iterator.return!();
    await first.iterator.return!();
    await second.iterator.return!();
    expect(counts).toEqual(["1 1", "2 1", "1 0", "0 0"]);
    streams.send(events("state", "old"));
    const next = reading();
    await clock.advance(20_000);
    expect(next.received.join("")).not.toContain("old");
  });

  test("end at once when the peer leaves, also while it waits", async () => {
    const peer = reading();
    await settle();
    await peer.iterator.return!();
    await settle();
    expect(peer.ended).toBe(true);
  });

  test("are no more than so many", () => {
    const peers = Array.from({ length: 100 }, () => new Peer());
    expect(streams.open(true)).toBeUndefined();
    void peers[50]!.iterator.return!();
    expect(streams.open(true)).toBeDefined();
  });

  test("all end when the server stops, and none begins any more", async () => {
    const peers = [reading(), reading(false)];
    await settle();
    streams.close();
    await settle();
    expect(peers.map(({ ended }) => ended)).toEqual([true, true]);
    expect(streams.open(true)).toBeUndefined();
    expect(counts.at(-1)).toBe("0 0");
  });
});
