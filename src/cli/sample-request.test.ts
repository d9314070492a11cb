import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { DType } from "../tensor/dtype.ts";
import type { Signature, Signatures } from "../tensor/signature.ts";
import { sampleRequest } from "./sample-request.ts";

const folder = mkdtempSync(join(tmpdir(), "modelport-"));
afterAll(() => rmSync(folder, { recursive: true }));

function signatures(...inputs: [alias: string, dtype: DType, shape: number[] | undefined][]): Signatures {
  const infos = inputs.map(([alias, dtype, shape]) => ({ alias, name: alias, dtype, shape }));
  return new Map([["serving_default", { inputs: infos, outputs: [], methodName: "" }]]);
}

/** What curl would send: the shell line run with a curl that prints its data. */
function sent(line: string): { url: string; body: unknown } {
  const script = `curl() { printf '%s\\n' "$2"; if [ "$4" = @- ]; then cat; else printf '%s' "$4"; fi; }; ${line}`;
  const [url, ...body] = execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\n");
  return { url, body: JSON.parse(body.join("\n")) };
}

test("fills every input with one value of its type", async () => {
  const line = await sampleRequest(
    "http://h:1",
    "a b",
    folder,
    signatures(["x", "float32", [-1, 2]], ["s", "string", [1]], ["it's", "bool", []]),
  );
  expect(sent(line!)).toEqual({
    url: "http://h:1/v1/models/a%20b:predict",
    body: { inputs: { x: [[0, 0]], s: ["text"], "it's": false } },
  });
});

test("makes large inputs in the shell rather than in the line", async () => {
  const line = await sampleRequest("http://h:1", "m", folder, signatures(["image", "float32", [-1, 3, 20, 20]]));
  const { body } = sent(line!) as { body: { inputs: { image: number[][][][] } } };
  expect(line!.length).toBeLessThan(250);
  expect([
    body.inputs.image.length,
    body.inputs.image[0].length,
    body.inputs.image[0][0].length,
    body.inputs.image[0][0][0].length,
  ]).toEqual([1, 3, 20, 20]);
});

test("prefers the model's own sample", async () => {
  writeFileSync(join(folder, "sample_request.json"), '{\n  "instances": ["it\'s"]\n}\n');
  const line = await sampleRequest("http://h:1", "m", folder, signatures(["x", "string", [-1]]));
  expect(sent(line!).body).toEqual({ instances: ["it's"] });
});

test("passes over a signature that cannot be called", async () => {
  const [plain] = signatures(["x", "int64", []]).values();
  const both: Signatures = new Map<string, Signature>([
    ["__saved_model_init_op", { ...plain!, uncallable: "it has no output that is a tensor" }],
    ["other", plain!],
  ]);
  expect(sent((await sampleRequest("http://h:1", "m", join(folder, "nowhere"), both))!).body).toEqual({
    signature_name: "other",
    inputs: { x: 0 },
  });
});
