import { connectionFault, ERROR_CODE, type Fault } from "./error-code.ts";
import { DEFAULT_WINDOW, MAX_WINDOW } from "./flow-control.ts";
import { DEFAULT_MAX_FRAME_SIZE, readUint32, writeUint32 } from "./frame.ts";
import { DEFAULT_TABLE_SIZE } from "./hpack-static-table.ts";

/** Numbers of settings (RFC 9113 section 6.5.2). */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

const LARGEST_FRAME_SIZE = 0xffffff;
const ENTRY_BYTES = 6;

/** What the peer's settings mean for what we send. */
export interface PeerSettings {
  readonly headerTableSize: number;
  readonly initialWindowSize: number;
  readonly maxFrameSize: number;
}

/** Settings in force before the peer sends any. */
export const DEFAULT_PEER_SETTINGS: PeerSettings = {
  headerTableSize: DEFAULT_TABLE_SIZE,
  initialWindowSize: DEFAULT_WINDOW,
  maxFrameSize: DEFAULT_MAX_FRAME_SIZE,
};

/** Applies a SETTINGS payload `bytes[start, end)` in order; unknown settings are ignored. */
export function applySettings(current: PeerSettings, bytes: Uint8Array, start: number, end: number): PeerSettings | Fault {
  let { headerTableSize, initialWindowSize, maxFrameSize } = current;
  for (let at = start; at < end; at += ENTRY_BYTES) {
    const setting = (bytes[at]! << 8) | bytes[at + 1]!;
    const value = readUint32(bytes, at + 2);
    switch (setting) {
      case SETTING.headerTableSize:
        headerTableSize = value;
        break;
      case SETTING.enablePush:
        if (value > 1) return connectionFault(ERROR_CODE.protocolError, `SETTINGS_ENABLE_PUSH is ${value}`);
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW) {
          return connectionFault(ERROR_CODE.flowControlError, `SETTINGS_INITIAL_WINDOW_SIZE is ${value}`);
        }
        initialWindowSize = value;
        break;
      case SETTING.maxFrameSize:
        if (value < DEFAULT_MAX_FRAME_SIZE || value > LARGEST_FRAME_SIZE) {
          return connectionFault(ERROR_CODE.protocolError, `SETTINGS_MAX_FRAME_SIZE is ${value}`);
        }
        maxFrameSize = value;
        break;
    }
  }
  return { headerTableSize, initialWindowSize, maxFrameSize };
}

/** A SETTINGS payload. */
export function encodeSettings(entries: readonly (readonly [setting: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(entries.length * ENTRY_BYTES);
  let at = 0;
  for (const [setting, value] of entries) {
    payload[at] = setting >>> 8;
    payload[at + 1] = setting;
    at = writeUint32(payload, at + 2, value);
  }
  return payload;
}
