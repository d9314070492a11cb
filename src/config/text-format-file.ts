import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { ServingError } from "../base/serving-error.ts";

/** A file in protobuf text format that a flag names; errors call it `--FLAG NAME`. */
export interface TextFormatFile<Message> {
  readonly name: string;
  readonly message: Message;
}

/**
 * Reads the file that a flag names. `schema` is asked for once the file is there: descriptions of messages take long to load.
 * @throws ServingError not-found for a file that cannot be read, invalid-argument with line and column for a malformed one.
 */
export async function readTextFormatFile<Schema extends DescMessage>(
  flag: string,
  file: string,
  schema: () => Promise<Schema>,
): Promise<TextFormatFile<MessageShape<Schema>>> {
  const name = `--${flag} ${basename(file)}`;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new ServingError("not-found", `${name} cannot be read`, { cause });
  }
  return { name, message: await parseNamedText(text, name, await schema()) };
}

/**
 * Parses a text whose faults are told with `name` before line and column.
 * @throws ServingError invalid-argument for a malformed one.
 */
export async function parseNamedText<Schema extends DescMessage>(
  text: string,
  name: string,
  schema: Schema,
): Promise<MessageShape<Schema>> {
  const { parseTextFormat } = await import("../codec/text-format/parse-text-format.ts");
  try {
    return parseTextFormat(schema, text);
  } catch (reason) {
    const { code, message } = ServingError.from(reason);
    throw new ServingError(code, `${name}: ${message}`, { cause: reason });
  }
}
