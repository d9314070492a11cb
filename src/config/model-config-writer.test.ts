import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configObject } from "./config-value.ts";
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
      batching: fc.constantFrom(
        undefined,
        {},
        { maxBatchSize: 4, batchTimeoutMicros: 0, allowedBatchSizes: [2, 4] },
        { maxEnqueuedBatches: 0, enableLargeBatchSplitting: true, maxExecutionBatchSize: 8, padVariableLengthInputs: false },
      ),
      tensorflow: fc.constantFrom(
        {},
        { tensorflow: { tags: [], sessionTarget: "grpc://h:1" } },
        { tensorflow: { customOpPaths: ["/ops, one", "/b"], tags: ["serve"] } },
        {
          tensorflow: { sessionConfig: Uint8Array.of(0x0a, 5, 0x0a, 1, 0x61, 0x10, 1, 0x32, 2, 0x20, 0) },
          sessionConfig: configObject([
            ["device_count", configObject([["a", 1]])],
            ["allow_growth", false],
          ]),
        },
      ),
    })
    .map(
      ({ platform, labels: names, weights, logging, batching, tensorflow, ...rest }): ModelConfig => ({
        ...rest,
        ...tensorflow,
        ...(batching !== undefined && { batching }),
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
      list
        .filter(({ batching, tensorflow }) => batching === undefined && tensorflow === undefined)
        .map((each) => ({ ...each, platform: each.platform ?? "onnx", trafficSplit: NO_TRAFFIC_SPLIT })),
    );
    await fc.assert(
      fc.asyncProperty(sayable, async (list) => {
        const written = await formatConfigFile("/srv/models.config", list, undefined, rules);
        expect((await read(written, "/srv/models.config")).models).toEqual(list);
      }),
      { numRuns: 30 },
    );
    await fc.assert(
      fc.asyncProperty(sayable, sayable, async (first, second) => {
        const once = await rewrite("model_config_list {}", () => first, "/srv/models.config");
        const mixed = [...first.filter(({ name }) => !second.some((model) => model.name === name)).slice(1), ...second];
        const twice = await rewrite(once, () => mixed, "/srv/models.config");
        const byName = (list: readonly ModelConfig[]) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
        expect(byName((await read(twice, "/srv/models.config")).models)).toEqual(byName(mixed));
      }),
      { numRuns: 15 },
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
  const path = "/srv/models.config";
  /** The second model says more than the server keeps of it. */
  const text = `# ours

model_config_list: {
  # flowers
  config: {
    name: "iris"  # Fisher's
    base_path: "/iris"
    model_type: TENSORFLOW
    logging_config {
      log_collector_config { type: "json" filename_prefix: "/logs/iris" }
      sampling_config {
        sampling_rate: 0.5
        per_task_sampling_configs { dc: "nowhere" sampling_rate: 0.25 }
      }
    }
  },
  # handwriting
  config < name: 'digits'; base_path: '/digits'; model_platform: "onnx", model_version_policy: { latest {} } >;
  config { name: "last" base_path: "/last" model_platform: "onnx" } # end of the list
} # end
`;

  test("keeps every letter of what did not change", async () => {
    const written = await rewrite(
      text,
      ([iris, digits, last]) => [
        iris!,
        { ...digits!, versionPolicy: { kind: "all" } },
        last!,
        { ...plain("new"), platform: "onnx" },
      ],
      path,
    );
    expect(written).toBe(
      text
        .replace(
          /config < .*;/,
          'config {\n    name: "digits"\n    base_path: "/digits"\n    model_platform: "onnx"\n    model_version_policy { all {} }\n  };',
        )
        .replace("} # end\n", '  config {\n    name: "new"\n    base_path: "/new"\n    model_platform: "onnx"\n  }\n} # end\n'),
    );
  });

  test("keeps what a logging_config says besides when another part of its model changed", async () => {
    const written = await rewrite(
      text,
      ([iris, ...others]) => [{ ...iris!, labels: new Map([["stable", 1n]]) }, ...others],
      path,
    );
    expect(written).toContain('version_labels { key: "stable" value: 1 }');
    expect(written).toContain('dc: "nowhere" sampling_rate: 0.25');
  });

  test("loses a model with its lines, and nothing else", async () => {
    expect(await rewrite(text, ([iris, , last]) => [iris!, last!], path)).toBe(text.replace(/ {2}config < .*;\n/, ""));
    expect(await rewrite(text, ([iris, digits]) => [iris!, digits!], path)).toBe(
      text.replace('config { name: "last" base_path: "/last" model_platform: "onnx" } # end', " # end").replace("   #", "   #"),
    );
  });

  test("keeps its line ends and its byte order mark", async () => {
    const windows = `\ufeff${text.replaceAll("\n", "\r\n")}`;
    const written = await rewrite(windows, (models) => [...models, { ...plain("new"), platform: "onnx" }], path);
    expect(written.startsWith(windows.slice(0, windows.indexOf("} # end\r")))).toBe(true);
    expect(written.replaceAll("\r\n", "")).not.toContain("\n");
  });

  test.each([
    ["first", 0],
    ["second", 1],
    ["last", 2],
  ])("whose models are in brackets loses the %s one, and the others stay as they are written", async (_, index) => {
    const entries = ["a", "b", "c"].map((name) => `{ name: "${name}" base_path: "/${name}" model_type: TENSORFLOW }`);
    const list = `model_config_list { config: [ ${entries.join(", ")} ] }`;
    const written = await rewrite(list, (models) => models.toSpliced(index, 1), path);
    for (const [at, entry] of entries.entries()) expect(written.includes(entry)).toBe(at !== index);
  });

  test("on one line takes a model more, and one that is empty takes its first", async () => {
    const first = '{ name: "m" base_path: "/m" model_platform: "onnx" }';
    for (const before of [`model_config_list { config ${first} }`, "model_config_list {}", "model_config_list <>"]) {
      const written = await rewrite(before, (models) => [...models, { ...plain("new"), platform: "onnx" }], path);
      expect((await read(written, path)).models.at(-1)).toEqual({ ...plain("new"), platform: "onnx" });
    }
  });

  test.each<[string, Partial<ModelConfig>, string]>([
    ["without a platform", {}, "model n without a platform"],
    [
      "with a traffic split",
      { platform: "onnx", labels: new Map([["a", 1n]]), trafficSplit: new Map([["a", 1]]) },
      "model n with a traffic_split",
    ],
    ["with batching", { platform: "onnx", batching: {} }, "model n with batching"],
    [
      "with options of TensorFlow",
      { platform: "tensorflow", tensorflow: { tags: ["serve"] } },
      "model n with options of TensorFlow",
    ],
  ])("has no words for a model %s", async (_, more, message) => {
    await expect(rewrite(text, (models) => [...models, { ...plain("n"), ...more }], path)).rejects.toMatchObject({
      code: "failed-precondition",
      message: expect.stringContaining(message),
    });
  });
});

test.each([
  ["models.yaml", "# ours\r\nmodels:\r\n  # first\r\n  - name: a\r\n    base_path: /a # here\r\n"],
  ["models.json", '\ufeff{\r\n  "models": [\r\n    {"name": "a", "base_path": "/a"}\r\n  ]\r\n}\r\n'],
])("a file %s of Windows keeps its line ends and comments", async (name, text) => {
  const written = await rewrite(text, (models) => [...models, plain("b")], `/srv/${name}`);
  expect(written.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  expect(written.startsWith("\ufeff")).toBe(text.startsWith("\ufeff"));
  if (name === "models.yaml") expect(written.startsWith(text)).toBe(true);
});

test("a YAML file that is written anew keeps what it says of a model that is not ours", async () => {
  const text =
    "model_config_list:\n  - &a {name: a, base_path: ./a, version_policy: &p {latest: 2}, session_config: {allow_growth: true}}\n" +
    "  - {name: b, base_path: ./b, version_policy: *p, custom_op_paths: ./ops}\n";
  const written = await rewrite(text, ([, b]) => [b!, plain("c")]);
  expect(written).toContain("custom_op_paths: ./ops");
  expect(written).toContain("base_path: ./b");
});
