import { JsonWriter } from "./json-writer.ts";

/** The body of a refused REST call: an object with the one key `error`, indented by four blanks, whatever the message holds. */
export function errorBody(message: string): Uint8Array {
  const writer = new JsonWriter();
  writer.byte(0x7b);
  writer.line(1);
  writer.ascii('"error": ');
  writer.text(message);
  writer.line(0);
  writer.byte(0x7d);
  return writer.take();
}
