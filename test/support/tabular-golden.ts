import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ARRAY_TYPES } from "../../src/tensor/dtype.ts";
import { isMissingText, MISSING_TEXT, stringAt } from "../../src/tensor/string-array.ts";
import { stringTensor, type Tensor } from "../../src/tensor/tensor.ts";
import { fixture } from "./folders.ts";

/** A value in golden.json: null is missing; numbers that are not finite are words; a list is one of texts. */
export type GoldenValue = number | string | boolean | null | readonly string[];

/** A tensor in golden.json: flat and row-major. A list has as many texts as its row has. */
export interface TabularTensor {
  readonly dtype: "float32" | "float64" | "int32" | "int64" | "bool" | "string" | "list";
  readonly shape: readonly number[];
  readonly data: readonly GoldenValue[];
}

/** What a tabular library answered, or that it refused to. */
export interface TabularCase {
  readonly signature: string;
  readonly inputs: Readonly<Record<string, TabularTensor>>;
  readonly outputs?: Readonly<Record<string, TabularTensor>>;
  /** What the library threw. */
  readonly error?: string;
}

/** A model and its library's answers. */
export interface TabularModel {
  readonly name: string;
  readonly path: string;
  readonly cases: readonly TabularCase[];
}

/** An answer: its shape where the protocol tells, and its values; null for a missing text. */
export interface TabularAnswer {
  readonly shape?: readonly number[];
  readonly data: readonly unknown[];
}

const SHARED = new URL("../../../shared/fixtures/", import.meta.url).pathname;

/** Models of others that are no part of the project, by how their folders are called. */
const OF_OTHERS = /^stfs_|__/;

/**
 * Models of a library with their answers. Those of others are taken from beside the project where they are.
 * @param files the model's files in a folder with a golden.json, or the name of the folder that is the model
 */
export function tabularModels(platform: string, files: RegExp | string): readonly TabularModel[] {
  const own = existsSync(fixture(platform))
    ? readdirSync(fixture(platform)).map((name) => ({ name, root: fixture(platform) }))
    : [];
  const shared = join(SHARED, platform);
  const others = (existsSync(shared) ? readdirSync(shared) : [])
    .filter((name) => OF_OTHERS.test(name) && !own.some((folder) => folder.name === name))
    .map((name) => ({ name, root: shared }));
  return [...own, ...others]
    .filter(({ name, root }) => existsSync(join(root, name, "golden.json")))
    .flatMap(({ name, root }) => {
      const cases = JSON.parse(readFileSync(join(root, name, "golden.json"), "utf8")) as TabularCase[];
      const found = readdirSync(join(root, name)).filter((file) =>
        typeof files === "string" ? file === files : files.test(file),
      );
      return found.map((file) => ({ name: `${name}.${file}`, path: join(root, name, file), cases }));
    });
}

/** Whether the models of others are there. */
export const OTHERS_ARE_THERE = existsSync(SHARED);

/** An input as a tensor; a missing number makes it one of float64, whose NaN it is. */
export function inputTensor({ dtype, shape, data }: TabularTensor): Tensor {
  if (dtype === "string" || dtype === "list") {
    return stringTensor(
      [...shape],
      data.map((value) => (value === null ? MISSING_TEXT : String(value))),
    );
  }
  const type = data.includes(null) ? "float64" : dtype;
  const values = new ARRAY_TYPES[type].array(data.length);
  for (const [i, value] of data.entries()) {
    if (values instanceof BigInt64Array || values instanceof BigUint64Array) values[i] = BigInt(Number(value));
    else values[i] = value === null ? Number.NaN : Number(value);
  }
  return { dtype: type, shape, data: values } as Tensor;
}

/** An input in JSON: a vector or a matrix, with the words for what is not finite. */
export function inputJson({ dtype, shape, data }: TabularTensor): string {
  const texts = data.map((value) => valueJson(value, dtype));
  const [rows = 0, width = 1] = shape;
  if (shape.length < 2) return `[${texts.join(", ")}]`;
  return `[${Array.from({ length: rows }, (_, row) => `[${texts.slice(row * width, (row + 1) * width).join(", ")}]`).join(", ")}]`;
}

/** The rows of some inputs in JSON, each an object. */
export function rowsJson(inputs: TabularCase["inputs"]): string {
  const tensors = Object.entries(inputs);
  const rows = tensors[0]?.[1].shape[0] ?? 1;
  const row = (index: number) =>
    tensors.map(([name, { dtype, shape, data }]) => {
      const width = shape[1] ?? 1;
      const own = data.slice(index * width, (index + 1) * width).map((value) => valueJson(value, dtype));
      return `${JSON.stringify(name)}: ${shape.length < 2 ? own[0] : `[${own.join(", ")}]`}`;
    });
  return `[${Array.from({ length: rows }, (_, index) => `{${row(index).join(", ")}}`).join(", ")}]`;
}

/** The words for numbers that are not finite need no quotes in a body. */
function valueJson(value: GoldenValue, dtype: TabularTensor["dtype"]): string {
  return typeof value === "string" && dtype !== "string" ? value : JSON.stringify(value);
}

/** What an answer's tensor holds. */
export function tensorAnswer(tensor: Tensor): TabularAnswer {
  const { dtype, shape, data } = tensor;
  if (dtype === "string") {
    const texts = Array.from({ length: data.length }, (_, i) => (isMissingText(data, i) ? null : stringAt(data, i)));
    return { shape, data: texts };
  }
  return {
    shape,
    data: Array.from(data as ArrayLike<number | bigint>, (value) => (dtype === "bool" ? Boolean(value) : Number(value))),
  };
}

/** A JSON answer with the words for what is not finite in quotes. */
export function parseAnswer(text: string): unknown {
  return JSON.parse(text.replace(/(?<=[[\s,:])(NaN|-?Infinity)(?=[\],\s}])/g, '"$1"'));
}

/**
 * Compares an answer with the library's: numbers within `tolerance`, relative above 1, all else exactly. Lists come as a matrix of texts
 * whose shorter rows end in missing ones.
 */
export function compareTabular({ shape, data }: TabularAnswer, wanted: TabularTensor, tolerance: number, what: string): number {
  if (wanted.dtype === "list") {
    compareLists({ shape, data }, wanted, what);
    return 0;
  }
  let worst = 0;
  if (shape !== undefined) expect(shape, what).toEqual(wanted.shape);
  expect(data, what).toHaveLength(wanted.data.length);
  for (const [i, value] of wanted.data.entries()) {
    // A missing number is NaN.
    if (value === null && data[i] !== null) {
      expect(Number(data[i]), `${what}[${i}]`).toBe(Number.NaN);
      continue;
    }
    if (wanted.dtype === "string" || wanted.dtype === "bool") {
      expect(data[i], `${what}[${i}]`).toBe(value);
      continue;
    }
    const [got, expected] = [Number(data[i]), Number(value)];
    if (!Number.isFinite(expected)) expect(got, `${what}[${i}]`).toBe(expected);
    else {
      const error = Math.abs(got - expected) / Math.max(1, Math.abs(expected));
      expect(error, `${what}[${i}]: ${got}, not ${expected}`).toBeLessThanOrEqual(tolerance);
      worst = Math.max(worst, error);
    }
  }
  return worst;
}

function compareLists({ shape, data }: TabularAnswer, wanted: TabularTensor, what: string): void {
  const rows = wanted.data.length;
  if (shape !== undefined) expect(shape.slice(0, 1), what).toEqual(wanted.shape);
  const width = data.length / Math.max(1, rows);
  for (const [row, list] of wanted.data.entries()) {
    // Numbers of a list are missing as NaN, which is a word in JSON.
    const own = data
      .slice(row * width, (row + 1) * width)
      .map((value) => (Number.isNaN(value) || value === "NaN" ? null : value));
    expect(withoutEnd(own), `${what}[${row}]`).toEqual(withoutEnd(list as readonly unknown[]));
  }
}

/** A list up to the last value that is not missing. */
function withoutEnd(list: readonly unknown[]): readonly unknown[] {
  return list.slice(0, list.findLastIndex((value) => value !== null) + 1);
}
