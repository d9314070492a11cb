import type { TensorDetail } from "../../src/api/dashboard/dashboard-messages.ts";
import { isList, type Json, JsonFault, parseJson, printJson } from "./exact-json.ts";
import { type Editor, editorsOf } from "./input-kind.ts";

/** What a person has filled in for one input. */
export type InputValue =
  | { readonly editor: "cells"; readonly rows: readonly (readonly string[])[] }
  | { readonly editor: "texts"; readonly texts: readonly string[] }
  | { readonly editor: "files"; readonly files: readonly File[] }
  | { readonly editor: "json"; readonly text: string }
  | { readonly editor: "absent" };

/** What is wrong with an input, for who filled it in. */
export class InputFault extends Error {
  override readonly name = "InputFault";
}

/** What a form shows before anything is filled in: the example where the editor can show it, else zeros of the input's shape. */
export function initialValue(tensor: TensorDetail, example: Json | undefined, editor: Editor = editorsOf(tensor)[0]): InputValue {
  const value = example ?? zeros(tensor);
  switch (editor) {
    case "files":
      return { editor, files: [] };
    case "json":
      return { editor, text: printJson(value, { indented: true }) };
    case "texts":
      return { editor, texts: (isList(value) ? value : [value]).map((text) => (typeof text === "string" ? text : "")) };
    case "cells": {
      const rank = tensor.shape?.length ?? 0;
      if (rank === 0) return { editor, rows: [[cellText(value)]] };
      const list = isList(value) ? value : [value];
      // A list of fixed length is a row; one of any length grows downwards.
      if (rank === 1) return { editor, rows: isRow(tensor) ? [list.map(cellText)] : list.map((cell) => [cellText(cell)]) };
      return { editor, rows: list.map((row) => (isList(row) ? row.map(cellText) : [cellText(row)])) };
    }
  }
}

/** Whether an input's only dimension is fixed, so that its grid is one row. */
export function isRow({ shape }: TensorDetail): boolean {
  return shape?.length === 1 && shape[0]! >= 0;
}

/**
 * The JSON value of an input; undefined for one that is left out. Files have none: see `base64Of`.
 * @throws InputFault
 */
export function jsonOf(tensor: TensorDetail, value: InputValue): Json | undefined {
  switch (value.editor) {
    case "absent":
    case "files":
      return undefined;
    case "json":
      try {
        return parseJson(value.text);
      } catch (fault) {
        throw fault instanceof JsonFault ? new InputFault(`${tensor.alias}: ${fault.message}`) : fault;
      }
    case "texts":
      return tensor.shape?.length === 0 ? (value.texts[0] ?? "") : value.texts.map((text) => orMissing(tensor, text));
    case "cells": {
      const rows = value.rows.map((row, r) => row.map((cell, c) => cellValue(tensor, cell, r, c)));
      if (tensor.shape?.length === 0) return rows[0]![0]!;
      return tensor.shape?.length === 1 ? rows.flat() : rows;
    }
  }
}

/** `{"b64": ...}` of each file, or of the only one for a scalar input. */
export async function base64Of(tensor: TensorDetail, files: readonly File[]): Promise<Json> {
  const objects = await Promise.all(
    files.map(async (file): Promise<Json> => new Map([["b64", base64(new Uint8Array(await file.arrayBuffer()))]])),
  );
  return takesOne(tensor) ? (objects[0] ?? "") : objects;
}

/** Whether an input has no place for a second file. */
export function takesOne({ dtype, shape }: TensorDetail): boolean {
  return shape !== undefined && shape.length === (dtype === "string" ? 0 : 3);
}

function base64(data: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < data.length; start += 0x8000) {
    binary += String.fromCharCode(...data.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}

const FLOAT_WORDS: ReadonlySet<string> = new Set(["NaN", "Infinity", "-Infinity"]);

function cellValue({ alias, dtype, shape, nullable }: TensorDetail, cell: string, row: number, column: number): Json {
  const text = cell.trim();
  if (nullable === true && text === "") return null;
  if (dtype === "string") return cell;
  const place = shape?.length === 0 ? alias : `${alias}, row ${row + 1}, column ${column + 1}`;
  if (dtype === "bool") {
    if (text === "true" || text === "false") return text === "true";
    throw new InputFault(`${place}: expected true or false, got "${text}"`);
  }
  const whole = /int/.test(dtype);
  const fits = whole ? /^-?\d+$/.test(text) : FLOAT_WORDS.has(text) || (text !== "" && !Number.isNaN(Number(text)));
  if (!fits) throw new InputFault(`${place}: expected ${whole ? "an integer" : "a number"}, got "${text}"`);
  if (!whole) return Number(text);
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

/** What is left empty is missing where it may be. */
function orMissing({ nullable }: TensorDetail, text: string): Json {
  return nullable === true && text === "" ? null : text;
}

function cellText(value: Json): string {
  if (value === null) return "";
  return typeof value === "string" ? value : printJson(value);
}

/** A value of the declared shape, 1 where a size is free. */
function zeros({ dtype, shape = [] }: TensorDetail): Json {
  const element: Json = dtype === "string" ? "" : dtype === "bool" ? false : 0;
  const sizes = shape.map((size) => (size < 0 ? 1 : size));
  if (sizes.reduce((product, size) => product * size, 1) > 10_000) return [];
  return sizes.reduceRight<Json>((inner, size) => Array.from({ length: size }, () => inner), element);
}
