import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PeerSocket } from "../peer-socket.ts";
import { DescriptorTable } from "./descriptor-table.ts";
import { Poller } from "./poller.ts";

const poller = Poller.open(new DescriptorTable(64), 1);

/** One thing that the server's side of a connection or its peer does. */
type Step =
  | { readonly does: "write" | "peer writes"; readonly bytes: number }
  | { readonly does: "cork" | "uncork" | "pause" | "resume" | "end" | "destroySoon" | "destroy" | "peer ends" };

const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(15_000, 200_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constantFrom("write" as const, "peer writes" as const), bytes: sizes }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constantFrom("cork" as const, "uncork" as const, "pause" as const, "resume" as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constantFrom("end" as const, "destroySoon" as const, "destroy" as const, "peer ends" as const),
    }),
  },
);

/** What can be seen of both ends after each step. */
async function play(steps: readonly Step[], allowHalfOpen: boolean, adopt: (socket: Socket) => PeerSocket): Promise<unknown[]> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen, noDelay: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  const socket = adopt(accepted);
  socket.allowHalfOpen = allowHalfOpen;
  const seen: unknown[] = [];
  const told: string[] = [];
  let received = 0;
  let answered = 0;
  let written = 0;
  let sent = 0;
  let peerSees = "";
  socket.on("data", (bytes) => (received += bytes.length));
  socket.on("error", () => told.push("error"));
  socket.on("end", () => told.push("end"));
  socket.on("close", () => told.push("close"));
  client.on("data", (bytes: Buffer) => (answered += bytes.length));
  client.on("end", () => (peerSees = "end"));
  client.on("error", () => (peerSees = "error"));
  for (const { does, ...given } of steps) {
    const bytes = Buffer.alloc("bytes" in given ? given.bytes : 0);
    switch (does) {
      case "write":
        if (socket.writable) socket.write(bytes, () => written++);
        break;
      case "peer writes":
        if (!client.writable || peerSees !== "") break;
        client.write(bytes);
        sent += bytes.length;
        break;
      case "peer ends":
        // A paused socket of Node's may hear of the end, a polled one does when it is resumed.
        if (socket.isPaused()) socket.resume();
        client.end();
        break;
      case "cork":
      case "uncork":
      case "pause":
      case "resume":
      case "end":
      case "destroySoon":
      case "destroy":
        socket[does]();
    }
    await quiet(
      () => `${received} ${answered} ${written} ${sent} ${told.join()} ${peerSees} ${socket.writableLength}`,
      // The system may take a while to carry bytes from one end to the other.
      () =>
        told.includes("close") ||
        ((socket.isPaused() || received === sent) && answered === socket.bytesWritten - socket.writableLength),
    );
    const { writable, writableLength, bytesWritten } = socket;
    seen.push([does, told.join(), writable, answered, socket.isPaused()]);
    // Node reads ahead of a paused reader: what it has read does not make the close a reset.
    if (!socket.isPaused()) seen.push([received, peerSees]);
    if (told.includes("close")) break;
    seen.push([writableLength, bytesWritten, written]);
  }
  socket.destroy();
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return seen;
}

/** Waits until nothing has changed for some turns of the event loop, longer while something is under way. */
async function quiet(state: () => string, arrived: () => boolean): Promise<void> {
  let before = state();
  for (let same = 0; same < (arrived() ? 6 : 200); same++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (state() === before) continue;
    before = state();
    same = 0;
  }
}

describe.skipIf(poller === undefined)("a polled socket and one of Node's", () => {
  test("tell and do the same, whatever is done to them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, allowHalfOpen) => {
        const polled = await play(steps, allowHalfOpen, (socket) => poller!.adopt(socket)!);
        const nodes = await play(steps, allowHalfOpen, (socket) => socket.resume());
        expect(polled).toEqual(nodes);
      }),
      {
        numRuns: 100,
        // Closed with a byte unread, the socket was reset, and its peer lost the end of what was written.
        examples: [
          [
            [
              { does: "pause" },
              { does: "cork" },
              { does: "write", bytes: 200_000 },
              { does: "peer writes", bytes: 1 },
              { does: "destroySoon" },
            ],
            false,
          ],
        ],
      },
    );
  });
});
