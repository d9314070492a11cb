import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT, type VersionPolicy } from "./model-config.ts";
import { parseModelConfigFile } from "./model-config-file.ts";
import type { ModelConfigRules } from "./model-config-rules.ts";
import { formatConfigFile } from "./model-config-writer.ts";

const rules: ModelConfigRules = { platforms: ["tensorflow", "onnx"] };

const plain = (name: string, basePath = `/${name}`): ModelConfig => ({
  name,
  basePath,
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});

const read = async (text: string, path = "/srv/models.yaml") => await parseModelConfigFile(text, path, rules);

/** The text of a file after its models were replaced. */
async function rewrite(
  text: string,
  change: (models: readonly ModelConfig[]) => readonly ModelConfig[],
  path = "/srv/models.yaml",
) {
  const file = await read(text, path);
  return await formatConfigFile(path, change(file.models), { text, file }, rules);
}

describe("any models", () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom("a", "é", "😀", '"', "'", "\\", "\n", "\t", "#", ":", " ", "{", "\x01"), fc.string()),
  });
  const word = fc.oneof(
    text,
    fc.constantFrom("__proto__", "constructor", "toString", "null", "true", "7", "1e3", "~", "<<", "- a", "models"),
  );
  const version = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const policy: fc.Arbitrary<VersionPolicy> = fc.oneof(
    fc.integer({ min: 1, max: 2 ** 32 - 1 }).map((count) => ({ kind: "latest", count }) as const),
    fc.constant({ kind: "all" } as const),
    fc.array(version, { maxLength: 4 }).map((versions) => ({ kind: "specific", versions }) as const),
  );
  const labels = fc.uniqueArray(fc.tuple(word, version), { selector: ([label]) => label, maxLength: 3 });
  const weight = fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true });
  const model = fc
    .record({
      name: word.filter((name) => name !== ""),
      basePath: text.map((path) => `/${path}`),
      platform: fc.constantFrom(undefined, "onnx", "tensorflow"),
      versionPolicy: policy,
      labels,
      weights: fc.array(weight, { maxLength: 3 }),
      logging: fc.option(
        fc.record(
          {
            samplingRate: fc.double({ min: 0, max: 1, noNaN: true }),
            filenamePrefix: fc.constantFrom("/logs/a", "/logs/b c"),
            format: fc.constantFrom("tfrecord" as const, "jsonl" as const),
          },
          { noNullPrototype: true },
        ),
        { nil: undefined },
      ),
    })
    .map(
      ({ platform, labels: names, weights, logging, ...rest }): ModelConfig => ({
        ...rest,
        ...(platform !== undefined && { platform }),
        ...(logging !== undefined && { logging }),
        labels: new Map(names),
        trafficSplit: new Map(names.slice(0, weights.length).map(([label], index) => [label, weights[index]!])),
      }),
    );
  const models = fc.uniqueArray(model, { selector: ({ name }) => name, maxLength: 4 });

  test.each(["models.yaml", "models.json"])("written to a new %s read back as they were", async (path) => {
    await fc.assert(
      fc.asyncProperty(models, async (list) => {
        const written = await formatConfigFile(`/srv/${path}`, list, undefined, rules);
        expect((await read(written, `/srv/${path}`)).models).toEqual(list);
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ["a list in YAML", "models: []\n", "models.yaml"],
    ["a mapping in YAML", "models: {}\n", "models.yaml"],
    ["a list in JSON", '{"models": []}', "models.json"],
    ["a mapping in JSON", '{"models": {}}', "models.json"],
    ["Simple TensorFlow Serving's JSON", '{"model_config_list": []}', "models.json"],
  ])("written to %s, and changed there, read back as they were", async (_, empty, name) => {
    const path = `/srv/${name}`;
    const sorted = (list: readonly ModelConfig[]) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    await fc.assert(
      fc.asyncProperty(models, models, async (first, second) => {
        const once = await rewrite(empty, () => first, path);
        expect(sorted((await read(once, path)).models)).toEqual(sorted(first));
        const mixed = [...second, ...first.filter(({ name: other }) => !second.some((model) => model.name === other)).slice(1)];
        const twice = await rewrite(once, () => mixed, path);
        expect(sorted((await read(twice, path)).models)).toEqual(sorted(mixed));
      }),
      { numRuns: 15 },
    );
  });

  test("written to text format read back as they were, as far as it has words for them", async () => {
    const sayable = models.map((list) =>
      list.map((each) => ({
        ...each,
        platform: each.platform ?? "onnx",
        trafficSplit: NO_TRAFFIC_SPLIT,
      })),
    );
    await fc.assert(
      fc.asyncProperty(sayable, async (list) => {
        const written = await formatConfigFile("/srv/models.config", list, undefined, rules);
        expect((await read(written, "/srv/models.config")).models).toEqual(list);
      }),
      { numRuns: 30 },
    );
  });
});

test("a name of blanks and a line's end is written to YAML so that it reads back", async () => {
  const models = [plain(" \n", "/m")];
  expect((await read(await rewrite("models: []\n", () => models))).models).toEqual(models);
});

describe("a YAML file", () => {
  const text = `# what we serve
models:
  # flowers
  - name: iris # Fisher's
    base_path: ./iris
    labels: {stable: 1}   # moved by hand

  # handwriting
  - name: digits
    base_path: /srv/digits
`;

  test("that means these models stays as it is", async () => {
    expect(await rewrite(text, (models) => models.toReversed())).toBe(text);
  });

  test("keeps comments and paths of what did not change", async () => {
    const written = await rewrite(text, ([iris, digits]) => [
      iris!,
      { ...digits!, versionPolicy: { kind: "all" } },
      plain("new"),
    ]);
    expect(written).toBe(
      text
        .replace("   # moved", " # moved")
        .replace("/srv/digits\n", "/srv/digits\n    version_policy: all\n  - name: new\n    base_path: /new\n"),
    );
  });

  test("keeps the comments of a model of which a part changed", async () => {
    const written = await rewrite(text, ([iris, digits]) => [{ ...iris!, labels: new Map([["stable", 2n]]) }, digits!]);
    expect(written).toContain("# flowers\n  - name: iris # Fisher's\n    base_path: ./iris\n    labels:\n      stable: 2");
    expect(written).toContain("  # handwriting\n  - name: digits\n");
  });

  test("loses a model with its comment, and keeps the others'", async () => {
    const written = await rewrite(text, ([, digits]) => [digits!]);
    expect(written).toContain("  # handwriting\n  - name: digits\n");
    expect(written).not.toContain("iris");
  });

  test("is written anew where a model that others refer to goes away", async () => {
    const aliased = "models:\n  - &a {name: a, base_path: /a, labels: &l {x: 1}}\n  - {name: b, base_path: /b, labels: *l}\n";
    expect(await rewrite(aliased, ([, b]) => [b!])).toBe("models:\n  - name: b\n    base_path: /b\n    labels:\n      x: 1\n");
  });
});

test("a JSON file keeps what it says of a model that is not ours", async () => {
  const text = `{
  "model_config_list": [
    {"name": "m", "base_path": "./m", "platform": "pytorch_onnx", "session_config": {"allow_growth": true}},
    {"name": "n", "base_path": "/n"}
  ]
}
`;
  const written = await rewrite(text, ([m]) => [{ ...m!, labels: new Map([["a", 9007199254740993n]]) }], "/srv/models.json");
  expect(written).toBe(`{
  "model_config_list": [
    {
      "name": "m",
      "base_path": "./m",
      "platform": "pytorch_onnx",
      "session_config": {
        "allow_growth": true
      },
      "labels": {
        "a": 9007199254740993
      }
    }
  ]
}
`);
});

describe("a text-format file", () => {
  const text = '# ours\n\nmodel_config_list { config { name: "m" base_path: "/m" model_platform: "onnx" } } # end\n';

  test("keeps the comment at its head", async () => {
    const written = await rewrite(text, ([m]) => [{ ...m!, versionPolicy: { kind: "all" } }], "/srv/models.config");
    expect(written).toBe(
      '# ours\n\nmodel_config_list {\n  config {\n    name: "m"\n    base_path: "/m"\n    model_platform: "onnx"\n    model_version_policy { all {} }\n  }\n}\n',
    );
  });

  test.each<[string, Partial<ModelConfig>, string]>([
    ["without a platform", {}, "model n without a platform"],
    [
      "with a traffic split",
      { platform: "onnx", labels: new Map([["a", 1n]]), trafficSplit: new Map([["a", 1]]) },
      "model n with a traffic_split",
    ],
  ])("has no words for a model %s", async (_, more, message) => {
    await expect(rewrite(text, (models) => [...models, { ...plain("n"), ...more }], "/srv/models.config")).rejects.toMatchObject({
      code: "failed-precondition",
      message: expect.stringContaining(message),
    });
  });
});
