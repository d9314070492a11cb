// Above the usual length of a file: every frame of the connection itself, its limits and its end are decided in one place.
import { ServingError } from "../../base/serving-error.ts";
import { peerOf } from "../access-gate.ts";
import { type BufferAccount, unboundedBuffers } from "../buffer-budget.ts";
import type { Connection, ConnectionContext, ConnectionFactory } from "../connection.ts";
import type { PeerSocket } from "../peer-socket.ts";
import { type Swept, sweepOf } from "../sweep.ts";
import { afterOthers, atTurnEnd } from "../turn-end.ts";
import { AbuseBudget } from "./abuse-budget.ts";
import { PHASE_MOVES, type Phase } from "./connection-phase.ts";
import { connectionFault, ERROR_CODE, type Fault, streamFault } from "./error-code.ts";
import { DEFAULT_WINDOW, MAX_WINDOW, ReceiveWindow } from "./flow-control.ts";
import { FRAME_FLAG, FRAME_TYPE, goAwayPayload } from "./frame.ts";
import { type FrameEvent, FrameParser } from "./frame-parser.ts";
import { IdleWatch } from "./idle-watch.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import { applySettings, encodeSettings, SETTING } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { receiveWindowSize, StreamTable } from "./stream-table.ts";

/** How long a peer has to acknowledge the PING of a drain, and to close its side after ours. */
const DRAIN_PING_MS = 1000;
const LINGER_MS = 1000;
/** Requests served in one go before other connections get a turn. */
const REQUESTS_A_TURN = 32;
/** Nothing more is read while this much waits for the socket: more than DATA, which has its own bound, comes to by itself. */
const UNSENT_BYTES = 2 * 1024 * 1024;
/** Header blocks are read up to so many times the limit: one that is too long costs its request and not the connection. */
const READ_HEADERS = 4;
const DRAIN_PING = Buffer.from("draining", "latin1");

/**
 * The server's side of one HTTP/2 connection (RFC 9113): frames of the connection itself, time limits and the end. Streams are the
 * {@link StreamTable}'s business, sending is {@link Outbound}'s. What one turn of the event loop has to say goes out in one write.
 * Over 350 lines, because whether a connection reads, waits, drains or ends is one state and reads as one.
 */
class Http2Connection implements Connection, Swept, OutboundOwner {
  readonly #context: ConnectionContext;
  readonly #socket: PeerSocket;
  readonly #parser: FrameParser;
  readonly #outbound: Outbound;
  readonly #streams: StreamTable;
  readonly #budget: AbuseBudget;
  readonly #window: ReceiveWindow;
  readonly #account: BufferAccount;
  #phase: Phase = "serving";
  #phaseSince: number;
  #turnScheduled = false;
  /** Whether the parser holds input that is left for the next turn. */
  #yielded = false;
  /** Whether the peer is not read because it does not read. */
  #heldBack = false;
  readonly #startedAt: number;
  /** When what the parser holds incomplete began; -1 when there is none. */
  #incompleteSince: number;
  readonly #idle = new IdleWatch();

  constructor(socket: PeerSocket, first: Buffer, context: ConnectionContext) {
    const { limits, clock } = context;
    const now = clock.now();
    this.#context = context;
    this.#socket = socket;
    this.#startedAt = now;
    this.#phaseSince = now;
    this.#incompleteSince = now;
    this.#parser = new FrameParser({ maxHeaderBlockBytes: READ_HEADERS * limits.maxHeaderBytes });
    this.#budget = new AbuseBudget(limits, now);
    this.#window = new ReceiveWindow(receiveWindowSize(limits.maxBodyBytes), DEFAULT_WINDOW);
    this.#outbound = new Outbound(socket, this);
    const buffers = context.buffers ?? unboundedBuffers();
    this.#account = buffers.account();
    const peer = peerOf(socket, context.gate !== undefined);
    this.#streams = new StreamTable(context, peer, this.#outbound, this.#budget, buffers);
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("drain", () => this.#onDrain());
    socket.on("end", () => this.#peerEnded());
    socket.on("error", (reason: NodeJS.ErrnoException) => context.report("socket_error", reason.code));
    socket.on("close", () => this.#gone());
    sweepOf(clock).add(this);
    this.#greet();
    if (first.length > 0) this.#read(first);
  }

  drain(): void {
    if (this.#phase !== "serving") return;
    if (this.#streams.lastStreamId === 0) {
      this.#stopTakingStreams();
      return;
    }
    this.#enter("draining");
    this.#sendGoAway(MAX_WINDOW, ERROR_CODE.noError, "");
    this.#outbound.control(FRAME_TYPE.ping, 0, 0, DRAIN_PING);
  }

  destroy(): void {
    this.#socket.destroy();
    this.#gone();
  }

  wake(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    atTurnEnd(this);
  }

  localEnded(stream: Stream): void {
    this.#streams.localEnded(stream);
  }

  now(): number {
    return this.#context.clock.now();
  }

  sweep(now: number): void {
    const { limits } = this.#context;
    this.#noteHeld();
    this.#parser.compact();
    if (this.#outbound.buffer.stalled(this.#socket, now, limits.writeTimeoutMs)) {
      this.#context.report("write_timeout");
      this.destroy();
      return;
    }
    const inPhase = now - this.#phaseSince;
    if (!this.#takesInput()) {
      if (inPhase >= LINGER_MS && (this.#phase === "failed" || this.#socket.writableLength === 0)) this.destroy();
      return;
    }
    if (this.#phase === "draining" && inPhase >= DRAIN_PING_MS) this.#stopTakingStreams();
    if (!this.#streams.limitKnown && now - this.#startedAt >= limits.headersTimeoutMs) {
      this.#fail(connectionFault(ERROR_CODE.settingsTimeout, "SETTINGS were not acknowledged in time"));
    } else if (!this.#heldBack && this.#incompleteSince >= 0 && now - this.#incompleteSince >= limits.headersTimeoutMs) {
      this.#fail(connectionFault(ERROR_CODE.enhanceYourCalm, "a frame or header block did not arrive in time"));
    } else {
      this.#streams.sweep(now);
      this.#sweepIdle(now);
    }
  }

  /** What is due after all work of a turn. */
  endTurn(): void {
    this.#turnScheduled = false;
    if (this.#phase === "closed") return;
    if (!this.#yielded) this.#streams.endTurn();
    this.#flush();
    this.#noteHeld();
    if (!this.#heldBack && this.#socket.writableLength >= UNSENT_BYTES) {
      this.#heldBack = true;
      this.#socket.pause();
    }
    if (this.#phase === "last" && this.#streams.size === 0) this.#linger("lingering");
  }

  /** Goes on where a peer that did not read had stopped it. */
  #onDrain(): void {
    this.#outbound.pump();
    this.#noteHeld();
    if (!this.#heldBack) return;
    this.#heldBack = false;
    if (this.#incompleteSince >= 0) this.#incompleteSince = this.#context.clock.now();
    if (!this.#yielded) this.#goOn();
  }

  /** Counts what is kept in memory. A socket below its high water is not looked at: it tells nobody when it has sent that. */
  #noteHeld(): void {
    if (this.#phase === "closed") return;
    const unsent = this.#socket.writableNeedDrain ? this.#socket.writableLength : 0;
    this.#account.set(this.#streams.heldBytes + this.#outbound.queuedBytes + unsent);
  }

  #goOn(): void {
    if (this.#heldBack) return;
    if (this.#takesInput()) this.#parse();
    if (!this.#yielded) this.#socket.resume();
  }

  #sweepIdle(now: number): void {
    const idleMs = this.#idle.idleMs(this.#streams.size, this.#streams.lastStreamId, now);
    if (idleMs > 0) this.#outbound.buffer.shrink();
    if (idleMs >= this.#context.limits.keepAliveTimeoutMs) this.drain();
  }

  #greet(): void {
    const { limits } = this.#context;
    const settings = encodeSettings([
      [SETTING.maxConcurrentStreams, limits.maxConcurrentStreams],
      [SETTING.initialWindowSize, receiveWindowSize(limits.maxBodyBytes)],
      [SETTING.maxHeaderListSize, limits.maxHeaderBytes],
    ]);
    this.#outbound.control(FRAME_TYPE.settings, 0, 0, settings);
    const increment = this.#window.announce();
    if (increment > 0) this.#outbound.number(FRAME_TYPE.windowUpdate, 0, increment);
  }

  #read(bytes: Buffer): void {
    if (!this.#takesInput()) return;
    this.#streams.beginRead();
    this.#parser.push(bytes);
    this.#parse();
    if (!this.#parser.holdsInput && !this.#streams.inputKept) this.#socket.spare?.();
  }

  /** Acts on the parser's input; on no more requests than {@link REQUESTS_A_TURN}, the rest comes after other connections' turns. */
  #parse(): void {
    const now = this.#context.clock.now();
    this.#streams.now = now;
    const parser = this.#parser;
    let events = 0;
    let requests = 0;
    try {
      for (let event = parser.next(); event !== undefined; event = parser.next()) {
        events++;
        const fault = this.#on(event);
        if (fault !== undefined) this.#act(fault);
        if (!this.#takesInput()) return;
        if ((event === "data" || event === "headers") && parser.endStream && ++requests === REQUESTS_A_TURN && parser.hasInput) {
          this.#yield();
          return;
        }
      }
    } catch (reason) {
      this.#context.report("connection_fault", reason);
      this.#fail(connectionFault(ERROR_CODE.internalError, "internal error"));
      return;
    }
    if (!parser.incomplete) this.#incompleteSince = -1;
    else if (this.#incompleteSince < 0 || events > 0) this.#incompleteSince = now;
    if (this.#streams.turnPending) this.wake();
    if (!this.#turnScheduled) this.#noteHeld();
  }

  #yield(): void {
    this.#yielded = true;
    this.#socket.pause();
    afterOthers(() => {
      this.#yielded = false;
      this.#goOn();
    });
  }

  #takesInput(): boolean {
    return this.#phase === "serving" || this.#phase === "draining" || this.#phase === "last";
  }

  #act(fault: Fault): void {
    if (fault.scope === "connection") {
      this.#fail(fault);
      return;
    }
    this.#context.report("stream_fault", fault.message);
    const graver = this.#streams.resetFaulty(this.#parser.streamId, fault);
    if (graver !== undefined) this.#fail(graver);
  }

  #on(event: FrameEvent): Fault | undefined {
    const parser = this.#parser;
    switch (event) {
      case "data":
        return this.#onData() ?? this.#streams.onData(parser);
      case "headers":
        return this.#streams.onHeaders(parser);
      case "priority":
        if (parser.selfDependent) return streamFault(ERROR_CODE.protocolError, "a stream depends on itself");
        return this.#chargeControl();
      case "reset":
        return this.#streams.onReset(parser);
      case "settings":
        return this.#onSettings();
      case "ping":
        return this.#onPing();
      case "window-update":
        return parser.streamId === 0 ? this.#onWindowUpdate() : this.#streams.onWindowUpdate(parser);
      case "go-away":
      case "unknown":
        return this.#chargeControl();
      case "fault":
        return parser.fault;
    }
  }

  /** DATA as far as the connection is concerned: its window, and the budget of frames without a use. */
  #onData(): Fault | undefined {
    const { start, end, frameLength, endStream } = this.#parser;
    if (frameLength > 0) {
      if (!this.#window.receive(frameLength)) {
        return connectionFault(ERROR_CODE.flowControlError, "DATA beyond the connection's window");
      }
      const increment = this.#window.release(frameLength);
      if (increment > 0) this.#outbound.number(FRAME_TYPE.windowUpdate, 0, increment);
    }
    return start === end && !endStream ? this.#chargeControl() : undefined;
  }

  #onSettings(): Fault | undefined {
    const { ack, bytes, start, end } = this.#parser;
    if (ack) {
      this.#streams.limitKnown = true;
      return this.#chargeControl();
    }
    const peer = applySettings(this.#outbound.peer, bytes, start, end);
    if ("scope" in peer) return peer;
    if (!this.#outbound.applyPeer(peer, this.#streams.values())) {
      return connectionFault(ERROR_CODE.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE makes a window overflow");
    }
    this.#outbound.control(FRAME_TYPE.settings, FRAME_FLAG.ack, 0, new Uint8Array(0));
    this.#outbound.pump();
    return this.#chargeControl();
  }

  /**
   * Answers a PING. It is charged only when nothing was sent on streams since the last one: clients that measure the bandwidth
   * of what they receive (gRPC's do) send a PING for each round trip.
   */
  #onPing(): Fault | undefined {
    const { ack, bytes, start, end } = this.#parser;
    if (ack) {
      if (this.#phase === "draining" && DRAIN_PING.equals(bytes.subarray(start, end))) this.#stopTakingStreams();
      return this.#chargeControl();
    }
    this.#outbound.control(FRAME_TYPE.ping, FRAME_FLAG.ack, 0, bytes.subarray(start, end));
    if (!this.#outbound.sentOnStreams) return this.#chargeControl();
    this.#outbound.sentOnStreams = false;
    return undefined;
  }

  #onWindowUpdate(): Fault | undefined {
    const { value } = this.#parser;
    if (value === 0) return connectionFault(ERROR_CODE.protocolError, "WINDOW_UPDATE of 0");
    return this.#outbound.widen(value)
      ? undefined
      : connectionFault(ERROR_CODE.flowControlError, "WINDOW_UPDATE makes the connection's window overflow");
  }

  #chargeControl(): Fault | undefined {
    return this.#budget.chargeControl(this.#streams.now);
  }

  #flush(): void {
    if (this.#socket.writable) this.#outbound.buffer.flush(this.#socket);
  }

  /** Names the last stream that will be answered; the connection ends when it and those before it are. */
  #stopTakingStreams(): void {
    this.#enter("last");
    this.#streams.finalStreamId = this.#streams.lastStreamId;
    this.#sendGoAway(this.#streams.lastStreamId, ERROR_CODE.noError, "");
  }

  #fail(fault: Fault): void {
    if (!this.#takesInput()) return;
    this.#context.report("connection_fault", fault.message);
    this.#sendGoAway(this.#streams.lastStreamId, fault.code, fault.message);
    this.#flush();
    this.#linger("failed");
    this.#streams.abortAll(new ServingError("cancelled", "the client broke the protocol"));
  }

  #sendGoAway(lastStreamId: number, code: number, message: string): void {
    this.#outbound.control(FRAME_TYPE.goAway, 0, 0, goAwayPayload(lastStreamId, code, message));
  }

  /** Closes our side and waits a moment for the peer's, so that it reads the last frames before the socket is gone. */
  #linger(phase: "lingering" | "failed"): void {
    this.#enter(phase);
    this.#socket.end();
  }

  #enter(phase: Phase): void {
    if (!PHASE_MOVES[this.#phase].includes(phase)) throw new Error(`connection cannot go from ${this.#phase} to ${phase}`);
    this.#phase = phase;
    this.#phaseSince = this.#context.clock.now();
  }

  #peerEnded(): void {
    if (this.#takesInput()) this.destroy();
  }

  #gone(): void {
    if (this.#phase === "closed") return;
    this.#enter("closed");
    sweepOf(this.#context.clock).delete(this);
    this.#streams.abortAll(new ServingError("cancelled", "the client closed the connection"));
    this.#account.set(0);
  }
}

/** Speaks HTTP/2 on a socket: gRPC calls go to the context's `grpc`, all other requests to its `http`. */
export const createHttp2Connection: ConnectionFactory = (socket, first, context) => new Http2Connection(socket, first, context);
