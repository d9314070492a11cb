import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { lightgbmPlatform } from "./lightgbm-platform.ts";
import { answerOf } from "./test-evaluation.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/lightgbm");
/** Models of data frames, and pickled ones, are asked elsewhere. */
const NAMES = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, "model.txt")) && !name.startsWith("frame_"));

interface GoldenTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}
interface Golden {
  readonly signature: string;
  readonly inputs: { readonly X: GoldenTensor };
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

function rowsOf({ shape, data }: GoldenTensor): number[][] {
  const width = shape[1] ?? 1;
  return Array.from({ length: shape[0] }, (_, row) => data.slice(row * width, (row + 1) * width).map(Number));
}

describe.each(NAMES)("%s answers as LightGBM does", async (name) => {
  const folder = join(FIXTURES, name);
  const cases: readonly Golden[] = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
  const program = await lightgbmPlatform.read(folder, new AbortController().signal);

  test.each(cases.map((each) => [each.signature, each] as const))("%s", (signature, { inputs, outputs }) => {
    const [[alias, expected]] = Object.entries(outputs);
    const declared = program.signatures.get(signature)!;
    expect(declared.outputs).toEqual([{ alias, name: alias, dtype: expected.dtype, shape: [-1, ...expected.shape.slice(1)] }]);
    expect(program.outputs.get(signature)!.get(alias)).toMatchObject({
      dtype: expected.dtype,
      vector: expected.shape.length === 1,
    });
    expect(declared.inputs[0]).toMatchObject({
      alias: "X",
      name: "X",
      dtype: "float64",
      shape: [-1, inputs.X.shape[1]],
      nullable: true,
    });
    const answers = answerOf(program, signature, rowsOf(inputs.X));
    const tolerance = signature === "leaf" ? 0 : 1e-12;
    for (const [row, numbers] of rowsOf(expected).entries()) {
      for (const [column, number] of numbers.entries()) {
        const answer = answers[row][column];
        const near = Object.is(answer, number) || Math.abs(answer - number) <= tolerance * Math.abs(number);
        expect(near, `row ${row}: ${answer} is not ${number}`).toBe(true);
      }
      expect(answers[row]).toHaveLength(numbers.length);
    }
  });
});
