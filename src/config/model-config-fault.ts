import type { z } from "zod";
import { describeValue } from "./config-value.ts";

/** What is wrong with a config, and the part it is about. */
export interface ShapeFault {
  readonly path: readonly (string | number)[];
  /** Whether the key at the path is at fault, not its value. */
  readonly part: "key" | "value";
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

const WORDS: ReadonlyMap<string, string> = new Map([
  ["string", "a string"],
  ["number", "a number"],
  ["int", "an integer"],
  ["bigint", "an integer"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "a mapping"],
  ["map", "a mapping"],
  ["null", "nothing"],
]);

/** The first fault that zod found in `value`, in words of ours: the part, what was expected, and what is there. */
export function shapeFault(issues: readonly Issue[], value: unknown): ShapeFault {
  // A key that is misspelt is missing as well: what is written is the better clue.
  const first = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  const { issue, path } = innermost(first, []);
  const steps = path.map((step) => (typeof step === "symbol" ? String(step) : step)) as (string | number)[];
  const found = valueAt(value, steps);
  if (issue.code === "unrecognized_keys") {
    return { path: [...steps, issue.keys[0]!], part: "key", message: issue.message };
  }
  const subject = nameOf(steps);
  if (found === undefined) return { path: steps, part: "value", message: `${subject} is missing` };
  return { path: steps, part: "value", message: `${subject}: ${describe(issue, found)}` };
}

/** Of a union, the issue of the alternative that comes nearest: the one that fails deepest inside. */
function innermost(
  issue: Issue,
  above: readonly PropertyKey[],
): { readonly issue: Issue; readonly path: readonly PropertyKey[] } {
  const path = [...above, ...issue.path];
  if (issue.code !== "invalid_union") return { issue, path };
  const tried = issue.errors
    .flatMap((alternative) =>
      alternative
        .filter(({ code }) => code === "unrecognized_keys")
        .slice(0, 1)
        .concat(alternative.slice(0, 1)),
    )
    .map((each) => innermost(each as Issue, path))
    .filter((each) => each.path.length > path.length || each.issue.code === "custom" || each.issue.code === "unrecognized_keys");
  const deepest = tried.toSorted((a, b) => depth(b) - depth(a))[0];
  return deepest ?? { issue, path };
}

/** How far inside a fault is; an unknown key is inside its mapping, and comes before a missing one, which it may be misspelt. */
function depth({ issue, path }: { readonly issue: Issue; readonly path: readonly PropertyKey[] }): number {
  return path.length + (issue.code === "unrecognized_keys" ? 1 : 0);
}

function describe(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${word(issue.expected)}, got ${describeValue(found)}`;
    case "invalid_value":
      return `expected ${issue.values.map((each) => JSON.stringify(each)).join(" or ")}, got ${describeValue(found)}`;
    case "invalid_union":
      return `expected ${alternatives(issue)}, got ${describeValue(found)}`;
    case "too_small":
      if (issue.origin === "string") return "expected a string that is not empty";
      return `expected ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}, got ${describeValue(found)}`;
    case "too_big":
      return `expected at most ${issue.maximum}, got ${describeValue(found)}`;
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "invalid_key":
    case "not_multiple_of":
    case "unrecognized_keys":
      return issue.message;
  }
}

function alternatives({ errors }: Extract<Issue, { code: "invalid_union" }>): string {
  const words = errors.flatMap((alternative) => {
    const [first] = alternative;
    if (first?.code === "invalid_type") return [word(first.expected)];
    if (first?.code === "invalid_value") return first.values.map((each) => JSON.stringify(each));
    return [];
  });
  // A version may be read as either.
  const distinct = new Set(words);
  if (distinct.has("an integer")) distinct.delete("a number");
  return [...distinct].join(" or ");
}

function word(type: string): string {
  return WORDS.get(type) ?? type;
}

/** A part of a config for a message, as `models[0].labels.stable`. */
export function nameOf(path: readonly (string | number)[]): string {
  const name = path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index === 0 ? "" : "."}${step.slice(0, 100)}`))
    .join("");
  return name === "" ? "the config" : name;
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}
