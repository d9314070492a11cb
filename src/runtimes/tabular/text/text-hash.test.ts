import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { textHash, textHashes } from "./text-hash.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../../test/fixtures/catboost");

test.each(["categories_only", "one_hot", "binary_cat_ctr"])("hashes are those that CatBoost gives in %s", (name) => {
  const { features_info: features } = JSON.parse(readFileSync(`${FIXTURES}/${name}/model.json`, "utf8")) as {
    features_info: { cat_features_hash: { hash: number; value: string }[] };
  };
  expect(features.cat_features_hash.length).toBeGreaterThan(4);
  for (const { hash, value } of features.cat_features_hash) expect(textHash(value) >>> 0, JSON.stringify(value)).toBe(hash);
});

test("texts of every way to hash have different hashes", () => {
  const lengths = [1, 3, 4, 8, 9, 16, 17, 32, 33, 64, 65, 128, 129, 1000];
  const hashes = lengths.flatMap((length) => [textHash("a".repeat(length)), textHash(`${"a".repeat(length - 1)}b`)]);
  expect(new Set(hashes).size).toBe(hashes.length);
});

test("a text has the same hash when it comes again", () => {
  const hashes = textHashes(["city"]);
  const long = "x".repeat(300);
  const texts = ["Oslo", long, "Oslo", long];
  const first = hashes({ rows: 4, width: 1, texts });
  expect(hashes({ rows: 4, width: 1, texts })).toEqual(first);
  expect(Array.from(first.data)).toEqual(texts.map(textHash));
});

test("a missing text is the request's error, which names the column", () => {
  expect(() => textHashes(["city", "shop"])({ rows: 1, width: 2, texts: ["Oslo", null] })).toThrow(
    expect.objectContaining({
      code: "invalid-argument",
      message: 'column "shop" has a missing value, which the model does not take: send the text that stood for it in training',
    }),
  );
});
