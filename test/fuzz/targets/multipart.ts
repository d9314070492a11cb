import { ServingError } from "../../../src/base/serving-error.ts";
import { readMultipart } from "../../../src/codec/multipart/read-multipart.ts";
import { agree, type FuzzTarget, type Outcome, refusal } from "../target.ts";

const LIMITS = { parts: 10, fieldBytes: 1000, headerBytes: 500 };

/** What each part holds by cutting at the lines between them; undefined where that is not all there is to it. */
function plainContents(input: Buffer): readonly string[] {
  const text = `\r\n${input.toString("latin1")}`;
  const [, ...parts] = text.split("\r\n--cut");
  const end = parts.findIndex((part) => part.startsWith("--"));
  return parts.slice(0, end).map((part) => part.slice(part.indexOf("\r\n\r\n") + 4));
}

const decode = (text: string) => Buffer.from(text, "latin1").toString();

/** Forms, against a reader that cuts the text at its boundary. */
export const multipart: FuzzTarget = {
  name: "multipart",
  dictionary: [
    "--cut\r\n",
    "\r\n--cut\r\n",
    "\r\n--cut--\r\n",
    "\r\n\r\n",
    'content-disposition: form-data; name="',
    '"; filename="',
    "; filename*=utf-8''%e2%82%ac",
    "content-type: image/png\r\n",
    "content-type: text/plain; charset=latin1\r\n",
    "content-transfer-encoding: base64\r\n",
  ],
  longest: 800,
  async run(input): Promise<Outcome> {
    let form: Awaited<ReturnType<typeof readMultipart>>;
    try {
      form = await readMultipart("multipart/form-data; boundary=cut", input, LIMITS);
    } catch (reason) {
      if (!(reason instanceof ServingError)) throw reason;
      // Names that the input makes up would make each refusal one of its own.
      return refusal(new ServingError(reason.code, reason.message.replace(/".*"/su, ""), { cause: reason.cause }));
    }
    const contents = plainContents(input);
    const values = [...form.fields.values()].flat();
    agree(form.files.length + values.length, contents.length, "the number of parts");
    const files = form.files.map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
    const left = [...contents];
    for (const file of files) {
      const at = left.indexOf(file);
      if (at < 0) throw new Error("a file that nobody sent");
      left.splice(at, 1);
    }
    // A charset that a part declares is the parser's business.
    if (!/content-type/i.test(input.toString("latin1"))) {
      agree(values.sort().join("|"), left.map(decode).sort().join("|"), "the fields");
    }
    return { accepted: true, shape: `${form.fields.size} ${form.files.length} ${form.files[0]?.label === ""}` };
  },
};
