import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rest } from "../../test/support/rest.ts";
import { type RunningServer, startServer } from "../../test/support/server.ts";

const file = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
const folder = new URL("model/", import.meta.url).pathname;

interface Prediction {
  readonly digit: number;
  readonly probabilities: readonly number[];
}

let server: RunningServer;

beforeAll(async () => {
  server = await startServer(["--model_name=digits", `--model_base_path=${folder}`]);
});
afterAll(async () => {
  await server?.stop();
});

async function predictions(request: string): Promise<readonly Prediction[]> {
  const { status, text } = await rest(`${server.url}/v1/models/digits:predict`, file(`requests/${request}`));
  expect(status, text).toBe(200);
  return (JSON.parse(text) as { predictions: Prediction[] }).predictions;
}

test("ten images are read as they are in Python", async () => {
  const expected = JSON.parse(file("expected.json")) as { labels: number[]; digit: number[]; probabilities: number[][] };
  const answers = await predictions("ten-images.json");
  expect(answers.map(({ digit }) => digit)).toEqual(expected.digit);
  expect(expected.digit).toEqual(expected.labels);
  for (const [image, { probabilities }] of answers.entries()) {
    expect(probabilities).toHaveLength(10);
    for (const [digit, probability] of probabilities.entries()) {
      expect(Math.abs(probability - expected.probabilities[image][digit]), `image ${image}, digit ${digit}`).toBeLessThan(1e-5);
    }
  }
});

test("the image of the README is a seven", async () => {
  expect((await predictions("one-image.json")).map(({ digit }) => digit)).toEqual([7]);
});
