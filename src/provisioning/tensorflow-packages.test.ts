import { expect, test } from "vitest";
import { cudaRequirements, keepOfCuda, keepOfJar, keepOfWheel } from "./archive-layout.ts";
import type { Machine } from "./machine.ts";
import { packageSources } from "./tensorflow-packages.ts";

const on = (platform: NodeJS.Platform, arch: string) => ({ platform, arch, musl: false }) as Machine;
const LINUX = on("linux", "x64");
const JAR = "org.tensorflow:tensorflow-core-native";

test.each([
  [LINUX, undefined, false, ["tensorflow-cpu==2.18.1", `${JAR}:1.1.0:jar:linux-x86_64`]],
  [on("linux", "arm64"), undefined, false, ["tensorflow==2.18.1", `${JAR}:1.1.0:jar:linux-arm64`]],
  [on("darwin", "arm64"), undefined, false, ["tensorflow==2.18.1", `${JAR}:1.1.0:jar:macosx-arm64`]],
  [LINUX, "2.16.2", false, ["tensorflow-cpu==2.16.2", `${JAR}:1.0.0:jar:linux-x86_64`]],
  [LINUX, "2.20.0", false, ["tensorflow-cpu==2.20.0"]],
  [LINUX, undefined, true, ["tensorflow==2.18.1"]],
])("there are packages for each machine and version (%#)", (machine, version, gpu, coordinates) => {
  expect(packageSources(machine, version, gpu).map((source) => source.coordinates)).toEqual(coordinates);
});

test("sizes are known of what is installed by default, and of no other build", () => {
  for (const machine of [LINUX, on("linux", "arm64"), on("darwin", "arm64")]) {
    for (const { bytes } of packageSources(machine, undefined, false)) expect(bytes).toBeGreaterThan(100e6);
  }
  expect(packageSources(LINUX, undefined, true)[0]!.bytes).toBeUndefined();
});

test("empty wheels of old versions are not asked for", () => {
  expect(() => packageSources(on("linux", "arm64"), "2.15.0", false)).toThrow("2.16 or later is needed");
  expect(packageSources(LINUX, "2.15.0", false)).toHaveLength(1);
});

test.each([
  [keepOfWheel, "tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_cc.so.2"],
  [keepOfWheel, "tensorflow/libtensorflow_framework.2.dylib", "tensorflow/libtensorflow_framework.2.dylib"],
  [keepOfWheel, "tensorflow.libs/libomp-6196b3b5.so.5", "tensorflow.libs/libomp-6196b3b5.so.5"],
  [keepOfWheel, "tensorflow/python/_pywrap_tensorflow_internal.so", undefined],
  [keepOfWheel, "tensorflow/include/libtensorflow_cc.so.2", undefined],
  [keepOfWheel, "tensorflow_cpu-2.18.1.dist-info/METADATA", undefined],
  [keepOfJar, "org/tensorflow/internal/c_api/linux-arm64/libtensorflow_cc.so.2", "tensorflow/libtensorflow_cc.so.2"],
  [keepOfJar, "org/tensorflow/internal/c_api/macosx-arm64/libtensorflow_cc.2.dylib", "tensorflow/libtensorflow_cc.2.dylib"],
  [keepOfJar, "org/tensorflow/internal/c_api/linux-arm64/libomp-6196b3b5.so.5", "tensorflow/libomp-6196b3b5.so.5"],
  [keepOfJar, "org/tensorflow/internal/c_api/linux-arm64/libjnitensorflow.so", undefined],
  [keepOfJar, "META-INF/MANIFEST.MF", undefined],
  [keepOfCuda, "nvidia/cudnn/lib/libcudnn.so.9", "nvidia/cudnn/lib/libcudnn.so.9"],
  [keepOfCuda, "nvidia/nccl/lib/libnccl.so", "nvidia/nccl/lib/libnccl.so"],
  [keepOfCuda, "nvidia/cuda_nvcc/bin/ptxas", undefined],
])("of an archive only libraries are kept (%#)", (keep, name, kept) => {
  expect(keep(name)).toBe(kept);
});

test.each([
  ["Requires-Dist: nvidia-cudnn-cu12 ==9.3.0.75 ; extra == 'and-cuda'", ["nvidia-cudnn-cu12==9.3.0.75"]],
  ['Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"', ["nvidia-cudnn-cu12<10.0,>=9.3.0.75"]],
  ["Requires-Dist: nvidia-nccl-cu12 (==2.21.5) ; extra == 'and-cuda'", ["nvidia-nccl-cu12==2.21.5"]],
  ["Requires-Dist: nvidia-nccl-cu12 @ https://a.b/c.whl ; extra == 'and-cuda'", []],
  ["Requires-Dist: nvidia-nccl-cu12 ==2.21.5", []],
  ["Requires-Dist: numpy <2.1.0 ; extra == 'and-cuda'", []],
])("the wheels of CUDA are taken out of metadata (%#)", (line, requirements) => {
  expect(cudaRequirements(`Name: tensorflow\n${line}\n\nthe description`)).toEqual(requirements);
});
