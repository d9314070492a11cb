import { ServingError } from "../../base/serving-error.ts";
import { readUbjson } from "../../codec/ubjson.ts";
import { type Booster, damaged } from "./booster.ts";
import { DocumentPart } from "./document.ts";
import { boosterOfDocument } from "./document-booster.ts";
import { boosterOfLegacy } from "./legacy-booster.ts";
import { formOf } from "./model-form.ts";
import { parseModelJson } from "./parse-model-json.ts";

/** What the binary form is behind in a pickle, with the settings of training behind it. */
const SETTINGS = "CONFIG-offset:";
const OFFSET_BYTES = 8;

/**
 * The booster of a model's bytes, whichever form they have.
 * @param file what errors call them
 * @throws ServingError data-loss for damaged bytes, unimplemented for what is not known here; each names the file
 */
export function readBooster(bytes: Buffer, file: string): Booster {
  switch (formOf(bytes)) {
    case "json":
      return boosterOfDocument(new DocumentPart(parseModelJson(bytes, file), file));
    case "ubjson":
      return boosterOfDocument(new DocumentPart(ubjsonOf(bytes, file), file));
    case "legacy":
      return boosterOfLegacy(bytes, file);
    case undefined:
      throw damaged(file, "is no model of XGBoost");
  }
}

/**
 * The booster of what a pickle has of it: one of the forms of a file, or one of those with the settings of training beside it.
 * @param what what errors call it
 * @throws ServingError data-loss for damaged bytes, unimplemented for what is not known here; each names it
 */
export function readSnapshot(bytes: Buffer, what: string): Booster {
  const text = bytes.toString("latin1", 0, SETTINGS.length);
  if (text === SETTINGS && bytes.length >= SETTINGS.length + OFFSET_BYTES) {
    const start = SETTINGS.length + OFFSET_BYTES;
    const end = start + Number(bytes.readBigUInt64LE(SETTINGS.length));
    if (end > bytes.length) throw damaged(what, "breaks off before its end");
    return readBooster(bytes.subarray(start, end), what);
  }
  if (formOf(bytes) !== undefined || !text.startsWith("{")) return readBooster(bytes, what);
  const snapshot = new DocumentPart(/^\{\s*"/.test(text) ? parseModelJson(bytes, what) : ubjsonOf(bytes, what), what);
  return boosterOfDocument(snapshot.at("Model"));
}

function ubjsonOf(bytes: Buffer, file: string): unknown {
  try {
    return readUbjson(bytes);
  } catch (cause) {
    throw cause instanceof ServingError ? damaged(`${file}:`, cause.message, { cause }) : cause;
  }
}
