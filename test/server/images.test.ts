import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorText, type RestAnswer, rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const IMAGES = join(FIXTURES, "images");
const DIGITS = new URL("../../examples/digits/model", import.meta.url).pathname;

const bytesOf = (file: string) => readFileSync(join(IMAGES, file));
const golden = JSON.parse(readFileSync(join(IMAGES, "golden.json"), "utf8")) as {
  file: string;
  rules: object;
  shape: number[];
  pixels: string;
}[];

let server: RunningServer;
let digits: RunningServer;

beforeAll(async () => {
  [server, digits] = await Promise.all([
    startServer([join(FIXTURES, "image-models")]),
    startServer(["--model_name=digits", `--model_base_path=${DIGITS}`]),
  ]);
});

afterAll(async () => {
  await Promise.all([server?.stop(), digits?.stop()]);
});

type Part = readonly [field: string, value: string | Uint8Array];

async function form(model: string, parts: readonly Part[], query = "", url = server.url): Promise<RestAnswer> {
  const data = new FormData();
  for (const [index, [field, value]] of parts.entries()) {
    if (typeof value === "string") data.append(field, value);
    else data.append(field, new Blob([new Uint8Array(value)], { type: "image/png" }), `../../${index}.png`);
  }
  const response = await fetch(`${url}/v1/models/${model}:predict${query}`, { method: "POST", body: data });
  return { status: response.status, contentType: response.headers.get("content-type"), text: await response.text() };
}

const json = (model: string, body: object, query = "") =>
  rest(`${server.url}/v1/models/${model}:predict${query}`, JSON.stringify(body));

function values(answer: RestAnswer): { readonly shape: readonly number[]; readonly flat: readonly number[] } {
  expect(answer.status, answer.text).toBe(200);
  const body = JSON.parse(answer.text) as { predictions?: unknown; outputs?: unknown };
  let level = body.predictions ?? body.outputs;
  const shape: number[] = [];
  const flat = [level].flat(99) as number[];
  for (; Array.isArray(level); level = level[0]) shape.push(level.length);
  return { shape, flat };
}

/** What Pillow makes of a file. */
function pixels(file: string): readonly number[] {
  const entry = golden.find((one) => one.file === file && Object.keys(one.rules).length === 0)!;
  return [...Buffer.from(entry.pixels, "base64")];
}

const PNG = bytesOf("rgb.png");

describe("a form of files", () => {
  test("is decoded for pixels, one row of the answer for each", async () => {
    const answer = await form("float_nchw", [
      ["images", PNG],
      ["images", bytesOf("24.bmp")],
      ["preset", "raw"],
    ]);
    const { shape, flat } = values(answer);
    expect(shape).toEqual([2, 3, 13, 17]);
    const area = 13 * 17;
    const one = pixels("rgb.png");
    const planes = [0, 1, 2].flatMap((channel) => Array.from({ length: area }, (_, i) => one[i * 3 + channel]));
    expect(flat).toEqual([...planes, ...planes]);
  });

  test("is resized to what the input takes, by rules in the form or the query", async () => {
    expect(values(await form("uint8_nhwc", [["image", PNG]])).shape).toEqual([1, 4, 6, 3]);
    const { flat } = values(await form("uint8_nhwc", [["image", PNG]], "?resize=contain&background=white"));
    expect(flat.slice(15, 18)).toEqual([255, 255, 255]);
    const twice = await form(
      "uint8_nhwc",
      [
        ["image", PNG],
        ["resize", "cover"],
      ],
      "?resize=cover",
    );
    expect([twice.status, errorText(twice)]).toEqual([400, "image rule resize is given twice"]);
  });

  test("goes to a string input as it is", async () => {
    const answer = await form("encoded", [
      ["image", PNG],
      ["images", Buffer.from("anything")],
    ]);
    expect([answer.status, errorText(answer)]).toEqual([400, expect.stringContaining("no input takes images")]);
    const both = await form("encoded", [
      ["images", PNG],
      ["images", Buffer.from("anything")],
    ]);
    expect((JSON.parse(both.text) as { predictions: { b64: string }[] }).predictions).toEqual([
      { b64: PNG.toString("base64") },
      { b64: Buffer.from("anything").toString("base64") },
    ]);
  });

  test("may hold other inputs as JSON", async () => {
    const answer = await form("scaled", [
      ["image", PNG],
      ["factor", "[[[[2]]]]"],
      ["scale", "1"],
    ]);
    const plain = await form("scaled", [
      ["image", PNG],
      ["factor", " [[[[1]]]] "],
      ["scale", "1"],
    ]);
    expect(values(answer).flat).toEqual(values(plain).flat.map((value) => value * 2));
    const odd = await form("scaled", [
      ["image", PNG],
      ["factor", '1}, "instances": [2'],
    ]);
    expect([odd.status, errorText(odd)]).toEqual([400, 'field "factor" of the form: expected one JSON value']);
  });

  test("may name the inputs that its files are for", async () => {
    const answer = await form("pair", [
      ["left", PNG],
      ["right", bytesOf("smooth.jpg")],
    ]);
    expect(values(answer).shape).toEqual([1, 8, 6, 3]);
    const unclear = await form("pair", [["image", PNG]]);
    expect([unclear.status, errorText(unclear)]).toEqual([
      400,
      'several inputs can take images, name one with input=: "left", "right"',
    ]);
  });

  test("is answered in columns where the input takes one image alone", async () => {
    const answer = await form("float_chw", [["image", PNG]]);
    expect(Object.keys(JSON.parse(answer.text) as object)).toEqual(["outputs"]);
    expect(values(answer).shape).toEqual([3, 4, 6]);
  });

  test.each<[string, string, readonly Part[], string]>([
    [
      "a field that means nothing",
      "uint8_nhwc",
      [
        ["image", PNG],
        ["sise", "2x2"],
      ],
      'unknown field "sise" of the form',
    ],
    [
      "a file in such a field",
      "uint8_nhwc",
      [["photo", PNG]],
      'unknown field "photo" of a file, there are: image, images, image',
    ],
    ["no file", "uint8_nhwc", [["size", "6x4"]], "the form has no image"],
    [
      "a signature that is not there",
      "uint8_nhwc",
      [
        ["image", PNG],
        ["signature_name", "no"],
      ],
      'Serving signature name: "no" not found',
    ],
    [
      "a rule that names no input, its file one",
      "uint8_nhwc",
      [
        ["image", PNG],
        ["input", "__proto__"],
      ],
      'image rule input is "__proto__", the inputs are: "image"',
    ],
    [
      "a rule that names another input than its file",
      "pair",
      [
        ["left", PNG],
        ["right", PNG],
        ["input", "right"],
      ],
      'image rule input is "right", but input "left" has images',
    ],
    ["a missing input", "scaled", [["image", PNG]], "factor"],
    ["an input that takes no images", "odd", [["image", PNG]], "takes no images: expected [batch, height, width, channels]"],
    ["a table without a size", "table", [["image", PNG]], "takes images only with size=WIDTHxHEIGHT"],
  ])("with %s is refused", async (_, model, parts, message) => {
    const answer = await form(model, parts);
    expect([answer.status, errorText(answer)]).toEqual([400, expect.stringContaining(message)]);
  });

  test("whose framing is broken is refused", async () => {
    const headers = { "content-type": "multipart/form-data; boundary=cut" };
    for (const body of ["--cut\r\n", "--other--\r\n", "-", "\r"]) {
      const answer = await rest(`${server.url}/v1/models/uint8_nhwc:predict`, body, { headers });
      expect([answer.status, errorText(answer)]).toEqual([
        400,
        expect.stringContaining("the form (multipart/form-data) is not right"),
      ]);
    }
  });
});

describe("images in JSON", () => {
  const b64 = PNG.toString("base64");
  const urlSafe = PNG.toString("base64url");

  test.each<[string, string, object]>([
    ["objects in rows", "uint8_nhwc", { instances: [{ b64 }] }],
    ["plain text, of the other alphabet", "uint8_nhwc", { instances: [urlSafe] }],
    ["named, in rows", "uint8_nhwc", { instances: [{ image: { b64 } }] }],
    ["a column", "uint8_nhwc", { inputs: [b64] }],
    ["a named column", "uint8_nhwc", { inputs: { image: [{ b64: urlSafe }] } }],
    ["a data URL", "uint8_nhwc", { instances: [`data:image/png;base64,${b64}`] }],
  ])("%s are the pixels that a form gives", async (_, model, body) => {
    const wanted = values(await form(model, [["image", PNG]]));
    expect(values(await json(model, body))).toEqual(wanted);
  });

  test("stand beside numbers", async () => {
    const answer = await json("scaled", { instances: [{ image: { b64 }, factor: [[[2]]] }] }, "?scale=1");
    expect(values(answer).flat).toEqual(
      values(
        await form(
          "scaled",
          [
            ["image", PNG],
            ["factor", "[[[[2]]]]"],
          ],
          "?scale=1",
        ),
      ).flat,
    );
  });

  test("may be large, and are read by the thread for large bodies", async () => {
    const noise = bitmap(1000, 700);
    const body = { instances: [{ b64: noise.toString("base64") }, { b64: noise.toString("base64") }] };
    const wanted = values(await form("uint8_nhwc", [["image", noise]]));
    const { shape, flat } = values(await json("uint8_nhwc", body));
    expect(shape).toEqual([2, 4, 6, 3]);
    expect(flat).toEqual([...wanted.flat, ...wanted.flat]);
    const broken = await json("uint8_nhwc", { instances: [{ b64: noise.toString("base64") }, { b64: "AAAA" }] });
    expect([broken.status, errorText(broken)]).toEqual([
      400,
      expect.stringMatching(/^images\[1\]: it is no image that is taken/),
    ]);
    const numbers = await json("uint8_nhwc", { instances: Array.from({ length: 300_000 }, () => [1, "x"]) });
    expect(errorText(numbers)).toMatch(/^Failed to process element: 0 of 'instances' list/);
  });

  test("rules in the query are checked where there are images, and nowhere else", async () => {
    const wrong = await json("uint8_nhwc", { instances: [{ b64 }] }, "?reszie=cover");
    expect([wrong.status, errorText(wrong)]).toEqual([400, expect.stringContaining('unknown image rule "reszie"')]);
    const other = await json("uint8_nhwc", { instances: [{ b64 }] }, "?input=no");
    expect(errorText(other)).toBe('image rule input is "no", but input "image" has images');
    expect((await json("grey", { instances: [Array.from({ length: 8 }, () => Array(8).fill(1))] }, "?token=x")).status).toBe(200);
  });

  test.each<[string, string, object]>([
    ["a model without pixels", "table", { instances: [{ b64 }] }],
    ["a model of other shapes", "odd", { instances: [b64] }],
  ])("to %s are TensorFlow Serving's error", async (_, model, body) => {
    const answer = await json(model, body, "?token=x");
    expect([answer.status, errorText(answer)]).toEqual([400, expect.stringContaining("is not of expected type: float")]);
  });
});

test("the digits of the example are read from a picture", async () => {
  const [seven] = (JSON.parse(readFileSync(join(DIGITS, "../requests/one-image.json"), "utf8")) as { instances: number[][] })
    .instances;
  const picture = greyPng(
    8,
    8,
    seven.map((value) => Math.round((value * 255) / 16)),
  );
  const answer = await form(
    "digits",
    [
      ["image", picture],
      ["size", "8x8"],
      ["channels", "L"],
      ["scale", "16/255"],
    ],
    "",
    digits.url,
  );
  expect(JSON.parse(answer.text)).toMatchObject({ predictions: [{ digit: 7 }] });
});

describe.skipIf(LIBRARY === undefined)(`a TensorFlow graph that decodes images itself (${NO_LIBRARY})`, () => {
  test("gets the files of a form", async () => {
    const folder = join(FIXTURES, "tensorflow/tf1_image_b64");
    const [{ inputs, outputs }] = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as {
      inputs: { image_bytes: { data: string[] } };
      outputs: { image_shape: { data: number[] } };
    }[];
    const tensorflow = await startServer([
      "--model_name=graph",
      `--model_base_path=${folder}`,
      `--tensorflow_library=${LIBRARY}`,
    ]);
    try {
      const files = inputs.image_bytes.data.map((text) => ["images", Buffer.from(text, "base64")] as const);
      const answer = await form("graph", files, "", tensorflow.url);
      const { predictions } = JSON.parse(answer.text) as { predictions: { image_shape: number[] }[] };
      expect(predictions.flatMap((row) => row.image_shape)).toEqual(outputs.image_shape.data);
    } finally {
      await tensorflow.stop();
    }
  }, 120_000);
});

describe("hostile images", () => {
  test.each<[string, Uint8Array, string]>([
    [
      "a PNG of 100000 x 100000",
      pngOf(100_000, 100_000, 8, Buffer.alloc(10)),
      "it has 100000x100000 pixels, of at most 50 million",
    ],
    [
      "a PNG of 1 x 50000000",
      pngOf(1, 50_000_000, 8, Buffer.alloc(100_000_000)),
      "it has 1x50000000 pixels, no side may have more than 65535",
    ],
    ["a BMP of as many", hugeBitmap(), "it has 100000x100000 pixels, of at most 50 million"],
    [
      "a drawing",
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
      "it is no image",
    ],
    ["an archive", Buffer.from("PK\x03\x04"), "it is no image"],
    ["a JPEG that is cut off", bytesOf("smooth.jpg").subarray(0, 850), "its JPEG data is broken or cut off"],
    ["a picture with a drawing's data", Buffer.concat([PNG.subarray(0, 8), Buffer.from("<svg/>")]), "its PNG headers are broken"],
  ])("%s", async (_, bytes, message) => {
    const answer = await form("uint8_nhwc", [["images", bytes]]);
    expect([answer.status, errorText(answer)]).toEqual([400, expect.stringContaining(message)]);
    expect(answer.text).not.toMatch(/vips|node_modules|\b0x|\.\.|\/[a-z]+\//i);
  });

  test("of data that unpacks to more pixels than the headers say the rest is left alone", async () => {
    const answer = await form("uint8_nhwc", [["image", pngOf(6, 4, 8, Buffer.alloc(50_000_000))]]);
    expect(values(answer).flat).toEqual(Array(6 * 4 * 3).fill(0));
  });

  test("of a GIF with many pictures only the first is read", async () => {
    const answer = await form("float_nchw", [
      ["image", manyFrames(2000)],
      ["preset", "raw"],
    ]);
    expect(values(answer).flat).toEqual([255, 0, 0]);
  });

  test("the library says nothing of on standard error", () => {
    expect(server.stderr()).not.toMatch(/CRITICAL|WARNING/);
  });

  test("a hundred at once are all answered, and nothing is left on the disk", async () => {
    const cut = bytesOf("smooth.jpg").subarray(0, 500);
    const before = openFiles(server.process.pid!);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => form("uint8_nhwc", [["images", i % 4 === 3 ? cut : bytesOf("large.png")]])),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i % 4 === 3 ? 400 : 200)));
    expect(openFiles(server.process.pid!).filter((file) => !before.includes(file))).toEqual([]);
    expect((await rest(`${server.url}/readyz`)).status).toBe(200);
  });
});

/** Files that a process has open, those that have no name any more too. */
function openFiles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return file.startsWith("/") ? [file] : [];
    } catch {
      return [];
    }
  });
}

function bitmap(width: number, height: number): Buffer {
  const pixelBytes = Buffer.alloc(width * height * 3, "some noise, not quite regular");
  const bytes = Buffer.concat([Buffer.alloc(54), pixelBytes]);
  bytes.write("BM");
  for (const [at, value] of [
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
  ])
    bytes.writeUInt32LE(value, at);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}

function hugeBitmap(): Buffer {
  const bytes = bitmap(4, 4);
  bytes.writeUInt32LE(100_000, 18);
  bytes.writeUInt32LE(100_000, 22);
  return bytes;
}

function pngOf(width: number, height: number, depth: number, rows: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  return Buffer.concat([
    PNG.subarray(0, 8),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function greyPng(width: number, height: number, pixelValues: readonly number[]): Buffer {
  const rows = Array.from({ length: height }, (_, y) => Buffer.from([0, ...pixelValues.slice(y * width, (y + 1) * width)]));
  return pngOf(width, height, 8, Buffer.concat(rows));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const bytes = Buffer.concat([Buffer.alloc(4), body, Buffer.alloc(4)]);
  bytes.writeUInt32BE(data.length, 0);
  bytes.writeUInt32BE(crc32(body), bytes.length - 4);
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Pictures of one red pixel. */
function manyFrames(count: number): Buffer {
  const head = Buffer.concat([Buffer.from("GIF89a"), Buffer.from([1, 0, 1, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 0])]);
  const frame = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0]);
  return Buffer.concat([head, ...Array.from({ length: count }, () => frame), Buffer.from([0x3b])]);
}
