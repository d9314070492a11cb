import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientSource } from "../../src/clients/client-target.ts";
import { pythonWith } from "./python.ts";

/** How a program in a language is run here. */
export interface Toolchain {
  readonly language: string;
  /** Commands that it takes; any that is missing is why a test is skipped. */
  readonly commands: readonly string[];
  /** Checks that succeed where libraries are installed: a command line each. */
  readonly libraries?: readonly (readonly string[])[];
  /** True for one that takes many seconds: run only with MODELPORT_ALL_CLIENTS. */
  readonly slow?: boolean;
  /** Command lines in the program's folder, of which the last one is the program. `file` is its name. */
  readonly steps: (file: string) => readonly (readonly string[])[];
  /** Files that the program needs beside it. */
  readonly files?: Readonly<Record<string, string>>;
}

const ROOT = new URL("../../", import.meta.url).pathname;

/** Versions of the crates that a program names in its head. */
const CARGO = `[package]
name = "client"
version = "0.0.0"
edition = "2021"
[[bin]]
name = "client"
path = "main.rs"
[dependencies]
ureq = "3"
base64 = "0.22"
[workspace]
`;

const TSC = ["--target", "es2022", "--module", "nodenext", "--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];

/** Toolchains for the programs that speak REST. */
export const REST_TOOLCHAINS: readonly Toolchain[] = [
  { language: "bash", commands: ["bash", "curl"], steps: (file) => [["bash", file]] },
  { language: "python", commands: ["python3"], steps: (file) => [["python3", file]] },
  { language: "javascript", commands: ["node"], steps: (file) => [["node", file]] },
  {
    language: "typescript",
    commands: ["node"],
    files: { "package.json": '{"type": "module"}' },
    steps: (file) => [
      ["node", join(ROOT, "node_modules/typescript/bin/tsc"), "--strict", ...TSC, file],
      ["node", file.replace(".ts", ".js")],
    ],
  },
  { language: "go", commands: ["go"], steps: (file) => [["go", "run", file]] },
  { language: "java", commands: ["java", "javac"], steps: (file) => [["java", file]] },
  {
    language: "kotlin",
    commands: ["kotlinc", "java"],
    slow: true,
    steps: (file) => [
      ["kotlinc", file, "-include-runtime", "-d", "client.jar"],
      ["java", "-jar", "client.jar"],
    ],
  },
  {
    language: "scala",
    commands: ["scalac", "java"],
    slow: true,
    // The scala command of 2.11 has no java.net.http on its class path.
    steps: (file) => [
      ["scalac", file],
      ["sh", "-c", 'java -cp ".:$(dirname "$(readlink -f "$(command -v scalac)")")/../lib/*" Client'],
    ],
  },
  {
    language: "csharp",
    commands: ["mcs", "mono"],
    steps: (file) => [
      ["mcs", "-r:System.Net.Http.dll", "-out:client.exe", file],
      ["mono", "client.exe"],
    ],
  },
  {
    language: "cpp",
    commands: ["g++"],
    libraries: [["sh", "-c", "echo '#include <curl/curl.h>' | g++ -fsyntax-only -x c++ -"]],
    steps: (file) => [["g++", "-std=c++17", "-Wall", "-Werror", file, "-lcurl", "-o", "client"], ["./client"]],
  },
  {
    language: "rust",
    commands: ["cargo"],
    slow: true,
    files: { "Cargo.toml": CARGO },
    steps: () => [["cargo", "build", "--quiet"], ["target/debug/client"]],
  },
  { language: "ruby", commands: ["ruby"], steps: (file) => [["ruby", "-w", file]] },
  { language: "php", commands: ["php"], steps: (file) => [["php", file]] },
  { language: "perl", commands: ["perl"], steps: (file) => [["perl", file]] },
  {
    language: "r",
    commands: ["Rscript"],
    libraries: [["Rscript", "-e", "library(httr)"]],
    steps: (file) => [["Rscript", file]],
  },
  { language: "swift", commands: ["swiftc"], slow: true, steps: (file) => [["swiftc", file, "-o", "client"], ["./client"]] },
  {
    language: "lua",
    commands: ["lua"],
    libraries: [["lua", "-e", "require('socket.http')"]],
    steps: (file) => [["lua", file]],
  },
  { language: "erlang", commands: ["escript"], steps: (file) => [["escript", file]] },
  {
    language: "haskell",
    commands: ["runghc"],
    libraries: [["ghc-pkg", "describe", "http-conduit"]],
    steps: (file) => [["runghc", file]],
  },
  { language: "julia", commands: ["julia"], slow: true, steps: (file) => [["julia", file]] },
  { language: "powershell", commands: ["pwsh"], steps: (file) => [["pwsh", "-NoProfile", "-File", file]] },
];

/** The modules that a program in Go takes for gRPC, in the versions that another test's client has. */
const GO_MODULES = join(ROOT, "test/conformance/go-client");

/** A Python with grpcio. */
const PYTHON = pythonWith("grpc") ?? "python3";

/** A folder of the libraries that the program in Java names. */
const JARS = process.env.MODELPORT_GRPC_JARS ?? "";

/** Toolchains for the programs that speak gRPC. */
export const GRPC_TOOLCHAINS: readonly Toolchain[] = [
  { language: "bash", commands: ["bash", "grpcurl"], steps: (file) => [["bash", file]] },
  {
    language: "python",
    commands: [PYTHON],
    libraries: [[PYTHON, "-c", "import grpc, google.protobuf.message_factory as f; f.GetMessageClass"]],
    steps: (file) => [[PYTHON, file]],
  },
  {
    language: "javascript",
    commands: ["node"],
    steps: (file) => [
      ["ln", "-s", join(ROOT, "node_modules"), "node_modules"],
      ["node", file],
    ],
  },
  {
    language: "typescript",
    commands: ["node"],
    files: { "package.json": '{"type": "module"}' },
    steps: (file) => [
      ["ln", "-s", join(ROOT, "node_modules"), "node_modules"],
      ["node", join(ROOT, "node_modules/typescript/bin/tsc"), "--strict", "--skipLibCheck", ...TSC, file],
      ["node", file.replace(".ts", ".js")],
    ],
  },
  {
    language: "go",
    commands: ["go"],
    libraries: [["go", "-C", GO_MODULES, "mod", "download"]],
    steps: (file) => [
      ["cp", join(GO_MODULES, "go.mod"), join(GO_MODULES, "go.sum"), "."],
      ["go", "run", "-mod=readonly", file],
    ],
  },
  {
    language: "java",
    commands: ["java", "javac"],
    libraries: [["sh", "-c", 'ls "$1"/grpc-stub*.jar', "MODELPORT_GRPC_JARS", JARS]],
    steps: (file) => [["java", "-cp", `${JARS}/*`, file]],
  },
];

/** Why programs of the toolchain cannot be run here; undefined when they can. */
export function missing({ commands, libraries = [], slow }: Toolchain): string | undefined {
  const absent = commands.find((command) => spawnSync("sh", ["-c", `command -v ${command}`]).status !== 0);
  if (absent !== undefined) return `${absent} is not installed`;
  if (slow && !process.env.MODELPORT_ALL_CLIENTS) return "slow: run with MODELPORT_ALL_CLIENTS=1";
  const library = libraries.find(([command, ...args]) => spawnSync(command, args).status !== 0);
  return library && `a library is not installed: ${library.at(-1)}`;
}

/** What became of a program. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in `folder`, which must be empty. A step that fails is the outcome. */
export function runClient(
  toolchain: Toolchain,
  source: ClientSource,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Outcome {
  writeFileSync(join(folder, source.fileName), source.text);
  for (const [name, text] of Object.entries(toolchain.files ?? {})) writeFileSync(join(folder, name), text);
  let outcome: Outcome = { status: 0, stdout: "", stderr: "" };
  for (const [command, ...args] of toolchain.steps(source.fileName)) {
    outcome = spawnSync(command, args, {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, ...environment },
      timeout: 120_000,
    });
    if (outcome.status !== 0) return outcome;
  }
  return outcome;
}
