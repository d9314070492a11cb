import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../base/test-folders.ts";
import { ConfigProtoSchema } from "../gen/tensorflow/core/protobuf/config_pb.ts";
import { parseFlags } from "./command-line.ts";
import { serverTensorFlow } from "./server-tensorflow.ts";

const folder = temporaryFolders();

const resolved = (...argv: string[]) => serverTensorFlow(parseFlags(argv, {}).options.tensorflow);

function fileFlag(text: string): string {
  const file = join(folder(), "session.pbtxt");
  writeFileSync(file, text);
  return `--tensorflow_session_config_file=${file}`;
}

async function sessionConfig(...argv: string[]) {
  const { sessionConfig: bytes } = await resolved(...argv);
  return fromBinary(ConfigProtoSchema, bytes!);
}

test("without a flag graphs may run on other devices, and a GPU's memory is taken as it is needed", async () => {
  expect(Object.keys(await resolved())).toEqual(["tags", "sessionConfig"]);
  expect(await sessionConfig()).toMatchObject({ allowSoftPlacement: true, gpuOptions: { allowGrowth: true } });
});

test("a file says all of it: what it leaves out is TensorFlow's to choose", async () => {
  const config = await sessionConfig(fileFlag("intra_op_parallelism_threads: 2"));
  expect(config).toMatchObject({ allowSoftPlacement: false, intraOpParallelismThreads: 2 });
  expect(config.gpuOptions?.allowGrowth ?? false).toBe(false);
});

test("what is said to be false goes before the defaults", async () => {
  const json = '--session_config={"allow_growth": false, "allow_soft_placement": false}';
  expect(await sessionConfig(json)).toMatchObject({ allowSoftPlacement: false, gpuOptions: { allowGrowth: false } });
});

test("flags that are no part of a session config are kept beside it", async () => {
  const argv = ["--session_target=grpc://h:1", "--custom_op_paths=/a,/b", "--saved_model_tags=x"];
  expect(await resolved(...argv)).toMatchObject({ tags: ["x"], sessionTarget: "grpc://h:1", customOpPaths: ["/a", "/b"] });
});

describe("the session config", () => {
  const FILE = `intra_op_parallelism_threads: 1 inter_op_parallelism_threads: 2 allow_soft_placement: true
    gpu_options { per_process_gpu_memory_fraction: 0.125 visible_device_list: "1" }
    graph_options { rewrite_options { constant_folding: OFF } }`;
  const ofFile = {
    intraOpParallelismThreads: 1,
    interOpParallelismThreads: 2,
    allowSoftPlacement: true,
    gpuOptions: { perProcessGpuMemoryFraction: 0.125, visibleDeviceList: "1" },
    graphOptions: { rewriteOptions: { constantFolding: 2 } },
  };

  test.each<[string, readonly string[], object]>([
    ["the file says it", [], ofFile],
    [
      "a flag that is set goes before the file",
      ["--tensorflow_intra_op_parallelism=5", "--per_process_gpu_memory_fraction=0.5"],
      {
        ...ofFile,
        intraOpParallelismThreads: 5,
        gpuOptions: { perProcessGpuMemoryFraction: 0.5, visibleDeviceList: "1" },
      },
    ],
    [
      "JSON goes before both",
      [
        "--tensorflow_session_parallelism=5",
        '--session_config={"intra_op_parallelism_threads": 7, "allow_soft_placement": false}',
      ],
      { ...ofFile, intraOpParallelismThreads: 7, interOpParallelismThreads: 5, allowSoftPlacement: false },
    ],
  ])("of several: %s", async (_, argv, expected) => {
    expect(await sessionConfig(fileFlag(FILE), ...argv)).toMatchObject(expected);
  });

  test("of flags alone has what they say", async () => {
    expect(await sessionConfig("--tensorflow_session_parallelism=3")).toMatchObject({
      intraOpParallelismThreads: 3,
      interOpParallelismThreads: 3,
    });
    expect(await sessionConfig('--session_config={"allow_growth": true}')).toMatchObject({ gpuOptions: { allowGrowth: true } });
  });

  test.each([
    ["allow_soft_placement: maybe", "--tensorflow_session_config_file session.pbtxt: 1:23: "],
    [
      "\n no_such_field: 1",
      '--tensorflow_session_config_file session.pbtxt: 2:2: message tensorflow.ConfigProto has no field "no_such_field"',
    ],
  ])("in a file with %j is refused with its place", async (text, message) => {
    await expect(resolved(fileFlag(text))).rejects.toThrow(message);
  });

  test("in a file that is not there is refused by the file's name alone", async () => {
    await expect(resolved("--tensorflow_session_config_file=/nowhere/s.pbtxt")).rejects.toThrow(
      /^--tensorflow_session_config_file s\.pbtxt cannot be read$/,
    );
  });

  test.each([
    ["{", "--session_config: 1:2: "],
    ["3", "--session_config: 1:1: expected a mapping, got 3"],
    ['{"allow_grwth": true}', '--session_config: 1:2: session_config has no key "allow_grwth" (did you mean allow_growth?)'],
    ['{"gpu_options": {"allow_growth": 1}}', "--session_config: 1:34: gpu_options.allow_growth: expected true or false, got 1"],
  ])("in JSON %s is refused with its place", async (text, message) => {
    await expect(resolved(`--session_config=${text}`)).rejects.toThrow(message);
  });
});
