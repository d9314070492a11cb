import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { timersFired, untilNextTimer } from "../../base/clock.ts";
import { duplicateDescriptor } from "../descriptor.ts";
import { beginTurn, endTurn, othersWait } from "../turn-end.ts";
import type { DescriptorTable } from "./descriptor-table.ts";
import { EpollSocket, type PendingWrite, type SocketPoller } from "./epoll-socket.ts";
import { ReceiveSlab } from "./receive-slab.ts";
import {
  addressOf,
  EPOLL_ADD,
  EPOLL_DELETE,
  EPOLL_MODIFY,
  loadSystemCalls,
  type NativeBytes,
  nativeBytes,
  READABLE,
  SHUT_WRITING,
  type SystemCalls,
} from "./system-calls.ts";

/**
 * Runs what is due between two callbacks of Node's loop: ticks and promises. Node has no public way to do that, but has kept this one
 * since its first versions; where it is missing, each look at the sockets takes a turn of its own.
 */
const { _tickCallback: runTicks } = process as unknown as { readonly _tickCallback?: () => void };

/** Ready sockets told by one call. */
const EVENTS = 256;
/** Sockets are served for about so long, while there are any, before Node's event loop gets its turn. */
const LONGEST_TURN_MS = 2;
/** Longest sleep in our own wait: bounds how late a timer can be that is none of the clock's. */
const LONGEST_SLEEP_MS = 100;
/** A wait shorter than this is the cost of the call, not a sleep. */
const SHORTEST_SLEEP_MS = 0.05;

/** Sleeps up to this length are begun without asking whether an immediate waits behind ours, which costs some microseconds. */
const SHORT_SLEEP_MS = 5;
/** Pieces up to this size together are sent from one buffer. */
const JOINED_BYTES = 64 * 1024;
/** Of a socket about to be closed: a peer that sends more than that all the while is reset. */
const MOST_DISCARDED_READS = 16;
/** A single piece up to this size is copied: cheaper than to ask for its address. */
const COPIED_BYTES = 16 * 1024;

/**
 * Serves sockets beside Node's event loop, at a fraction of its cost per request: one `epoll_wait` tells which are ready, each is
 * read by one `recv` and answered by one `send`, with no stream, callback scope or request object between.
 *
 * The two loops take turns on one thread. Ours sleeps on its sockets *and* on the descriptor Node's loop sleeps on, no longer than
 * the clock's next timer, so neither keeps the other waiting. It runs only while it has sockets.
 */
export class Poller implements SocketPoller {
  readonly #calls: SystemCalls;
  readonly #descriptors: DescriptorTable;
  readonly #longestSleepMs: number;
  readonly #epoll: number;
  readonly #events: NativeBytes;
  readonly #change: NativeBytes;
  readonly #joined: NativeBytes = nativeBytes(JOINED_BYTES);
  readonly #slab: ReceiveSlab;
  /** By descriptor. */
  readonly #sockets = new Map<number, EpollSocket>();
  readonly #turn = (): void => this.#takeTurn();
  /** Sockets with something to deliver in this turn, and those that were written to. */
  readonly #ready: EpollSocket[] = [];
  readonly #written: EpollSocket[] = [];
  #gathering = false;
  #receivedKept = false;
  #running = false;
  #closed = false;
  /** Turns in a row that found nothing to do and left nothing to others, and what Node's loop had done by the last. */
  #quietTurns = 0;
  #loopEvents = 0;
  #timersFired = 0;
  #sleptMs = 0;

  private constructor(calls: SystemCalls, epoll: number, descriptors: DescriptorTable, longestSleepMs: number) {
    this.#calls = calls;
    this.#longestSleepMs = longestSleepMs;
    this.#descriptors = descriptors;
    this.#epoll = epoll;
    this.#events = nativeBytes(EVENTS * calls.event.bytes);
    this.#change = nativeBytes(calls.event.bytes);
    this.#slab = new ReceiveSlab(calls);
  }

  /** A poller for this thread, its descriptors noted in the table; undefined where the system or this Node offers no way. */
  static open(descriptors: DescriptorTable, longestSleepMs = LONGEST_SLEEP_MS): Poller | undefined {
    const calls = loadSystemCalls();
    if (calls === undefined) return undefined;
    const epoll = calls.createEpoll();
    if (epoll < 0) return undefined;
    descriptors.add(epoll);
    const poller = new Poller(calls, epoll, descriptors, longestSleepMs);
    if (poller.#control(EPOLL_ADD, calls.loopFd, READABLE) === 0) return poller;
    poller.close();
    return undefined;
  }

  /** Lets go of the poller's own descriptor; no socket may be left. It adopts none from then on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeDescriptor(this.#epoll);
  }

  /** Milliseconds that it has waited for something to do, all in all. */
  get sleptMs(): number {
    return this.#sleptMs;
  }

  /**
   * Takes over a socket that Node accepted and has not read from, whose other end is at `address`; undefined, and the socket
   * untouched, when that cannot be.
   */
  adopt(socket: Socket, address?: string): EpollSocket | undefined {
    const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } };
    if (this.#closed || handle?.fd === undefined || handle.fd < 0) return undefined;
    const fd = duplicateOf(handle.fd);
    if (fd === undefined) return undefined;
    if (!this.#descriptors.add(fd) || this.#control(EPOLL_ADD, fd, READABLE) < 0) {
      this.#closeDescriptor(fd);
      return undefined;
    }
    socket.destroy();
    const adopted = new EpollSocket(fd, this, address);
    this.#sockets.set(fd, adopted);
    this.#run();
    return adopted;
  }

  watch(socket: EpollSocket, from: number, to: number): void {
    if (to === 0) this.#control(EPOLL_DELETE, socket.fd, 0);
    else this.#control(from === 0 ? EPOLL_ADD : EPOLL_MODIFY, socket.fd, to);
  }

  gathers(socket: EpollSocket): boolean {
    if (this.#gathering) this.#written.push(socket);
    return this.#gathering;
  }

  receive(fd: number): Buffer | number {
    return this.#slab.receive(fd);
  }

  keepReceived(): void {
    this.#receivedKept = true;
  }

  send(fd: number, bytes: Uint8Array, start: number): number {
    const length = bytes.length - start;
    let address: number;
    if (length <= COPIED_BYTES) {
      this.#joined.bytes.set(start === 0 ? bytes : bytes.subarray(start), 0);
      address = this.#joined.address;
    } else {
      address = addressOf(bytes) + start;
    }
    return this.#result(this.#calls.send(fd, address, length));
  }

  sendJoined(fd: number, pieces: readonly PendingWrite[], start: number): number {
    const { bytes: joined, address } = this.#joined;
    let length = 0;
    let from = start;
    for (const { bytes } of pieces) {
      const taken = Math.min(bytes.length - from, JOINED_BYTES - length);
      joined.set(from === 0 && taken === bytes.length ? bytes : bytes.subarray(from, from + taken), length);
      length += taken;
      from = 0;
      if (length === JOINED_BYTES) break;
    }
    return this.#result(this.#calls.send(fd, address, length));
  }

  discardReceived(fd: number): void {
    const { address } = this.#joined;
    for (let reads = 0; reads < MOST_DISCARDED_READS; reads++) {
      if (this.#calls.receive(fd, address, JOINED_BYTES) < JOINED_BYTES) return;
    }
  }

  shutdownWriting(fd: number): void {
    this.#calls.shutdown(fd, SHUT_WRITING);
  }

  release(socket: EpollSocket, reset: boolean): void {
    this.#sockets.delete(socket.fd);
    if (reset) this.#calls.resetOnClose(socket.fd);
    this.#closeDescriptor(socket.fd);
  }

  #closeDescriptor(fd: number): void {
    this.#descriptors.delete(fd);
    this.#calls.close(fd);
  }

  #result(result: number): number {
    return result < 0 ? -this.#calls.errno() : result;
  }

  #control(operation: number, fd: number, events: number): number {
    const { bytes, address } = this.#change;
    bytes.writeUInt32LE(events, 0);
    bytes.writeInt32LE(fd, this.#calls.event.dataAt);
    return this.#calls.control(this.#epoll, operation, fd, address);
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(this.#turn);
  }

  #takeTurn(): void {
    if (this.#sockets.size === 0) {
      this.#running = false;
      return;
    }
    try {
      this.#look();
    } finally {
      setImmediate(this.#turn);
    }
  }

  /** Serves what is ready, for about {@link LONGEST_TURN_MS}; sleeps when there is nothing. */
  #look(): void {
    let now = performance.now();
    const until = now + LONGEST_TURN_MS;
    let timeout = this.#firstTimeout();
    do {
      const count = this.#calls.wait(this.#epoll, this.#events.address, EVENTS, timeout);
      if (timeout > 0) this.#noteSleep(performance.now() - now);
      if (count <= 0) {
        this.#quietTurns = othersWait() ? 0 : this.#quietTurns + 1;
        return;
      }
      this.#quietTurns = 0;
      const onlySockets = this.#dispatch(count);
      if (runTicks === undefined) break;
      runTicks();
      if (!onlySockets) break;
      timeout = Math.min(1, this.#sleepTime());
      now = performance.now();
    } while (now < until);
  }

  #noteSleep(milliseconds: number): void {
    if (milliseconds >= SHORTEST_SLEEP_MS) this.#sleptMs += milliseconds;
  }

  /**
   * How long a turn's first wait may be: none unless Node's loop has had nothing to do since a turn in which we had none. A
   * callback of its own may have told it to watch or close something, or to call back at once; it does so when it next runs, and
   * its descriptor says nothing of that.
   */
  #firstTimeout(): number {
    const events = this.#calls.loopEvents();
    const fired = timersFired();
    if (events !== this.#loopEvents || fired !== this.#timersFired) this.#quietTurns = 0;
    this.#loopEvents = events;
    this.#timersFired = fired;
    if (this.#quietTurns === 0) return 0;
    if (this.#quietTurns === 1) return Math.min(SHORT_SLEEP_MS, this.#sleepTime());
    return process.getActiveResourcesInfo().includes("Immediate") ? 0 : this.#sleepTime();
  }

  /**
   * Serves the sockets that are ready; whether none but sockets were. In three strides, since the processor is faster at many
   * calls of one kind than at changing between system, engine and JavaScript for each request: all are read, all are
   * answered, all answers are sent. What a listener throws is thrown again as Node would, after the others were served.
   */
  #dispatch(count: number): boolean {
    const { bytes } = this.#events;
    const { bytes: size, dataAt } = this.#calls.event;
    const { loopFd } = this.#calls;
    const ready = this.#ready;
    let onlySockets = true;
    for (let at = 0; at < count * size; at += size) {
      const fd = bytes.readInt32LE(at + dataAt);
      if (fd === loopFd) {
        onlySockets = false;
        continue;
      }
      const socket = this.#sockets.get(fd);
      // While a process is being started it holds our sockets too, and the system tells of those that we have closed.
      if (socket === undefined) continue;
      socket.read(bytes.readUInt32LE(at));
      ready.push(socket);
    }
    beginTurn();
    this.#receivedKept = false;
    this.#gathering = true;
    for (let index = 0; index < ready.length; index++) {
      try {
        ready[index]!.deliver();
      } catch (reason) {
        throwLater(reason);
      }
    }
    // By hand: setting the length is a call into the engine's runtime.
    while (ready.length > 0) ready.pop();
    try {
      endTurn();
    } catch (reason) {
      throwLater(reason);
    }
    this.#gathering = false;
    const written = this.#written;
    for (let index = 0; index < written.length; index++) {
      try {
        written[index]!.sendPending();
      } catch (reason) {
        throwLater(reason);
      }
    }
    while (written.length > 0) written.pop();
    this.#slab.endBatch(this.#receivedKept);
    return onlySockets;
  }

  /** How long to wait for a socket or for Node's loop. */
  #sleepTime(): number {
    return othersWait() ? 0 : Math.min(this.#longestSleepMs, Math.ceil(untilNextTimer()));
  }
}

/** Undefined when the process has no descriptor left. */
function duplicateOf(fd: number): number | undefined {
  try {
    return duplicateDescriptor(fd);
  } catch {
    return undefined;
  }
}

function throwLater(reason: unknown): void {
  process.nextTick(() => {
    throw reason;
  });
}
