import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { ServingError } from "../../base/serving-error.ts";
import { UnpackedBytes } from "./unpacked-bytes.ts";

/**
 * Unpacks `input` into `output`, and yields every few milliseconds so that others may have a turn.
 * @throws ServingError data-loss for damaged input, unimplemented for a kind that is not read, resource-exhausted for too much output
 */
export type Decoder = (input: Uint8Array, output: UnpackedBytes) => Generator<void, void, void>;

/**
 * What a decoder makes of `input`; others have their turn meanwhile.
 * @throws ServingError as {@link Decoder}, and when the signal aborts
 */
export async function unpackInTurns(
  decoder: Decoder,
  input: Uint8Array,
  mostBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const output = new UnpackedBytes(mostBytes);
  for (const _ of decoder(input, output)) {
    await setImmediate();
    throwIfAborted(signal);
  }
  return output.bytes();
}

/** An error of code data-loss. @param why `its checksum is another` */
export function damagedPacking(packing: string, why: string): ServingError {
  return new ServingError("data-loss", `it is compressed with ${packing}, and damaged: ${why}`);
}
