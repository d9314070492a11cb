import { ServingError } from "../../base/serving-error.ts";
import { elementCount, type Shape, sameShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { JsonDocument } from "./document.ts";
import type { ElementReader } from "./element.ts";
import { readTensorValue } from "./tensor-value.ts";

const SCALAR: Shape = [];

/** One input's elements over all instances, which must agree in shape. */
export class StackedInput {
  readonly elements: ElementReader;
  /** Instances that had this input, or lacked it. */
  instances = 0;
  /** Whether one had it. */
  private given = false;
  private shape = SCALAR;
  private size = 0;

  constructor(elements: ElementReader) {
    this.elements = elements;
  }

  /** Appends the value at `start` and gives its end. */
  read(document: JsonDocument, start: number): number {
    const before = this.elements.count;
    let shape = SCALAR;
    let end: number;
    if (document.bytes[start] !== 0x5b) end = this.elements.read(document.bytes, start);
    else ({ shape, end } = readTensorValue(document, start, this.elements));
    const size = this.elements.count - before;
    if (this.instances > 0 && size !== this.size) throw invalid(`Expecting tensor size: ${this.size} but got: ${size}`);
    if (!this.given) {
      // What was missing before it may have been declared as a number where a list of one is sent.
      this.given = true;
      this.shape = shape;
      this.size = size;
    } else if (!sameShape(shape, this.shape)) {
      throw invalid(`Expecting shape [${this.shape.join(",")}] but got: [${shape.join(",")}]`);
    }
    this.instances++;
    return end;
  }

  /** Appends a value that is missing: of the shape `declared` unless another was there. Gives the number of its elements. */
  addMissing(declared: Shape): number {
    if (this.instances === 0) {
      this.shape = declared;
      this.size = elementCount(declared);
    }
    for (let i = 0; i < this.size; i++) this.elements.addMissing();
    this.instances++;
    return this.size;
  }

  finish(): Tensor {
    return this.elements.finish([this.instances, ...this.shape]);
  }
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
