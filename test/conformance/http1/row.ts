/** One case of HTTP/1.1: bytes for the server and the answers they must get. */
export interface Row {
  /** RFC and section, such as `9112 2.2`. */
  readonly section: string;
  readonly name: string;
  /** In Latin-1. Each piece but the first is sent once there are as many answers as pieces before it. */
  readonly send: readonly string[];
  readonly answers: readonly Expected[];
  /** What the connection does after them: takes the next request, is closed by the server, or awaits the rest of a request. */
  readonly after: "open" | "closed" | "awaits";
}

/** What the handler must have been asked for a 200, as `METHOD TARGET BODY`; the status of a refusal; or all that is asked of an answer. */
export type Expected = string | number | ExpectedAnswer;

export interface ExpectedAnswer {
  readonly status: number;
  readonly seen?: string;
  readonly body?: string;
  /** Answers HEAD, whose length says nothing of the bytes that follow. */
  readonly headOnly?: boolean;
  /** Values by name; `absent` for a header that must not be there. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Limits of the server that the rows are sent to. */
export const LIMITS = { maxHeaderBytes: 2048, maxHeaderCount: 16, maxBodyBytes: 4096, maxChunks: 16 };

/** The bytes of a request with a Host. */
export function message(line: string, fields: readonly string[] = [], body = ""): string {
  return raw(line, ["Host: a", ...fields], body);
}

/** The bytes of a request with exactly these fields. */
export function raw(line: string, fields: readonly string[], body = ""): string {
  return `${[line, ...fields].join("\r\n")}\r\n\r\n${body}`;
}

export function get(target = "/", ...fields: readonly string[]): string {
  return message(`GET ${target} HTTP/1.1`, fields);
}

export function post(fields: readonly string[], body = ""): string {
  return message("POST / HTTP/1.1", fields, body);
}

/** A POST whose body is sent in chunks as they are given. */
export function chunked(stream: string): string {
  return post(["Transfer-Encoding: chunked"], stream);
}

/** The request that must not be served when it hides in another's body. */
export const HIDDEN = get("/hidden");

/** Every request is served and the connection stays open. */
export function served(section: string, name: string, send: string, ...seen: readonly string[]): Row {
  return { section, name, send: [send], answers: seen, after: "open" };
}

/** The first request is refused, and nothing behind it is read. */
export function refused(section: string, name: string, send: string, status = 400): Row {
  return { section, name, send: [send], answers: [status], after: "closed" };
}

export function outcome(
  section: string,
  name: string,
  send: string | readonly string[],
  after: Row["after"],
  ...answers: readonly Expected[]
): Row {
  return { section, name, send: typeof send === "string" ? [send] : send, answers, after };
}
