import koffi from "koffi";
import { prepareNativeCalls } from "../../base/native-calls.ts";

/** The flags of `epoll_ctl`, `epoll_wait`, `send` and `setsockopt` in use, from Linux's headers; the same on x64 and arm64. */
export const EPOLL_ADD = 1;
export const EPOLL_DELETE = 2;
export const EPOLL_MODIFY = 3;
export const READABLE = 0x001;
export const WRITABLE = 0x004;
export const SHUT_WRITING = 1;
const EPOLL_CLOEXEC = 0x80000;
const DONT_WAIT = 0x40;
const NO_SIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;

/** libuv's `uv_metrics_t`: sixteen numbers of 64 bits, of which the second counts the events. */
const LOOP_METRICS_BYTES = 128;
const LOOP_EVENTS_AT = 8;

/** Bytes of one `struct epoll_event` and where its `data` begins: packed on x64 only. */
const EVENT_LAYOUTS: Readonly<Record<string, { readonly bytes: number; readonly dataAt: number }>> = {
  x64: { bytes: 12, dataAt: 4 },
  arm64: { bytes: 16, dataAt: 8 },
};

/** The errno of a call that would have to wait, and of one a signal broke off; the same on x64 and arm64. */
export const EAGAIN = 11;
export const EINTR = 4;

/** Memory of this process that system calls read and write. The object must be kept as long as they may. */
export interface NativeBytes {
  readonly bytes: Buffer;
  readonly address: number;
}

/** Linux's calls for sockets and their readiness. A negative result means failure; {@link errno} says which. */
export interface SystemCalls {
  readonly event: { readonly bytes: number; readonly dataAt: number };
  createEpoll(): number;
  /** `event`: address of a struct epoll_event. */
  control(epoll: number, operation: number, fd: number, event: number): number;
  wait(epoll: number, events: number, count: number, timeoutMs: number): number;
  /** Never waits. */
  receive(fd: number, address: number, length: number): number;
  /** Never waits, raises no signal. */
  send(fd: number, address: number, length: number): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  /** Makes the close of a TCP socket a reset. */
  resetOnClose(fd: number): void;
  errno(): number;
  /** How many events this thread's event loop has acted on. */
  loopEvents(): number;
  /** The descriptor that this thread's event loop waits on. */
  readonly loopFd: number;
}

/** Memory at a fixed address. */
export function nativeBytes(length: number): NativeBytes {
  const bytes = Buffer.from(new ArrayBuffer(length));
  return { bytes, address: addressOf(bytes) };
}

/** Where the bytes lie; good as long as their ArrayBuffer is reachable. */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(bytes.buffer)) + bytes.byteOffset;
}

/**
 * The calls for this thread; undefined where they cannot be had: another system, or a Node that does not export its
 * event loop.
 */
export function loadSystemCalls(): SystemCalls | undefined {
  const event = EVENT_LAYOUTS[process.arch];
  if (process.platform !== "linux" || event === undefined) return undefined;
  prepareNativeCalls();
  try {
    return bindSystemCalls(event);
  } catch {
    return undefined;
  }
}

function bindSystemCalls(event: SystemCalls["event"]): SystemCalls | undefined {
  const self = koffi.load(null);
  const currentIsolate = self.func("_ZN2v87Isolate10GetCurrentEv", "void *", []);
  const currentLoop = self.func("_ZN4node19GetCurrentEventLoopEPN2v87IsolateE", "void *", ["void *"]);
  const backendFd = self.func("int uv_backend_fd(void *)");
  const loop: unknown = currentLoop(currentIsolate());
  if (loop === null) return undefined;
  const loopFd = backendFd(loop) as number;
  if (loopFd < 0) return undefined;

  const createEpoll = self.func("int epoll_create1(int)");
  const control = self.func("int epoll_ctl(int, int, int, uint64_t)");
  const wait = self.func("int epoll_wait(int, uint64_t, int, int)");
  const receive = self.func("int recv(int, uint64_t, uint64_t, int)");
  const send = self.func("int send(int, uint64_t, uint64_t, int)");
  const shutdown = self.func("int shutdown(int, int)");
  const close = self.func("int close(int)");
  const setSocketOption = self.func("int setsockopt(int, int, int, void *, uint)");
  const loopMetrics = self.func("int uv_metrics_info(void *, uint64_t)");
  const metrics = nativeBytes(LOOP_METRICS_BYTES);
  const lingerNot = new Int32Array([1, 0]);
  return {
    event,
    createEpoll: () => createEpoll(EPOLL_CLOEXEC) as number,
    control: (epoll, operation, fd, at) => control(epoll, operation, fd, at) as number,
    wait: (epoll, events, count, timeoutMs) => wait(epoll, events, count, timeoutMs) as number,
    receive: (fd, address, length) => receive(fd, address, length, DONT_WAIT) as number,
    send: (fd, address, length) => send(fd, address, length, DONT_WAIT | NO_SIGNAL) as number,
    shutdown: (fd, how) => shutdown(fd, how) as number,
    close: (fd) => close(fd) as number,
    resetOnClose: (fd) => void setSocketOption(fd, SOL_SOCKET, SO_LINGER, lingerNot, lingerNot.byteLength),
    // Read a moment after the call: should the engine have changed it meanwhile, trying again is right whatever it was.
    errno: () => koffi.errno() || EAGAIN,
    loopEvents: () => {
      loopMetrics(loop, metrics.address);
      return metrics.bytes.readUInt32LE(LOOP_EVENTS_AT);
    },
    loopFd,
  };
}
