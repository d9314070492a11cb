import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { temporaryFolders } from "../../base/test-folders.ts";
import { type ZipMember, zip } from "../../base/zip/test-zip.ts";
import { ZipArchive } from "../../base/zip/zip-archive.ts";
import { pt2Platform } from "./pt2-platform.ts";

const { signal } = new AbortController();
const MLP = new URL("../../../test/fixtures/pytorch/mlp_pt2/model.pt2", import.meta.url).pathname;
const folder = temporaryFolders();

/** The members of the fixture, of which the program may be changed. */
async function members(change: (program: Program) => void = () => undefined): Promise<ZipMember[]> {
  const archive = await ZipArchive.open(MLP);
  return await Promise.all(
    archive.entries.map(async (entry) => {
      const content = await archive.read(entry, signal);
      if (!entry.name.endsWith("models/model.json")) return { name: entry.name, content, stored: true };
      const program = JSON.parse(content.toString()) as Program;
      change(program);
      return { name: entry.name, content: JSON.stringify(program), stored: true };
    }),
  );
}

interface Program {
  schema_version: { major: number };
  graph_module: {
    graph: {
      nodes: { target: string; inputs: { name: string; arg: object; kind: number }[] }[];
      tensor_values: Record<string, { dtype: number }>;
    };
    signature: { input_specs: object[]; output_specs: object[] };
  };
}

/** The first node's weight, as what an operation in place changes. */
function weightOf({ nodes }: Program["graph_module"]["graph"]): object {
  return { ...nodes[0]!.inputs.find(({ name }) => name === "weight"), name: "self" };
}

function written(content: ZipMember[] | Buffer, name = "model.pt2"): string {
  const file = join(folder(), name);
  writeFileSync(file, Buffer.isBuffer(content) ? content : zip(content));
  return file;
}

const faultOf = async (file: string) => {
  const reason: unknown = await pt2Platform.read(file, signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(reason instanceof ServingError)) throw new Error(`no ServingError: ${String(reason)}`);
  return reason;
};

describe("a program of torch.export is found", () => {
  test("by its content, whatever it is called", async () => {
    const place = folder();
    for (const name of ["net.pt2", "net.pt", "net.pth"]) cpSync(MLP, join(place, name));
    for (const name of ["net.pt2", "net.pt", "net.pth"]) {
      expect(await pt2Platform.detect(join(place, name))).toEqual({ why: "is a program of torch.export" });
    }
    expect((await faultOf(place)).message).toContain("there are several programs of torch.export (net.pt, net.pt2, net.pth)");
  });

  test("in a folder", async () => {
    const place = join(folder(), "1");
    mkdirSync(place);
    cpSync(MLP, join(place, "model.pt2"));
    expect(await pt2Platform.detect(place)).toEqual({ why: "holds model.pt2, a program of torch.export" });
    expect(await pt2Platform.read(place, signal)).toMatchObject({ runtime: "onnxruntime", source: "model.pt2" });
  });

  test("not in other archives", async () => {
    expect(await pt2Platform.detect(written([{ name: "m/data.pkl", content: "x" }], "weights.pt"))).toBeUndefined();
    expect(await pt2Platform.detect(join(folder(), "none.pt2"))).toBeUndefined();
  });
});

describe("what is not covered is named", () => {
  test.each<[string, (program: Program) => void, string]>([
    [
      "an operation",
      ({ graph_module: { graph } }) => void Object.assign(graph.nodes[0]!, { target: "torch.ops.aten.erfinv.default" }),
      'model.pt2: torch.ops.aten.erfinv.default "linear": this operation is not covered',
    ],
    [
      "an operation of another library",
      ({ graph_module: { graph } }) => void Object.assign(graph.nodes[0]!, { target: "torch.ops.quantized.linear.default" }),
      "this operation is not covered",
    ],
    [
      "an argument",
      ({ graph_module: { graph } }) => void graph.nodes[0]!.inputs.push({ name: "turbo", arg: { as_int: 3 }, kind: 2 }),
      "its argument turbo is not covered",
    ],
    [
      "a version",
      ({ schema_version }) => void Object.assign(schema_version, { major: 9 }),
      "it is in version 9 of torch.export's format",
    ],
    [
      "a buffer that changes",
      ({ graph_module: { signature } }) =>
        void signature.output_specs.unshift({ buffer_mutation: { arg: { name: "x" }, buffer_name: "steps" } }),
      'a call changes its buffer "steps"',
    ],
    [
      "a weight that changes in place",
      ({ graph_module: { graph } }) =>
        void Object.assign(graph.nodes[0]!, { target: "torch.ops.aten.relu_.default", inputs: [weightOf(graph)] }),
      "a call changes its buffer",
    ],
    [
      "an input that is no tensor",
      ({ graph_module: { signature } }) => void signature.input_specs.push({ user_input: { arg: { as_int: 3 } } }),
      "it has an input that is no tensor (as_int)",
    ],
  ])("%s", async (_, change, message) => {
    const { code, message: text } = await faultOf(written(await members(change)));
    expect({ code, text }).toEqual({ code: "unimplemented", text: expect.stringContaining(message) as string });
  });
});

describe("what is damaged is named", () => {
  test("a weight that reaches beyond its file", async () => {
    const all = await members();
    const weight = all.find(({ name }) => name.endsWith("weights/weight_0"))!;
    const cut = all.map((each) => (each === weight ? { ...each, content: Buffer.from(each.content).subarray(0, 8) } : each));
    expect(await faultOf(written(cut))).toMatchObject({
      code: "data-loss",
      message: expect.stringContaining("reaches beyond its file") as string,
    });
  });

  test("a weight that claims to repeat a number more often than memory allows", async () => {
    const all = (await members()).map((each) => {
      if (!each.name.endsWith("weights_config.json")) return each;
      const config = JSON.parse(each.content.toString()) as { config: Record<string, { tensor_meta: object }> };
      const [first] = Object.values(config.config);
      const [size, stride] = [{ as_int: 65_536 }, { as_int: 0 }];
      Object.assign(first!.tensor_meta, { sizes: [size, size], strides: [stride, stride] });
      return { ...each, content: JSON.stringify(config) };
    });
    expect(await faultOf(written(all))).toMatchObject({
      code: "unimplemented",
      message: expect.stringContaining("repeats its numbers to 4294967296") as string,
    });
  });

  test("numbers that no dimension can have", async () => {
    const all = await members(({ graph_module: { graph } }) => {
      const { inputs } = graph.nodes[0]!;
      const self = { ...inputs.find(({ name }) => name === "input")!, name: "self" };
      const [shifts, dims] = [{ as_floats: [0.5] }, { as_ints: [0] }];
      const more = Object.entries({ shifts, dims }).map(([name, arg]) => ({ name, arg, kind: 1 }));
      Object.assign(graph.nodes[0]!, { target: "torch.ops.aten.roll.default", inputs: [self, ...more] });
    });
    expect(await faultOf(written(all))).toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("its numbers cannot be right") as string,
    });
  });

  test("a program of millions of NaN, without taking minutes", async () => {
    const all = (await members()).map((each) =>
      each.name.endsWith("models/model.json") ? { ...each, content: `[${"NaN,".repeat(200_000)}0]` } : each,
    );
    expect((await faultOf(written(all))).message).toContain("more than 100000 numbers that are none");
  });

  test.each(["weights/model_weights_config.json", "weights/weight_0"])("without %s", async (name) => {
    const some = (await members()).filter((each) => !each.name.endsWith(name));
    expect((await faultOf(written(some))).message).toContain("model.pt2");
  });

  test("a file that is cut off or has other bytes, at 200 places each", async () => {
    const whole = readFileSync(MLP);
    const place = folder();
    for (let i = 0; i < 200; i++) {
      const at = Math.floor((whole.length * i) / 200);
      writeFileSync(join(place, "model.pt2"), whole.subarray(0, at));
      expect((await faultOf(join(place, "model.pt2"))).message, `cut at ${at}`).toMatch(/model\.pt2|there is no program/);
      const other = Buffer.from(whole);
      other[at]! ^= 0xff;
      writeFileSync(join(place, "model.pt2"), other);
      const reason: unknown = await pt2Platform.read(join(place, "model.pt2"), signal).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (reason !== undefined)
        expect((reason as ServingError).message, `changed at ${at}`).toMatch(/model\.pt2|there is no program/);
    }
  });
});
