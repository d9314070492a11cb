import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MULTIPART_LIMITS, readMultipart } from "./read-multipart.ts";

const TYPE = "multipart/form-data; boundary=cut";

function body(...parts: readonly string[]): Buffer {
  return Buffer.from(`${parts.map((part) => `--cut\r\n${part}\r\n`).join("")}--cut--\r\n`, "latin1");
}

const field = (name: string, value: string) => `content-disposition: form-data; name="${name}"\r\n\r\n${value}`;
const file = (name: string, label: string, content: string) =>
  `content-disposition: form-data; name="${name}"; filename="${label}"\r\ncontent-type: Image/PNG\r\n\r\n${content}`;

async function read(bytes: Buffer, type: string | undefined = TYPE, limits = MULTIPART_LIMITS) {
  const { fields, files } = await readMultipart(type, bytes, limits);
  return {
    fields: Object.fromEntries(fields),
    files: files.map(({ bytes: content, ...rest }) => ({ ...rest, content: Buffer.from(content).toString("latin1") })),
  };
}

test("gives fields and files in the order sent, bytes as they are", async () => {
  const content = "\x00\xff\r\n--cu\r\n\r\n--cut";
  expect(
    await read(body(field("a", "1"), file("image", "x.png", content.slice(0, -5)), field("a", "\xc3\xa4"), field("b", ""))),
  ).toEqual({
    fields: { a: ["1", "ä"], b: [""] },
    files: [{ field: "image", type: "image/png", label: "x.png", content: content.slice(0, -5) }],
  });
});

test.each([
  ["/etc/passwd", "passwd"],
  ["..\\..\\evil.png", "evil.png"],
  ["C:\\x\\y.jpg", "y.jpg"],
  ["..", ""],
  ["", ""],
  ["a\x01b\x1b[31m.png", "ab[31m.png"],
  ["\xe2\x80\xaetxt.png", "txt.png"],
  ["n".repeat(300), `${"n".repeat(64)}...`],
])("of a file's name %j only %j is kept, for messages", async (name, label) => {
  expect((await read(body(file("image", name, "x")))).files).toMatchObject([{ label, content: "x" }]);
});

test.each([
  ["a quoted boundary", 'multipart/form-data; boundary="cut"'],
  ["other letters and parameters", "Multipart/Form-Data;charset=utf-8; Boundary=cut ;x=y"],
])("takes %s", async (_, type) => {
  expect((await read(body(field("a", "1")), type)).fields).toEqual({ a: ["1"] });
});

test("takes text before the first line and after the last", async () => {
  const whole = Buffer.concat([Buffer.from("hello\r\n"), body(field("a", "1")), Buffer.from("bye --cut")]);
  expect((await read(whole)).fields).toEqual({ a: ["1"] });
});

test("a form without parts is empty", async () => {
  expect(await read(body())).toEqual({ fields: {}, files: [] });
});

test("a file without a name is one by its type", async () => {
  const part = 'content-disposition: form-data; name="image"\r\ncontent-type: application/octet-stream\r\n\r\nx';
  expect((await read(body(part))).files).toMatchObject([{ field: "image", label: "", content: "x" }]);
});

test("names that objects know are names like any other", async () => {
  const { fields } = await readMultipart(TYPE, body(field("__proto__", "1"), field("constructor", "2")));
  expect([...fields]).toEqual([
    ["__proto__", ["1"]],
    ["constructor", ["2"]],
  ]);
});

const good = body(field("a", "1"), file("image", "x.png", "y"));

describe("refuses with what is wrong", () => {
  test.each<[string, string | undefined, Buffer, string]>([
    ["no content type", undefined, good, "its content-type must be multipart/form-data"],
    ["another content type", "multipart/mixed; boundary=cut", good, "its content-type must be multipart/form-data"],
    ["no boundary", "multipart/form-data", good, "must name one boundary, has 0"],
    ["two boundaries", `${TYPE}; boundary=other`, good, "must name one boundary, has 2"],
    ["an empty boundary", 'multipart/form-data; boundary=""', good, "its boundary is empty or has characters"],
    ["an odd boundary", 'multipart/form-data; boundary="a\x00b"', good, "its boundary is empty or has characters"],
    ["a long boundary", `multipart/form-data; boundary=${"x".repeat(71)}`, good, "has 71 characters, of at most 70"],
    ["another boundary", "multipart/form-data; boundary=other", good, "no line with the boundary"],
    ["an empty body", TYPE, Buffer.alloc(0), "no line with the boundary"],
    ["no end", TYPE, good.subarray(0, -6), "ends before its last line"],
    ["an end within a file", TYPE, good.subarray(0, -12), "ends before its last line"],
    ["headers without end", TYPE, body("content-disposition: form-data"), "the headers of part 0 do not end"],
    [
      "a part without a name",
      TYPE,
      body(field("a", "1"), "content-disposition: form-data\r\n\r\nx"),
      "1 of its 2 parts have no name",
    ],
    ["an empty name", TYPE, body(field("", "1")), "1 of its 1 parts have no name"],
    ["no disposition", TYPE, body("content-type: text/plain\r\n\r\nx"), "1 of its 1 parts have no name"],
    ["a long name", TYPE, body(field("n".repeat(257), "1")), "a field's name has 257 characters, of 256"],
    ["long headers", TYPE, body(`x: ${"y".repeat(17_000)}\r\n${field("a", "1")}`), "part 0 have more than 16384 bytes"],
    [
      "a coded part",
      TYPE,
      body(`content-transfer-encoding: base64\r\n${field("a", "MQ==")}`),
      'field "a" has a content-transfer-encoding',
    ],
    ["too many parts", TYPE, body(...Array.from({ length: 101 }, () => field("a", "1"))), "has more than 100 parts"],
  ])("%s", async (_, type, bytes, message) => {
    const wanted = { code: "invalid-argument", message: expect.stringContaining(message) };
    await expect(readMultipart(type, bytes)).rejects.toMatchObject(wanted);
  });

  test("a long field", async () => {
    const limits = { ...MULTIPART_LIMITS, fieldBytes: 4 };
    expect((await read(body(field("a", "1234")), TYPE, limits)).fields).toEqual({ a: ["1234"] });
    const wanted = { code: "invalid-argument", message: expect.stringContaining('field "a" is longer than 4 bytes') };
    await expect(read(body(field("a", "12345")), TYPE, limits)).rejects.toMatchObject(wanted);
  });
});

test("a large part that cannot be read is refused, and nothing is waited for", async () => {
  const content = "x".repeat(200_000);
  for (const headers of ["", "a: b\r\n", 'content-disposition: attachment; name="a"\r\n']) {
    const unread = `${headers}\r\n${content}`;
    for (const parts of [[unread], [unread, field("a", "1")], [file("image", "x.png", content), unread]]) {
      const wanted = {
        code: "invalid-argument",
        message: expect.stringContaining(`1 of its ${parts.length} parts have no name`),
      };
      await expect(readMultipart(TYPE, body(...parts))).rejects.toMatchObject(wanted);
    }
  }
});

test("the files of a form take no memory of their own", async () => {
  const bytes = body(file("image", "x.png", "y".repeat(1000)), field("a", "1"), file("image", "z.png", ""));
  const { files } = await readMultipart(TYPE, bytes);
  expect(files.map(({ bytes: content }) => content.buffer === bytes.buffer)).toEqual([true, true]);
});

test.each([
  ["large fields", 16, field("a", "x".repeat(1_000_000)), 16],
  ["large files", 10, file("image", "x.png", "y".repeat(4_000_000)), 10],
  ["many files", 30, file("image", "x.png", "y".repeat(1_000_000)), 10],
])("while a form of %s is read, others have their turn", async (_, count, part, least) => {
  let [turns, reading] = [0, true];
  const turn = () => {
    turns++;
    if (reading) setImmediate(turn);
  };
  setImmediate(turn);
  await readMultipart(TYPE, body(...Array.from({ length: count }, () => part)));
  reading = false;
  expect(turns).toBeGreaterThanOrEqual(least);
});

test.each([0, 1, 2])("a file that ends in %d bytes of the line after it is whole", async (more) => {
  for (let length = 110; length < 150; length++) {
    const content = `${"x".repeat(length)}${"\r\n--cu".slice(0, more * 2)}`;
    const { fields, files } = await read(
      body(file("image", "x.png", content), field("a", content), file("image", "y.png", content)),
    );
    expect([fields.a, files.map((each) => each.content)]).toEqual([[content], [content, content]]);
  }
});

test("every cut of a form is refused, or was after its end", async () => {
  const end = good.length - 2;
  for (let length = 0; length < good.length; length++) {
    const reading = readMultipart(TYPE, good.subarray(0, length));
    if (length >= end) expect((await reading).files).toHaveLength(1);
    else await expect(reading).rejects.toMatchObject({ code: "invalid-argument" });
  }
});

test("gives back files of any bytes and length", async () => {
  const contents = fc.array(fc.uint8Array({ maxLength: 200_000, size: "max" }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(contents, async (files) => {
      const texts = files.map((bytes) => Buffer.from(bytes).toString("latin1"));
      fc.pre(texts.every((text) => !text.includes("\r\n--cut")));
      const form = await read(body(...texts.map((text, index) => file("image", `${index}.png`, text))));
      expect(form.files.map(({ content }) => content)).toEqual(texts);
    }),
    { numRuns: 30 },
  );
});
