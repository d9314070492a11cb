import { expect } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { parseFlags } from "./command-line.ts";

/** For tests: why a command line is refused, or "accepted". */
export function faultOf(...argv: string[]): string {
  try {
    parseFlags(argv, {});
  } catch (reason) {
    expect(reason).toBeInstanceOf(ServingError);
    expect((reason as ServingError).code).toBe("invalid-argument");
    return (reason as ServingError).message;
  }
  return "accepted";
}
