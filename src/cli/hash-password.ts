import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { ServingError } from "../base/serving-error.ts";
import { formatPasswordHash, hashPassword } from "../security/access/password-hash.ts";

/** Standard input, or what stands in for it. */
export type PasswordInput = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/**
 * Reads a password, one line, and prints the hash that goes into a file of principals. Resolves with the exit code. Rejects with a
 * ServingError when there is no password.
 */
export async function hashPasswordCommand(
  input: PasswordInput,
  print: (text: string) => void,
  ask: (text: string) => void,
): Promise<number> {
  if (input.isTTY === true) ask("Password (not shown): ");
  const password = await firstLine(input);
  if (input.isTTY === true) ask("\n");
  if (password === "") throw new ServingError("invalid-argument", "no password came on standard input, expected one line");
  print(`${formatPasswordHash(await hashPassword(password))}\n`);
  return 0;
}

/** A terminal shows what is typed unless the line is edited here, into nothing. */
async function firstLine(input: PasswordInput): Promise<string> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output, terminal: input.isTTY === true });
  try {
    for await (const line of lines) return line;
    return "";
  } finally {
    lines.close();
  }
}
