import type { AllocationBudget } from "./allocation-budget.ts";
import { forEachOccurrence, gatherField } from "./protobuf/gather-field.ts";
import type { ProtobufReader } from "./protobuf/reader.ts";

// Tags of tensorflow.serving.Input, ExampleList and ExampleListWithContext.
const EXAMPLE_LIST = 0x0a;
const EXAMPLE_LIST_WITH_CONTEXT = 0x12;
const EXAMPLE = 0x0a;
const CONTEXT = 0x12;

/** About what a view of one example takes in memory. */
const VIEW_BYTES = 128;

const EMPTY: Uint8Array = new Uint8Array(0);

/**
 * The `input` field of a classify, regress or multi-inference request. Examples are not parsed: a context is merged into
 * an example by putting the context's bytes before the example's, so that the example's own features win.
 */
export class ExampleInput {
  readonly #bytes: Uint8Array;
  /** Which of the oneof's lists was read last; the other one is then void. */
  #kind = 0;
  /** Pairs of start and end of that list's occurrences, which merge. */
  #lists: number[] = [];

  /** @param bytes the whole message. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads one occurrence of the field, whose tag was just read. @throws ServingError invalid-argument for malformed bytes. */
  read(reader: ProtobufReader): void {
    const outer = reader.enter();
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      if (tag !== EXAMPLE_LIST && tag !== EXAMPLE_LIST_WITH_CONTEXT) reader.skip(tag);
      else {
        if (tag !== this.#kind) this.#lists = [];
        this.#kind = tag;
        const length = reader.readLength();
        if (length > 0) this.#lists.push(reader.position, reader.position + length);
        reader.position += length;
      }
    }
    reader.leave(outer);
  }

  /**
   * The serialized Examples in order, each with the context put before it: views of the message without a context, else
   * copies.
   * @throws ServingError invalid-argument for malformed bytes, or when the budget does not allow them.
   */
  examples(budget: AllocationBudget): readonly Uint8Array[] {
    const bytes = this.#bytes;
    const examples: Uint8Array[] = [];
    const withContext = this.#kind === EXAMPLE_LIST_WITH_CONTEXT;
    const context = withContext ? gatherField(bytes, this.#lists, CONTEXT, budget) : EMPTY;
    forEachOccurrence(bytes, this.#lists, EXAMPLE, (start, end) => {
      budget.take(VIEW_BYTES + (context.length === 0 ? 0 : context.length + end - start));
      const example = bytes.subarray(start, end);
      examples.push(context.length === 0 ? example : joined(context, example));
    });
    return examples;
  }
}

function joined(context: Uint8Array, example: Uint8Array): Uint8Array {
  const both = new Uint8Array(context.length + example.length);
  both.set(context);
  both.set(example, context.length);
  return both;
}
