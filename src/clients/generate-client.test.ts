import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { ClientAuthentication, ClientProtocol, ClientTarget } from "./client-target.ts";
import { CLIENT_LANGUAGES, generateClient } from "./generate-client.ts";

/** What ends a text, a line or a comment somewhere, three times over. */
const HOSTILE = "\"'`$(x)${x}#{x}%s*/-->\n\r\u2028@x\\\\u0022?>{-\u00f6".repeat(3);

function target(more: Partial<ClientTarget> = {}): ClientTarget {
  return {
    url: "http://127.0.0.1:8501",
    grpcAddress: "127.0.0.1:8500",
    grpcTls: false,
    authentication: "none",
    model: "m",
    signatureName: "serving_default",
    signature: { inputs: [{ alias: "x", name: "x", dtype: "float32", shape: [1] }], outputs: [], methodName: "" },
    example: '{"inputs": {"x": [0.5]}}',
    ...more,
  };
}

/** Every language with every protocol it has. */
const ALL = CLIENT_LANGUAGES.flatMap(({ name, protocols }) => protocols.map((protocol) => [name, protocol] as const));
const PROGRAMS = ALL.filter(([name]) => name !== "json");

test("languages have names of their own", () => {
  const names = CLIENT_LANGUAGES.flatMap(({ name, aliases }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["golang", "js", "c#", "c++"]));
});

test.each(CLIENT_LANGUAGES.flatMap(({ name, aliases }) => aliases.map((alias) => [alias, name])))("%s is %s", (alias, name) => {
  expect(generateClient(alias.toUpperCase(), "rest", target())).toEqual(generateClient(name, "rest", target()));
});

describe("what cannot be generated", () => {
  test.each<[string, ClientProtocol, Partial<ClientTarget>, string]>([
    ["cobol", "rest", {}, 'no client is generated in the language "cobol", languages are: bash, python,'],
    ["__proto__", "rest", {}, 'in the language "__proto__"'],
    ["lua", "grpc", {}, "no client in Lua speaks grpc, languages that do are: bash, python,"],
    ["bash", "rest", { url: "ftp://x" }, "must be like http://127.0.0.1:8501"],
    ["bash", "rest", { url: "http://a;b/" }, "must be like http://127.0.0.1:8501"],
    ["bash", "rest", { url: "http://u:p@host/" }, "must be like http://127.0.0.1:8501"],
    ["bash", "grpc", { grpcAddress: "$(x):1" }, "must be like 127.0.0.1:8500"],
    ["bash", "rest", { example: "{" }, "the example request is not JSON"],
  ])("%s %s", (language, protocol, more, message) => {
    const thrown = expect(() => generateClient(language, protocol, target(more)));
    thrown.toThrow(expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) as string }));
  });
});

describe.each(PROGRAMS)("a client in %s over %s", (language, protocol) => {
  const text = (more: Partial<ClientTarget> = {}) => generateClient(language, protocol, target(more)).text;

  test("is plain ASCII without what ends a line, a text or a comment, however things are named", () => {
    const example = JSON.stringify({ signature_name: HOSTILE, inputs: { [HOSTILE]: [HOSTILE] } });
    const inputs = [{ alias: HOSTILE, name: HOSTILE, dtype: "string", shape: [1] }] as const;
    const program = text({ model: HOSTILE, signatureName: HOSTILE, example, signature: { inputs, outputs: [], methodName: "" } });
    expect(program).toMatch(/^[ -~\t\n]*$/);
    // As long, so that it is laid out in as many lines.
    const plain = "p".repeat(100);
    const same = text({
      model: plain,
      signatureName: plain,
      example: JSON.stringify({ signature_name: plain, inputs: { [plain]: [plain] } }),
      signature: { inputs: [{ ...inputs[0], alias: plain }], outputs: [], methodName: "" },
    });
    expect(program.split("\n")).toHaveLength(same.split("\n").length);
  });

  test.each<[ClientAuthentication, RegExp, RegExp]>([
    ["none", /MODELPORT_(?:URL|GRPC)/, /MODELPORT_(?:USER|PASSWORD|TOKEN)|[Aa]uthorization/],
    ["basic", /MODELPORT_USER[\s\S]*MODELPORT_PASSWORD/, /MODELPORT_TOKEN|[Bb]earer/],
    ["bearer", /MODELPORT_TOKEN[\s\S]*Bearer|Bearer[\s\S]*MODELPORT_TOKEN/, /MODELPORT_(?:USER|PASSWORD)|Basic/],
  ])("asks for credentials when the server does: %s", (authentication, has, hasNot) => {
    const program = text({ authentication });
    expect(program).toMatch(has);
    expect(program).not.toMatch(hasNot);
  });

  test("names an authority only when the server speaks TLS", () => {
    const secured = text({ url: "https://localhost:8501", grpcTls: true });
    expect(text()).not.toMatch(/MODELPORT_CA|authority/);
    expect(secured === text()).toBe(false);
  });

  test("asks for the version it was generated for", () => {
    expect(text({ version: 7n })).toMatch(
      protocol === "rest" ? /\/versions\/7:predict/ : /\\*"version\\*": (?:\{\\*"value\\*": )?\\*"7\\*"/,
    );
  });

  test("repeats what would be too long to write", () => {
    const values = Array.from({ length: 40 }, () => Array<number>(80).fill(0.25));
    const program = text({ example: JSON.stringify({ inputs: { x: values } }) });
    expect(program.length).toBeLessThan(10_000);
    expect(program.split("0.25")).toHaveLength(2);
  });
});

test("the body alone is JSON", () => {
  expect(generateClient("json", "rest", target())).toEqual({
    fileName: "request.json",
    mediaType: "application/json",
    text: '{"inputs": {"x": [0.5]}}\n',
  });
});

/** Commands that read a program without running it. */
const CHECKS: readonly (readonly [language: string, protocol: ClientProtocol, command: string, ...args: string[]])[] = [
  ["bash", "rest", "bash", "-n"],
  ["bash", "grpc", "bash", "-n"],
  ["python", "rest", "python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())"],
  ["python", "grpc", "python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())"],
  ["javascript", "rest", "node", "--input-type=module", "--check"],
  ["javascript", "grpc", "node", "--input-type=module", "--check"],
  ["go", "rest", "gofmt", "-e", "-l"],
  ["go", "grpc", "gofmt", "-e", "-l"],
  ["ruby", "rest", "ruby", "-wc"],
  ["php", "rest", "php", "-l"],
  ["lua", "rest", "luac", "-p", "-"],
  ["r", "rest", "Rscript", "-e", "invisible(parse(file('stdin')))"],
];

/** Grammars of languages that are not run anywhere here: PyPI tree-sitter and its package of the language. */
const PYTHON = process.env.MODELPORT_STUBS_PYTHON ?? "python3";
const GRAMMAR = `import importlib, sys, tree_sitter
language = tree_sitter.Language(importlib.import_module("tree_sitter_" + sys.argv[1]).language())
sys.exit(tree_sitter.Parser(language).parse(sys.stdin.buffer.read()).root_node.has_error)`;

describe.each(["swift", "julia", "powershell"])("%s", (language) => {
  const check = (text: string) => spawnSync(PYTHON, ["-c", GRAMMAR, language], { input: text, encoding: "utf8" });
  const skipped = check("").stderr.includes("ModuleNotFoundError");

  test.skipIf(skipped)("is read by tree-sitter (skipped without PyPI tree-sitter and its grammar)", () => {
    expect(check("( [").status).toBe(1);
    const example = JSON.stringify({ inputs: { x: Array<number>(3000).fill(1), [HOSTILE]: [HOSTILE] } });
    for (const more of [{ authentication: "basic" }, { authentication: "bearer", url: "https://a:1", example }] as const) {
      const { status, stderr } = check(generateClient(language, "rest", target(more)).text);
      expect([status, stderr]).toEqual([0, ""]);
    }
  });
});

const installed = CHECKS.filter(([, , command]) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0);

const checks = installed.map(([language, protocol, command, ...args]) => ({ language, protocol, command, args }));

test.each(checks)("$language over $protocol is read by $command", ({ language, protocol, command, args }) => {
  for (const more of [{ authentication: "basic" }, { authentication: "bearer", url: "https://a:1", grpcTls: true }] as const) {
    const { text } = generateClient(language, protocol, target(more));
    const { status, stdout, stderr } = spawnSync(command, args, { input: text, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    // gofmt names what it would write otherwise.
    if (command === "gofmt") expect(stdout).toBe("");
  }
});
