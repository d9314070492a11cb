import { ServingError } from "../../base/serving-error.ts";
import { writeFloatRows } from "./float-rows.ts";
import { writeFloat32 } from "./float-text.ts";
import { JsonWriter } from "./json-writer.ts";

/** A class of one example. */
export interface LabelledScore {
  /** UTF-8; "" where the model gives no classes. */
  readonly label: Uint8Array | string;
  /** A float32; 0 where the model gives no scores. */
  readonly score: number;
}

/**
 * The body of a classify answer: `results`, for each example a list of `[label, score]`.
 * @throws ServingError invalid-argument where there is no example.
 */
export function writeClassifyResponse(results: readonly (readonly LabelledScore[])[]): Uint8Array {
  if (results.length === 0) {
    throw new ServingError("invalid-argument", "Cannot convert empty ClassificationResults to JSON");
  }
  const writer = startResults();
  for (let i = 0; i < results.length; i++) {
    writer.ascii(i === 0 ? "[" : ", [");
    const classes = results[i];
    for (let j = 0; j < classes.length; j++) {
      writer.ascii(j === 0 ? "[" : ", [");
      const { label, score } = classes[j];
      if (typeof label === "string") writer.text(label);
      else writer.string(label);
      writer.ascii(", ");
      writeFloat32(writer, score);
      writer.byte(0x5d);
    }
    writer.byte(0x5d);
  }
  writer.line(1);
  return finishResults(writer);
}

/**
 * The body of a regress answer: `results`, a list of one float32 for each example.
 * @throws ServingError invalid-argument where there is no example.
 */
export function writeRegressResponse(values: Float32Array): Uint8Array {
  if (values.length === 0) throw new ServingError("invalid-argument", "Cannot convert empty RegressionResults to JSON");
  const writer = startResults();
  writeFloatRows(writer, values, 0, values.length, values.length, ", ", ", ");
  return finishResults(writer);
}

function startResults(): JsonWriter {
  const writer = new JsonWriter();
  writer.byte(0x7b);
  writer.line(1);
  writer.ascii('"results": [');
  return writer;
}

function finishResults(writer: JsonWriter): Uint8Array {
  writer.byte(0x5d);
  writer.line(0);
  writer.byte(0x7d);
  return writer.take();
}
