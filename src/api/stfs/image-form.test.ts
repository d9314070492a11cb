import { describe, expect, test } from "vitest";
import { echo, stfsService } from "./test-stfs-service.ts";

const FILE = Buffer.from([0xff, 0xef, 0x00, 0x0d, 0x0a]);

/** A part of a form: a field's value or a file. */
type Part = readonly [name: string, value: string | Buffer];

function form(...parts: readonly Part[]) {
  const pieces = parts.flatMap(([name, value]) => {
    const file = typeof value === "string" ? "" : '; filename="cat.jpg"';
    return [
      Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`),
      Buffer.from(value),
      Buffer.from("\r\n"),
    ];
  });
  return [Buffer.concat([...pieces, Buffer.from("--b--\r\n")]), { "content-type": "multipart/form-data; boundary=b" }] as const;
}

const strings = (alias: string) => ({ signatures: { serving_default: echo([alias, "string", -1]) } });

describe("a model of strings gets", () => {
  test.each<[string, string, readonly Part[], string]>([
    ["url-safe base64, if its input is named images", "images", [["image", FILE]], '{"images": ["_-8ADQo="]}\n'],
    [
      "every image",
      "images",
      [
        ["images", FILE],
        ["images", Buffer.from("hi")],
      ],
      '{"images": ["_-8ADQo=", "aGk="]}\n',
    ],
    [
      "the bytes, if that is asked",
      "images",
      [
        ["image", FILE],
        ["encoding", "raw"],
      ],
      '{"images": [{"b64": "/+8ADQo="}]}\n',
    ],
    ["the bytes, if its input is named otherwise", "jpeg", [["image", FILE]], '{"jpeg": [{"b64": "/+8ADQo="}]}\n'],
    [
      "url-safe base64, if that is asked",
      "jpeg",
      [
        ["image", FILE],
        ["encoding", "base64"],
      ],
      '{"jpeg": ["_-8ADQo="]}\n',
    ],
  ])("%s", async (_, alias, parts, expected) => {
    const { ask } = await stfsService({ m: strings(alias) });
    const { status, text } = await ask("POST", "/", ...form(...parts));
    expect([status, text]).toEqual([200, expected]);
  });
});

test("the fields say which model, version and signature", async () => {
  const asked: unknown[] = [];
  const run = (signature: string) => {
    asked.push(signature);
    return new Map();
  };
  const model = { versions: [1n, 2n], signatures: { other: echo(["images", "string", -1]) }, run };
  const { ask } = await stfsService({ default: strings("images"), m: model });
  const parts = (version: string) =>
    form(["model_name", "m"], ["model_version", version], ["signature_name", "other"], ["run_profile", "x"], ["image", FILE]);
  await ask("POST", "/", ...parts("2"));
  expect(asked).toEqual(["other"]);
  const { status, text } = await ask("POST", "/", ...parts("3"));
  expect([status, text]).toEqual([400, expect.stringContaining("Invalid model version: 3, available versions of m: ")]);
});

test.each<[string, readonly Part[], string]>([
  ["without an image", [["file", FILE]], "Invalid form-data: expected a file in a field named image or images"],
  [
    "with an unknown encoding",
    [
      ["image", FILE],
      ["encoding", "gzip"],
    ],
    'Invalid form-data: encoding must be raw or base64, got \\"gzip\\"',
  ],
])("a form %s is refused", async (_, parts, message) => {
  const { ask } = await stfsService({ m: strings("images") });
  const { status, text } = await ask("POST", "/", ...form(...parts));
  expect([status, text]).toEqual([400, expect.stringContaining(message)]);
});

test("a body that is no form is refused", async () => {
  const { ask } = await stfsService({ m: strings("images") });
  const { status, text } = await ask("POST", "/", "no form", { "content-type": "multipart/form-data; boundary=b" });
  expect([status, text]).toEqual([400, expect.stringContaining("Invalid form-data: ")]);
});
