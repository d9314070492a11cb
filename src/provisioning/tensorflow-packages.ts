import { ServingError } from "../base/serving-error.ts";
import { type Machine, platformName } from "./machine.ts";

/** Where an archive comes from. */
export interface PackageSource {
  readonly client: "pip" | "Maven";
  /** TensorFlow's version that comes from there. */
  readonly version: string;
  /** What the client is asked for: `tensorflow-cpu==2.18.1`, `group:artifact:version:jar:classifier`. */
  readonly coordinates: string;
  /** How messages name it: `tensorflow-cpu 2.18.1`. */
  readonly label: string;
  /** Platforms whose wheels will do, in pip's words. */
  readonly platforms: readonly string[];
  /** Size of the archive, where it is known beforehand. */
  readonly bytes?: number;
}

/** What is installed when no version is asked for. */
export const DEFAULT_VERSION = "2.18.1";

/** The first TensorFlow whose library has C++ and C in one, `libtensorflow_cc`. */
const OLDEST = [2, 12] as const;

interface Build {
  readonly wheel: string;
  readonly platforms: readonly string[];
  /** The first version whose wheel is no empty one that asks for others. */
  readonly oldestWheel: readonly [number, number];
  readonly classifier: string;
}

/** What there is for each platform, as `pip download` and Maven gave it out for 2.18. */
const BUILDS: ReadonlyMap<string, Build> = new Map<string, Build>([
  [
    "linux-x64",
    {
      wheel: "tensorflow-cpu",
      platforms: ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
      oldestWheel: OLDEST,
      classifier: "linux-x86_64",
    },
  ],
  [
    "linux-arm64",
    {
      wheel: "tensorflow",
      platforms: ["manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"],
      oldestWheel: [2, 16],
      classifier: "linux-arm64",
    },
  ],
  ["darwin-arm64", { wheel: "tensorflow", platforms: ["macosx_12_0_arm64"], oldestWheel: [2, 16], classifier: "macosx-arm64" }],
]);

const JAR_GROUP = "org.tensorflow";
const JAR = "tensorflow-core-native";
const GPU_WHEEL = "tensorflow";

/** TensorFlow's version in each `org.tensorflow:tensorflow-core-native`, the one installed by default first. */
const JARS: ReadonlyMap<string, string> = new Map([
  ["2.18.0", "1.1.0"],
  ["2.16.2", "1.0.0"],
]);

/** Sizes of archives, in bytes, by what is asked for and the platform. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["tensorflow-cpu 2.18.1 linux-x64", 230_236_181],
  ["tensorflow 2.18.1 linux-arm64", 231_937_898],
  ["tensorflow 2.18.1 darwin-arm64", 239_549_037],
  ["tensorflow-core-native 1.1.0 linux-x64", 160_591_394],
  ["tensorflow-core-native 1.1.0 linux-arm64", 157_318_633],
  ["tensorflow-core-native 1.1.0 darwin-arm64", 133_459_427],
  ["tensorflow-core-native 1.0.0 linux-x64", 148_786_453],
]);

/** Whether a version is one that can be served with. */
export function isUsableVersion(version: string): boolean {
  return !isOlder(version, OLDEST);
}

/** TensorFlow's versions that are there for Maven. */
export function jarVersions(): readonly string[] {
  return [...JARS.keys()];
}

/**
 * Where a version, or the default, comes from on this machine, the better source first; `gpu` for the build that uses CUDA.
 * @throws ServingError invalid-argument for what is no version or too old, failed-precondition where there is no build
 */
export function packageSources(machine: Machine, version: string | undefined, gpu: boolean): PackageSource[] {
  if (version !== undefined && !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new ServingError("invalid-argument", `"${version}" is no version of TensorFlow; one looks like ${DEFAULT_VERSION}`);
  }
  const platform = platformName(machine);
  const build = BUILDS.get(platform);
  if (machine.musl || build === undefined || (gpu && platform !== "linux-x64")) {
    const where = machine.musl ? `${platform} without glibc` : platform;
    const what = gpu ? "TensorFlow for GPUs" : "TensorFlow";
    throw new ServingError(
      "failed-precondition",
      `${what} has no build for ${where}; if you have one, name it with --tensorflow_library`,
    );
  }
  const oldest = version === undefined || JARS.has(version) ? OLDEST : build.oldestWheel;
  if (version !== undefined && isOlder(version, oldest)) {
    throw new ServingError(
      "invalid-argument",
      `TensorFlow ${version} is too old for here; ${oldest.join(".")} or later is needed`,
    );
  }
  return [
    ...wheelSources(build, platform, version ?? DEFAULT_VERSION, gpu),
    ...(gpu ? [] : jarSources(build, platform, version)),
  ];
}

/** A wheel that TensorFlow's own asks for, from the same platforms: `nvidia-cudnn-cu12==9.3.0.75`. */
export function companionSource({ platforms, version }: PackageSource, requirement: string): PackageSource {
  return { client: "pip", version, coordinates: requirement, label: requirement.replace("==", " "), platforms };
}

function wheelSources({ wheel, platforms }: Build, platform: string, version: string, gpu: boolean): PackageSource[] {
  const name = gpu ? GPU_WHEEL : wheel;
  const label = `${name} ${version}`;
  return [{ client: "pip", version, coordinates: `${name}==${version}`, label, platforms, ...sizeOf(label, platform) }];
}

function jarSources({ classifier }: Build, platform: string, asked: string | undefined): PackageSource[] {
  const version = asked ?? jarVersions()[0]!;
  const jar = JARS.get(version);
  if (jar === undefined) return [];
  const label = `${JAR} ${jar}`;
  const coordinates = `${JAR_GROUP}:${JAR}:${jar}:jar:${classifier}`;
  return [{ client: "Maven", version, coordinates, label, platforms: [], ...sizeOf(label, platform) }];
}

function sizeOf(label: string, platform: string): Pick<PackageSource, "bytes"> {
  const bytes = SIZES.get(`${label} ${platform}`);
  return bytes === undefined ? {} : { bytes };
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return !(Number(first) > major || (Number(first) === major && Number(second) >= minor));
}
