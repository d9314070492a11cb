import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { answerOf } from "./test-evaluation.ts";
import { xgboostPlatform } from "./xgboost-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/xgboost");
const MODELS = readdirSync(FIXTURES)
  .flatMap((name) => readdirSync(join(FIXTURES, name)).map((file) => [name, file] as const))
  .filter(([, file]) => /\.(?:json|ubj|bst|deprecated)$/.test(file) && file !== "golden.json");

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

function answerValue({ outputs }: TabularProgram, signature: string): string {
  return outputs.get(signature)!.get(signature)!.value;
}

describe.each(MODELS)("%s/%s answers as XGBoost does", async (name, file) => {
  const program = await xgboostPlatform.read(join(FIXTURES, name, file), new AbortController().signal);
  const all: readonly Golden[] = JSON.parse(readFileSync(join(FIXTURES, name, "golden.json"), "utf8"));
  // Some are of an estimator around the booster.
  const cases = all.filter(({ signature }) => program.signatures.has(signature));

  test.each(cases.map((each) => [each.signature, each] as const))("%s", (signature, { inputs, outputs }) => {
    const [[alias, expected]] = Object.entries(outputs);
    const declared = program.signatures.get(signature)!;
    expect(declared.outputs).toEqual([{ alias, name: alias, dtype: expected.dtype, shape: [-1, ...expected.shape.slice(1)] }]);
    expect(declared.inputs[0]).toMatchObject({
      alias: "X",
      name: "X",
      dtype: "float32",
      shape: [-1, inputs.X.shape[1]],
      nullable: true,
    });
    expect(program.outputs.get(signature)!.get(alias)!.vector).toBe(expected.shape.length === 1);
    // The library's exp is another one, in float32; all else is equal to the last bit.
    const isExact = signature !== "predict" || answerValue(program, "predict") === answerValue(program, "margin");
    const answers = answerOf(program, signature, rowsOf(inputs.X));
    for (const [row, numbers] of rowsOf(expected).entries()) {
      for (const [column, number] of numbers.entries()) {
        const answer = answers[row][column];
        const tolerance = isExact ? 0 : 1e-6 * Math.max(1, Math.abs(number));
        expect(Math.abs(answer - number) <= tolerance, `row ${row}: ${answer} is not ${number}`).toBe(true);
      }
      expect(answers[row]).toHaveLength(numbers.length);
    }
  });
});
