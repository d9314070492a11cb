import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { mxnetPlatform } from "../../src/platforms/mxnet/mxnet-platform.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { type FrameworkCase, loadProgram, worstDifference } from "../support/run-program.ts";

const TOLERANCE = 1e-5;
/** Of the 16-bit floats that the answers are. */
const HALF_TOLERANCE = 5e-3;
const { signal } = new AbortController();
const newFolder = temporaryFolders();

/** Models of others that are no part of the project. */
const SHARED = new URL("../../../shared/fixtures/mxnet/", import.meta.url).pathname;

const OWN = readdirSync(fixture("mxnet")).filter((name) => existsSync(fixture("mxnet", name, "golden.json")));
const OTHERS = ["real_mtcnn_det1", "real_mtcnn_det2"];

function casesOf(folder: string): FrameworkCase[] {
  return JSON.parse(readFileSync(join(folder, "golden.json"), "utf8")) as FrameworkCase[];
}

test.each(OWN)("%s answers as MXNet did", async (name) => {
  const folder = fixture("mxnet", name);
  expect(await worstDifference(await mxnetPlatform.read(folder, signal), casesOf(folder))).toBeLessThan(TOLERANCE);
});

test.skipIf(!existsSync(SHARED)).each(OTHERS)("%s, which lies beside the project, answers as MXNet did", async (name) => {
  const folder = join(SHARED, name);
  expect(await worstDifference(await mxnetPlatform.read(folder, signal), casesOf(folder))).toBeLessThan(TOLERANCE);
});

interface PackedModel {
  readonly name: string;
  readonly symbol: object;
  /** In base64. */
  readonly params: string;
  readonly signature: object | null;
  readonly cases: readonly FrameworkCase[];
}

const PACKED = JSON.parse(readFileSync(fixture("mxnet", "operators", "operators.json"), "utf8")) as PackedModel[];

describe("operators give what they do in MXNet", () => {
  const kinds = new Map<string, PackedModel[]>();
  for (const model of PACKED) {
    const kind = model.name.replace(/_\d+$/, "");
    kinds.set(kind, [...(kinds.get(kind) ?? []), model]);
  }

  test.each([...kinds])("%s", async (_kind, models) => {
    for (const { name, symbol, params, signature, cases } of models) {
      const folder = newFolder();
      writeFileSync(join(folder, "m-symbol.json"), JSON.stringify(symbol));
      writeFileSync(join(folder, "m-0001.params"), Buffer.from(params, "base64"));
      if (signature !== null) writeFileSync(join(folder, "m-signature.json"), JSON.stringify(signature));
      const limit = name.startsWith("float16") ? HALF_TOLERANCE : TOLERANCE;
      expect(await worstDifference(await mxnetPlatform.read(folder, signal), cases), name).toBeLessThan(limit);
    }
  });
});

interface Document {
  nodes: { op: string; name: string; attrs?: Record<string, string>; inputs: [number, number, number?][] }[];
  heads: [number, number, number?][];
  attrs?: object;
}

/** Rewrites the graph of a fixture as an older version of MXNet wrote it. */
function rewritten(name: string, change: (document: Document) => object): string {
  const folder = newFolder();
  cpSync(fixture("mxnet", name), folder, { recursive: true });
  const file = join(folder, `${name}-symbol.json`);
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")) as Document)));
  return folder;
}

describe("files of older versions say the same", () => {
  test("with settings in attr", async () => {
    const folder = rewritten("convnet_module", ({ nodes, heads }) => ({
      nodes: nodes.map(({ attrs, ...rest }) => ({ ...rest, attr: attrs })),
      heads,
    }));
    expect(await worstDifference(await mxnetPlatform.read(folder, signal), casesOf(folder))).toBeLessThan(TOLERANCE);
  });

  test("of 0.8: settings in param, user's in attr, no moving mean and variance, inputs without a version", async () => {
    const folder = rewritten("convnet_module", ({ nodes, heads }) => {
      const short = (entries: [number, number, number?][]) => entries.map(([node, output]) => [node, output]);
      return {
        nodes: nodes.map(({ op, name, attrs, inputs }) => ({
          op,
          name,
          param: attrs ?? {},
          attr: { lr_mult: "2.0", anything: "else" },
          inputs: short(op === "BatchNorm" ? inputs.slice(0, 3) : inputs),
          backward_source_id: -1,
        })),
        heads: short(heads),
      };
    });
    expect(await worstDifference(await mxnetPlatform.read(folder, signal), casesOf(folder))).toBeLessThan(TOLERANCE);
  });

  test("an axis of -1 of argmax was all of them before 0.9.5", async () => {
    const graph = (version: number | undefined) => ({
      nodes: [
        { op: "null", name: "data", inputs: [] },
        { op: "argmax", name: "n", attrs: { axis: "-1" }, inputs: [[0, 0, 0]] },
      ],
      heads: [[1, 0, 0]],
      ...(version !== undefined && { attrs: { mxnet_version: ["int", version] } }),
    });
    const places = async (version: number | undefined) => {
      const folder = rewritten("mlp_module", () => graph(version));
      const loaded = await loadProgram(await mxnetPlatform.read(folder, signal));
      const data = { dtype: "float32", shape: [2, 3], data: Float32Array.of(0, 1, 0, 9, 0, 0) } as const;
      const answer = await loaded.run(new Map([["data", data]]), ["n_output"]);
      await loaded.close();
      return [...(answer.get("n_output")!.data as Float32Array)];
    };
    expect(await places(undefined)).toEqual([3]);
    expect(await places(904)).toEqual([3]);
    expect(await places(10901)).toEqual([1, 0]);
  });
});

describe("inputs are typed by what is done to them", () => {
  test.each([
    ["convnet_module", [["data", "float32", [-1, 3, -1, -1], "batch"]]],
    ["mlp_module", [["data", "float32", [-1, 4], "batch"]]],
  ] as const)("%s", async (name, inputs) => {
    const loaded = await loadProgram(await mxnetPlatform.read(fixture("mxnet", name), signal));
    const { signature } = loaded;
    await loaded.close();
    expect(signature.inputs.map(({ alias, dtype, shape, dimensionNames }) => [alias, dtype, shape, dimensionNames![0]])).toEqual(
      inputs,
    );
    expect(signature.outputs.map(({ alias, dimensionNames }) => [alias, dimensionNames![0]])).toEqual([
      ["softmax_output", "batch"],
    ]);
  });

  test("a signature file gives sizes, and leaves the batch free", async () => {
    const folder = rewritten("convnet_module", (document) => document);
    writeFileSync(
      join(folder, "convnet_module-signature.json"),
      JSON.stringify({ inputs: [{ data_name: "data", data_shape: [1, 3, 12, 12] }], outputs: [] }),
    );
    const program = await mxnetPlatform.read(folder, signal);
    const loaded = await loadProgram(program);
    const [input] = loaded.signature.inputs;
    await loaded.close();
    expect(input!.shape).toEqual([-1, 3, 12, 12]);
    expect(await worstDifference(program, casesOf(folder))).toBeLessThan(TOLERANCE);
  });
});

describe("a file that is cut off or changed is refused by name, or read", () => {
  const [symbol, params] = ["lstm_unrolled_module-symbol.json", "lstm_unrolled_module-0001.params"];
  const original = (file: string) => readFileSync(fixture("mxnet", "lstm_unrolled_module", file));

  async function refusalOf(file: string, bytes: Buffer): Promise<ServingError | undefined> {
    const folder = newFolder();
    cpSync(fixture("mxnet", "lstm_unrolled_module"), folder, { recursive: true });
    writeFileSync(join(folder, file), bytes);
    const reason: unknown = await mxnetPlatform.read(folder, signal).then(
      () => undefined,
      (refusal: unknown) => refusal,
    );
    if (reason !== undefined) expect(reason).toBeInstanceOf(ServingError);
    return reason as ServingError | undefined;
  }

  test.each([symbol, params])("%s at 200 places", async (file) => {
    const bytes = original(file);
    for (let i = 0; i < 200; i++) {
      const at = Math.floor((i * bytes.length) / 200);
      const cut = await refusalOf(file, bytes.subarray(0, at));
      // What does not begin like a graph is not looked at at all.
      if (at > 2 || file === params) expect(cut?.message, `cut at ${at}`).toContain(file);
      else expect(cut?.code).toBe("not-found");
      const changed = Buffer.from(bytes);
      changed[at] ^= 0x55;
      const refusal = await refusalOf(file, changed);
      if (refusal !== undefined && at > 2) expect(refusal.message).toMatch(/lstm_unrolled_module-(?:symbol\.json|0001\.params)/);
      if (refusal !== undefined) expect(["invalid-argument", "data-loss", "unimplemented", "not-found"]).toContain(refusal.code);
    }
  });
});

describe("what is not covered fails the load", () => {
  const node = (op: string, attrs: Record<string, string> = {}) => ({
    nodes: [
      { op: "null", name: "data", inputs: [] },
      { op, name: "some", attrs, inputs: [[0, 0, 0]] },
    ],
    heads: [[1, 0, 0]],
  });

  test.each([
    ["an operator", node("Custom", { op_type: "mine" }), 'mlp_module-symbol.json: Custom "some": this operator is not covered'],
    [
      "a kind of it",
      node("Activation", { act_type: "swish" }),
      'mlp_module-symbol.json: Activation "some": act_type is "swish", which is not covered (covered: relu, sigmoid, tanh, softrelu, softsign, log_sigmoid, mish)',
    ],
    [
      "a setting of it",
      node("relu", { slope: "0.1" }),
      'mlp_module-symbol.json: relu "some": its setting slope="0.1" is not known',
    ],
    [
      "what has to know a rank that nothing tells",
      node("SwapAxis", { dim1: "1", dim2: "2" }),
      'mlp_module-symbol.json: SwapAxis "some": it has to know how many dimensions its input has: name the graph\'s inputs with their shapes in a -signature.json file',
    ],
  ])("%s", async (_what, document, message) => {
    const folder = rewritten("mlp_module", () => document);
    await expect(mxnetPlatform.read(folder, signal)).rejects.toMatchObject({ code: "unimplemented", message });
  });

  test("but for what no output needs", async () => {
    const document = node("Custom");
    const folder = rewritten("mlp_module", () => ({
      nodes: [...document.nodes, { op: "relu", name: "other", inputs: [[0, 0, 0]] }],
      heads: [[2, 0, 0]],
    }));
    expect((await mxnetPlatform.read(folder, signal)).source).toBe("mlp_module-symbol.json");
  });

  test("a parameter that is not there", async () => {
    const folder = rewritten("mlp_module", (document) => ({
      ...document,
      nodes: document.nodes.map((each) => ({ ...each, name: each.name.replace("fc2_weight", "lost_weight") })),
    }));
    await expect(mxnetPlatform.read(folder, signal)).rejects.toMatchObject({
      code: "data-loss",
      message: 'mlp_module-0001.params has no array for "lost_weight"; export the model again',
    });
  });
});
