import { MOST_COLUMNS, type Mojo, readLevels } from "./mojo.ts";
import { damaged } from "./mojo-files.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Scored } from "./scored.ts";

const MOST_WORDS = 50_000_000;

/** The vector of each word; NaN for one that is not known. @param word a value of texts, of one column */
export async function wordVectors({ files, settings, where }: Mojo, word: string, builder: ProgramBuilder): Promise<Scored> {
  const width = settings.count("vec_size", 1, MOST_COLUMNS);
  const count = settings.count("vocab_size", 0, MOST_WORDS);
  const bytes = await files.read("vectors", builder.signal);
  if (bytes.length !== count * width * 4) throw damaged(where, `has ${bytes.length} bytes of ${count} words`);
  const words = await readLevels(files, "vocabulary", count, true, builder.signal);
  const keys = words.map((each) => each.trim());
  const code = builder.add(word, {
    kind: "lookup",
    tables: [{ keys, unknown: Number.NaN, missing: Number.NaN }],
    what: ["word"],
  });
  const values = new Float64Array(new SharedArrayBuffer(count * width * 8));
  for (let i = 0; i < count * width; i++) values[i] = bytes.readFloatBE(i * 4);
  const missing = new Float64Array(width).fill(Number.NaN);
  const value = builder.add(code, {
    kind: "level-table",
    tables: [{ columns: Int32Array.of(0), sizes: new Float64Array(1), values, missing }],
  });
  return { kind: "matrix", alias: "wordEmbeddings", value, width, dtype: "float32" };
}
