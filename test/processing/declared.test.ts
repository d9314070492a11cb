import { describe, expect, test } from "vitest";
import { parseProcessing } from "../../src/config/processing-document.ts";
import { planProcessing, vocabularyFiles } from "../../src/processing/plan-processing.ts";
import { PREDICT_METHOD, type Signatures, type TensorInfo } from "../../src/tensor/signature.ts";
import { packStrings } from "../../src/tensor/string-array.ts";

const info = (
  alias: string,
  dtype: TensorInfo["dtype"],
  shape: TensorInfo["shape"],
  more: Partial<TensorInfo> = {},
): TensorInfo => ({
  alias,
  name: `${alias}:0`,
  dtype,
  shape,
  ...more,
});

/** A classifier of small images, a model of two columns with an optional one, and one that says little of itself. */
const MODEL: Signatures = new Map([
  [
    "serving_default",
    {
      inputs: [info("x", "float32", [-1, 4, 4, 3], { dimensionNames: ["N"] })],
      outputs: [info("scores", "float32", [-1, 10]), info("kind", "int64", [-1])],
      methodName: "tensorflow/serving/classify",
      definition: Uint8Array.of(1),
    },
  ],
  [
    "pair",
    {
      inputs: [info("a", "float32", [-1, 2]), info("b", "int64", [-1]), info("rate", "float32", [], { optional: true })],
      outputs: [info("y", "float32", [-1, 1])],
      methodName: PREDICT_METHOD,
    },
  ],
  [
    "vague",
    { inputs: [info("x", "float32", undefined)], outputs: [info("y", "float32", undefined)], methodName: PREDICT_METHOD },
  ],
]);

function plan(text: string) {
  const declared = parseProcessing(text, "processing.yaml");
  const vocabularies = new Map([...vocabularyFiles(declared)].map((file) => [file, packStrings(["a", "b", "c"])]));
  return planProcessing({ ...declared, vocabularies }, MODEL);
}

/** A signature as a line for each side. */
function seen(name: string, text: string): { readonly inputs: readonly string[]; readonly outputs: readonly string[] } {
  const { inputs, outputs } = plan(text).signatures.get(name)!;
  const line = ({ alias, dtype, shape, optional }: TensorInfo) =>
    `${alias}${optional ? "?" : ""} ${dtype} [${shape?.join() ?? "*"}]`;
  return { inputs: inputs.map(line), outputs: outputs.map(line) };
}

describe("callers see what the steps make of the model's signature", () => {
  const cases: readonly [string, string, string, readonly string[], readonly string[]][] = [
    [
      "softmax and top_k",
      "postprocess:\n- softmax: {input: scores}\n- top_k: {input: scores, k: 3, labels: names, vocabulary: [a,b,c,d,e,f,g,h,i,j]}\noutputs: [names, values]",
      "serving_default",
      ["x float32 [-1,4,4,3]"],
      ["names string [-1,3]", "values float32 [-1,3]"],
    ],
    [
      "an input of another type",
      "inputs: {x: {dtype: uint8}}\npreprocess:\n- normalize: {scale: 1/255}",
      "serving_default",
      ["x uint8 [-1,4,4,3]"],
      ["scores float32 [-1,10]", "kind int64 [-1]"],
    ],
    [
      "an input of another name and shape",
      "inputs: {image: {dtype: uint8, shape: [-1, 3, 4, 4]}}\npreprocess:\n- layout: {to: NHWC}\n- cast: {to: float32, output: x}\noutputs: [kind]",
      "serving_default",
      ["image uint8 [-1,3,4,4]"],
      ["kind int64 [-1]"],
    ],
    [
      "columns with a default beside an input that stays",
      "signatures: {pair: {inputs: {p: {dtype: float64, shape: [-1]}, q: {dtype: int32, shape: [-1], default: 7}}, preprocess: [{concat: {inputs: [p, q], output: a, dtype: float32}}]}}",
      "pair",
      ["b int64 [-1]", "rate? float32 []", "p float64 [-1]", "q? int32 [-1]"],
      ["y float32 [-1,1]"],
    ],
    [
      "a constant that callers do not give",
      "signatures: {pair: {preprocess: [{constant: {output: b, value: 1}}]}}",
      "pair",
      ["a float32 [-1,2]", "rate? float32 []"],
      ["y float32 [-1,1]"],
    ],
    [
      "a signature of a new name",
      "signatures: {best: {from: serving_default, postprocess: [{argmax: {input: scores, output: best}}], outputs: [best]}}",
      "best",
      ["x float32 [-1,4,4,3]"],
      ["best int64 [-1]"],
    ],
    [
      "a model that says no shape, after a reshape",
      "signatures: {vague: {postprocess: [{reshape: {shape: [-1, 2, -1]}}, {softmax: }]}}",
      "vague",
      ["x float32 [*]"],
      ["y float32 [-1,2,-1]"],
    ],
    [
      "a renamed output",
      "postprocess: [{rename: {input: kind, output: class}}]",
      "serving_default",
      ["x float32 [-1,4,4,3]"],
      ["scores float32 [-1,10]", "class int64 [-1]"],
    ],
    [
      "an encoded image",
      "inputs: {file: {dtype: string, shape: [-1]}}\npreprocess: [{image: {height: 4, width: 4}}, {normalize: {output: x}}]",
      "serving_default",
      ["file string [-1]"],
      ["scores float32 [-1,10]", "kind int64 [-1]"],
    ],
  ];
  test.each(cases)("%s", (_, text, name, inputs, outputs) => {
    expect(seen(name, text)).toEqual({ inputs, outputs });
  });

  test("what was changed is a predict signature of no definition, the others stay as they are", () => {
    const { signatures, planned } = plan("outputs: [scores]");
    expect(signatures.get("serving_default")).toMatchObject({ methodName: PREDICT_METHOD });
    expect(signatures.get("serving_default")).not.toHaveProperty("definition");
    expect(signatures.get("pair")).toBe(MODEL.get("pair"));
    expect([...planned.keys()]).toEqual(["serving_default"]);
  });

  test("what is only given another name stays what it is, and so does what no step touches", () => {
    const { signatures } = plan("signatures: {again: {from: serving_default}}\npostprocess: [{softmax: {input: scores}}]");
    expect(signatures.get("again")).toMatchObject({ methodName: "tensorflow/serving/classify", definition: Uint8Array.of(1) });
    const { inputs, outputs } = signatures.get("serving_default")!;
    expect(inputs).toEqual(MODEL.get("serving_default")!.inputs);
    expect(outputs.map(({ name }) => name)).toEqual(["scores", "kind:0"]);
  });
});

describe("a file that is wrong says so, and where", () => {
  const post = (...steps: readonly string[]) => `postprocess: [${steps.join(", ")}]`;
  const pre = (...steps: readonly string[]) => `preprocess: [${steps.join(", ")}]`;
  const pair = (more: string) => `signatures: {pair: {${more}}}`;
  const cases: readonly [text: string, message: string][] = [
    ["", "processing.yaml:1:1: "],
    ["[]", "processing.yaml:1:1: the file: expected a mapping, got a list"],
    ["{}", "processing.yaml:1:1: it declares nothing: expected inputs, preprocess, postprocess, outputs or signatures"],
    ["preproces: []", 'processing.yaml:1:1: the file has no key "preproces" (did you mean preprocess?)'],
    [pre("{normalise: {}}"), 'processing.yaml:1:15: a step has no key "normalise" (did you mean normalize?)'],
    [pre("{normalize: {men: 0}}"), 'processing.yaml:1:27: normalize has no key "men" (did you mean mean?)'],
    [pre("{}"), "processing.yaml:1:14: preprocess[0]: expected one step, such as softmax: {}"],
    [post("{softmax: {axis: last}}"), 'processing.yaml:1:32: postprocess[0].softmax.axis: expected a number, got "last"'],
    [pre("{cast: {}}"), "processing.yaml:1:21: preprocess[0].cast.to is missing"],
    [pre("{cast: {to: string}}"), 'processing.yaml:1:26: preprocess[0].cast.to: expected "float32" or'],
    ["postprocess: !!set {a}", "processing.yaml:1:20: tags such as tag:yaml.org,2002:set are not taken"],
    ["outputs: [a]\nsignatures: {serving_default: {}}", "processing.yaml:2:14: serving_default is declared twice"],
    [
      "signatures: {new: {}}",
      'processing.yaml: signature "new": the model has no signature "new" (it has: serving_default, pair, vague)',
    ],
    [
      post("{softmax: }"),
      'processing.yaml: signature "serving_default": postprocess step 1 (softmax): input is missing: there are several tensors before it (scores, kind)',
    ],
    [
      post("{softmax: {input: score}}"),
      'processing.yaml: signature "serving_default": postprocess step 1 (softmax): there is no tensor "score" before it (there are: scores, kind)',
    ],
    [
      post("{rename: {input: kind, output: k}}", "{labels: {input: kind, vocabulary: v.txt}}"),
      'postprocess step 2 (labels): there is no tensor "kind" before it (there are: scores, k)',
    ],
    [
      post("{softmax: {input: scores, axis: 0}}"),
      "postprocess step 1 (softmax): axis 0 of [-1,10]: the entries of the first axis are the rows, which no step mixes",
    ],
    [post("{softmax: {input: scores, axis: 2}}"), "postprocess step 1 (softmax): axis 2 of [-1,10]: there is no such axis"],
    [post("{argmax: {input: kind}}"), "postprocess step 1 (argmax): axis -1 of [-1]: the entries of the first axis are the rows"],
    [post("{top_k: {input: scores, k: 11}}"), "postprocess step 1 (top_k): k is 11, and the last axis has 10 positions"],
    [
      post("{top_k: {input: scores, k: 1, vocabulary: v.txt}}"),
      'postprocess step 1 (top_k): v.txt has 3 entries, and the last axis of "scores" has 10 positions',
    ],
    [post("{top_k: {input: scores, k: 1, labels: l}}"), "postprocess step 1 (top_k): labels need a vocabulary"],
    [
      post("{top_k: {input: scores, k: 1, values: v, indices: v}}"),
      "postprocess step 1 (top_k): values, indices and labels need different names",
    ],
    [post("{labels: {input: scores, vocabulary: v.txt}}"), "postprocess step 1 (labels): it takes integers, not float32"],
    [
      post("{lookup: {input: scores, vocabulary: v.txt}}"),
      'postprocess step 1 (lookup): it takes strings, and "scores" is float32 [-1,10]',
    ],
    [
      post("{labels: {input: kind, vocabulary: v.txt}}", "{softmax: {input: kind}}"),
      "postprocess step 2 (softmax): it takes numbers, not string",
    ],
    ["outputs: [scores, scores]", 'signature "serving_default": outputs lists a tensor twice'],
    ["outputs: [nothing]", 'signature "serving_default": outputs: there is no tensor "nothing" (there are: scores, kind)'],
    [
      "inputs: {x: {dtype: uint8}}",
      `signature "serving_default": the model's input "x" is float32 [-1,4,4,3], and preprocess makes uint8 [-1,4,4,3] of it`,
    ],
    ["inputs: {y: {dtype: uint8}}", 'input "y": the model has no input of this name, so it needs dtype and shape'],
    ["inputs: {y: {dtype: uint8, shape: [-1]}}", 'input "y" is used by no step and not by the model'],
    ["inputs: {x: {default: [1, 2]}}", 'default of input "x": the value has 2 elements, and a row has 48'],
    ["inputs: {x: {default: yes}}", 'default of input "x": "yes" is no float32'],
    [pre("{rename: {output: y}}"), `the model's input "x" is missing after preprocess (there are: y)`],
    [pre("{reshape: {shape: [-1, 47]}}"), "preprocess step 1 (reshape): rows of [-1,4,4,3] do not have the elements of [-1,47]"],
    [pre("{reshape: {shape: [2, 48]}}"), "preprocess step 1 (reshape): the first size is that of the rows: write -1, not 2"],
    [pre("{reshape: {shape: [-1, -1, -1]}}"), "preprocess step 1 (reshape): more than one size besides the first is -1"],
    [
      pre("{reshape: {shape: [-1, 48]}}"),
      `the model's input "x" is float32 [-1,4,4,3], and preprocess makes float32 [-1,48] of it`,
    ],
    [
      pre("{transpose: {axes: [1, 0, 2, 3]}}"),
      "preprocess step 1 (transpose): the first axis, that of the rows, stays the first: axes begin with 0",
    ],
    [
      pre("{transpose: {axes: [0, 1, 1, 3]}}"),
      "preprocess step 1 (transpose): axes are each number from 0 to 3 once, got 0, 1, 1, 3",
    ],
    [pre("{transpose: {axes: [0, 1]}}"), 'preprocess step 1 (transpose): it takes 2 axes, and "x" is float32 [-1,4,4,3]'],
    [pre("{normalize: {mean: [1, 2]}}"), 'preprocess step 1 (normalize): mean has 2 numbers, and axis 3 of "x" has 3 positions'],
    [pre("{normalize: {std: [1, 0, 1]}}"), "preprocess step 1 (normalize): std must not be 0"],
    [pre("{normalize: {scale: 1/0}}"), "preprocess step 1 (normalize): scale divides by 0"],
    [pre("{min_max: {min: 1, max: 1}}"), "preprocess step 1 (min_max): each min must be below its max"],
    [pre("{clip: {}}"), "preprocess step 1 (clip): expected min, max, or both"],
    [pre("{clip: {min: 2, max: 1}}"), "preprocess step 1 (clip): min is 2, above max, 1"],
    [post("{clip: {input: kind, max: 1.5}}"), "postprocess step 1 (clip): max is 1.5, which int64 does not have"],
    [pre("{one_hot: {input: x, depth: 3}}"), "preprocess step 1 (one_hot): it takes integers, not float32"],
    [post("{one_hot: {input: kind}}"), "postprocess step 1 (one_hot): expected depth or vocabulary"],
    [
      pre("{constant: {output: z, value: 1}}"),
      `preprocess step 1 (constant): the model has no input "z" that would tell: expected dtype and shape`,
    ],
    [pre("{constant: {output: z, value: 300, dtype: uint8, shape: []}}"), "preprocess step 1 (constant): 300 is no uint8"],
    [
      pre("{constant: {output: z, value: 1, dtype: uint8, shape: [-1, -1]}}"),
      "preprocess step 1 (constant): only the first size of a constant may be -1, got [-1,-1]",
    ],
    [
      pair("preprocess: [{sigmoid: {input: rate}}]"),
      'signature "pair": preprocess step 1 (sigmoid): "rate" may be left out by callers: give it a default under inputs',
    ],
    [
      pair("preprocess: [{concat: {inputs: [a, b], output: c}}]"),
      "preprocess step 1 (concat): its inputs are float32 and int64: name the dtype that all become",
    ],
    [pair("postprocess: [{split: {outputs: [p, q]}}]"), 'postprocess step 1 (split): "y" has 1 columns, and the outputs take 2'],
    [
      pair("postprocess: [{split: {outputs: [p], sizes: [1, 2]}}]"),
      "postprocess step 1 (split): there are 2 sizes for 1 outputs",
    ],
    [
      "signatures: {vague: {postprocess: [{softmax: }]}}",
      "postprocess step 1 (softmax): it needs to know the shape of what it reads: put a reshape before it",
    ],
    [
      post("{lookup: {input: kind, vocabulary: [a, b, a]}}"),
      'postprocess step 1 (lookup): it takes strings, and "kind" is int64 [-1]',
    ],
    [
      "inputs: {t: {dtype: string, shape: [-1]}}\npreprocess: [{lookup: {input: t, output: x, vocabulary: [a, b, a]}}]",
      'preprocess step 1 (lookup): the vocabulary: "a" is there twice, as entries 0 and 2',
    ],
    [
      "inputs: {t: {dtype: string, shape: [-1]}}\npreprocess: [{lookup: {input: t, output: x, vocabulary: v.txt, unknown: -1, dtype: uint8}}]",
      "preprocess step 1 (lookup): unknown is -1, which uint8 does not have",
    ],
    [
      "inputs: {t: {dtype: string, shape: [-1, 2]}}\npreprocess: [{tokenize: {input: t, output: x, vocabulary: v.txt, unknown: 0, length: 3}}]",
      'preprocess step 1 (tokenize): it takes one text a row, and "t" is string [-1,2]',
    ],
    [pre("{image: {height: 4, width: 4}}"), 'preprocess step 1 (image): it takes strings [-1], and "x" is float32 [-1,4,4,3]'],
  ];
  test.each(cases)("%s", (text, message) => {
    let caught: unknown;
    try {
      plan(text);
    } catch (reason) {
      caught = reason;
    }
    expect(caught).toMatchObject({ name: "ServingError", code: "invalid-argument", message: expect.stringContaining(message) });
    expect((caught as Error).message).toMatch(/^processing\.yaml:/);
  });

  test("a default of one number fills a whole row", () => {
    expect(seen("serving_default", "inputs: {x: {default: 1.5}}").inputs).toEqual(["x? float32 [-1,4,4,3]"]);
  });
});
