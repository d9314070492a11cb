/** One answer as a strict reader of RFC 9112 sees it. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** As Latin-1, chunks undone. */
  readonly body: string;
}

const DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * The answers in what a connection has brought. `headOnly` says of each, interim ones left out, whether it answers HEAD; `ended`,
 * whether nothing more will come. An answer that is not all there is left out unless the end cuts it. Throws when a byte is not as
 * the RFC has it.
 */
export function readAnswers(text: string, headOnly: readonly boolean[], ended: boolean): Answer[] {
  const answers: Answer[] = [];
  let at = 0;
  let finals = 0;
  while (at < text.length) {
    const headEnd = text.indexOf("\r\n\r\n", at);
    if (headEnd < 0) {
      if (ended) throw new Error(`a cut head: ${JSON.stringify(text.slice(at))}`);
      break;
    }
    const { status, headers } = readHead(text.slice(at, headEnd));
    if (status >= 200) finals++;
    const bodied = status >= 200 && status !== 204 && status !== 304 && !headOnly[finals - 1];
    const body = bodied ? readBody(text, headEnd + 4, headers, ended) : { body: "", end: headEnd + 4 };
    if (body === undefined) break;
    answers.push({ status, headers, body: body.body });
    at = body.end;
  }
  return answers;
}

function readHead(head: string): { status: number; headers: Map<string, string> } {
  const [line = "", ...fields] = head.split("\r\n");
  const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [ -~]*$/.exec(line)?.[1]);
  if (Number.isNaN(status)) throw new Error(`not a status line: ${JSON.stringify(line)}`);
  const headers = new Map<string, string>();
  for (const field of fields) {
    const [, name = "", value = ""] = /^([!#$%&'*+\-.^_`|~0-9a-z]+): ([\t -~\x80-\xff]*)$/.exec(field) ?? [];
    if (name === "" || headers.has(name)) throw new Error(`a malformed or repeated header: ${JSON.stringify(field)}`);
    headers.set(name, value);
  }
  if (status >= 200 && !DATE.test(headers.get("date") ?? "")) throw new Error(`no date: ${JSON.stringify(head)}`);
  if (headers.has("content-length") && headers.has("transfer-encoding")) throw new Error("a length and a coding");
  return { status, headers };
}

function readBody(
  text: string,
  start: number,
  headers: ReadonlyMap<string, string>,
  ended: boolean,
): { body: string; end: number } | undefined {
  const length = headers.get("content-length");
  if (length === undefined && !headers.has("transfer-encoding"))
    return ended ? { body: text.slice(start), end: text.length } : undefined;
  if (length !== undefined) {
    if (!/^(?:0|[1-9]\d*)$/.test(length)) throw new Error(`a malformed length: ${length}`);
    const end = start + Number(length);
    if (end <= text.length) return { body: text.slice(start, end), end };
  } else {
    let body = "";
    let at = start;
    for (;;) {
      const [line, size = ""] = /^([0-9a-f]+)\r\n/.exec(text.slice(at, at + 12)) ?? [];
      if (line === undefined) break;
      const dataEnd = at + line.length + Number.parseInt(size, 16);
      if (dataEnd + 2 > text.length) break;
      if (text.slice(dataEnd, dataEnd + 2) !== "\r\n") throw new Error("a malformed chunk");
      body += text.slice(at + line.length, dataEnd);
      at = dataEnd + 2;
      if (/^0+$/.test(size)) return { body, end: at };
    }
  }
  if (ended) throw new Error("a cut body");
  return undefined;
}
