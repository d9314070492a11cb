import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shellWord } from "./languages/bash-literal.ts";
import { cppString } from "./languages/cpp.ts";
import { csharpString } from "./languages/csharp.ts";
import { erlangString } from "./languages/erlang.ts";
import { goString } from "./languages/go-literal.ts";
import { haskellString } from "./languages/haskell.ts";
import { javaString } from "./languages/java-literal.ts";
import { javascriptString } from "./languages/javascript-literal.ts";
import { juliaString } from "./languages/julia.ts";
import { kotlinString } from "./languages/kotlin.ts";
import { luaString } from "./languages/lua.ts";
import { perlString } from "./languages/perl.ts";
import { phpString } from "./languages/php.ts";
import { powershellString } from "./languages/powershell.ts";
import { pythonString } from "./languages/python-literal.ts";
import { rString } from "./languages/r.ts";
import { rubyString } from "./languages/ruby.ts";
import { rustString } from "./languages/rust.ts";
import { scalaString } from "./languages/scala.ts";
import { swiftString } from "./languages/swift.ts";

/** Texts without the character 0, which neither a shell nor R has. */
const TEXTS: readonly string[] = [
  "",
  "'\"`",
  "\\",
  "\\\\'\\\"",
  "$(exit 3)${x}$x#{x}#@x@x@{[x]}%s%%",
  "*/ // -- {- -} ?> ??/ ]]> <!--",
  "\n\r\t\u0001\u001b\u007f\u0085\u2028",
  "\\u0022\\n\\x41",
  "ö東\u{1f600}9",
  "\u00f67 \u00001 \u{1f600}a".replace("\0", "\u0002"),
  "\u2018\u2019\u201a\u201b",
];

interface Interpreter {
  readonly name: string;
  readonly literal: (text: string) => string;
  /** A command line that takes a program from standard input. */
  readonly command: readonly string[];
  /** A program that writes each literal and then the byte 255. */
  readonly program: (literals: readonly string[]) => string;
}

const INTERPRETERS: readonly Interpreter[] = [
  {
    name: "bash",
    literal: shellWord,
    command: ["bash"],
    program: (all) => all.map((each) => `printf '%s\\377' ${each}\n`).join(""),
  },
  {
    name: "python",
    literal: pythonString,
    command: ["python3"],
    program: (all) => `import sys\nfor text in [${all.join(",")}]: sys.stdout.buffer.write(text.encode() + b"\\xff")\n`,
  },
  {
    name: "javascript",
    literal: javascriptString,
    command: ["node", "-"],
    program: (all) =>
      `for (const text of [${all.join(",")}]) process.stdout.write(Buffer.concat([Buffer.from(text), Buffer.of(255)]));`,
  },
  {
    name: "ruby",
    literal: rubyString,
    command: ["ruby"],
    program: (all) => `$stdout.binmode\n[${all.join(",")}].each { |text| $stdout.write(text.b + "\\xff".b) }\n`,
  },
  {
    name: "php",
    literal: phpString,
    command: ["php"],
    program: (all) => `<?php\nforeach ([${all.join(",")}] as $text) echo $text, "\\xff";`,
  },
  {
    name: "perl",
    literal: perlString,
    command: ["perl"],
    program: (all) =>
      `binmode STDOUT;\nfor my $text (${all.join(",")}) { my $t = $text; utf8::encode($t); print $t, "\\xff"; }\n`,
  },
  {
    name: "lua",
    literal: luaString,
    command: ["lua", "-"],
    program: (all) => `for _, text in ipairs({${all.join(",")}}) do io.write(text, "\\255") end`,
  },
  {
    name: "r",
    literal: rString,
    command: ["Rscript", "-"],
    program: (all) =>
      `out <- pipe("cat", "wb")\nfor (text in c(${all.join(",\n")})) writeBin(c(charToRaw(enc2utf8(text)), as.raw(255)), out)\nclose(out)\n`,
  },
];

/** Reads what a program wrote. */
function written(output: Buffer): readonly string[] {
  const texts: string[] = [];
  for (let start = 0, end = output.indexOf(255); end >= 0; start = end + 1, end = output.indexOf(255, start)) {
    texts.push(output.toString("utf8", start, end));
  }
  return texts;
}

const installed = INTERPRETERS.filter(({ command }) => spawnSync("sh", ["-c", `command -v ${command[0]}`]).status === 0);

test.each(installed)("$name reads a literal as the text it is of", ({ literal, command: [file, ...args], program }) => {
  const unicode = fc.sample(fc.string({ unit: "binary", maxLength: 12 }), { numRuns: 200, seed: 7 });
  const units = fc.sample(fc.string({ unit: fc.constantFrom(...Array.from("\\'\"`$@#%{}()\n u0x;")), maxLength: 9 }), {
    numRuns: 200,
    seed: 7,
  });
  const texts = [...TEXTS, ...unicode.map((text) => text.replaceAll("\0", "")), ...units];
  const { stdout, stderr } = spawnSync(file, args, { input: program(texts.map(literal)) });
  expect(stderr.toString()).toBe("");
  expect(written(stdout)).toEqual(texts);
});

describe("literals of languages that are compiled", () => {
  const text = 'a"\\$#{x}\n\u0001ö😀1?';

  test.each<[string, (text: string) => string, string]>([
    ["go", goString, '"a\\"\\\\$#{x}\\u000a\\u0001\\u00f6\\U0001f6001?"'],
    ["java", javaString, '"a\\"\\\\$#{x}\\012\\001\\u00f6\\ud83d\\ude001?"'],
    ["kotlin", kotlinString, '"a\\"\\\\\\$#{x}\\u000a\\u0001\\u00f6\\ud83d\\ude001?"'],
    ["scala", scalaString, '"a\\"\\\\$#{x}\\n\\u0001\\u00f6\\ud83d\\ude001?"'],
    ["csharp", csharpString, '"a\\"\\\\$#{x}\\u000a\\u0001\\u00f6\\ud83d\\ude001?"'],
    ["cpp", cppString, '"a\\"\\\\$#{x}\\012\\001\\303\\266\\360\\237\\230\\2001\\?"'],
    ["rust", rustString, '"a\\"\\\\$#{x}\\u{a}\\u{1}\\u{f6}\\u{1f600}1?"'],
    ["swift", swiftString, '"a\\"\\\\$#{x}\\u{a}\\u{1}\\u{f6}\\u{1f600}1?"'],
    ["erlang", erlangString, '"a\\"\\\\$#{x}\\x{a}\\x{1}\\x{f6}\\x{1f600}1?"'],
    ["haskell", haskellString, '"a\\"\\\\$#{x}\\10\\&\\1\\&\\246\\&\\128512\\&1?"'],
    ["julia", juliaString, '"a\\"\\\\\\$#{x}\\u000a\\u0001\\u00f6\\U0001f6001?"'],
    ["powershell", powershellString, "'a\"\\$#{x}\n\u0001ö😀1?'"],
  ])("%s", (_language, literal, written) => expect(literal(text)).toBe(written));

  test("PowerShell takes typographic quotes for quotes", () => {
    expect(powershellString("'\u2018\u2019\u201a\u201b")).toBe("'''\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201b'");
  });

  test("half a surrogate pair becomes U+FFFD where texts are UTF-8", () => {
    expect(
      [goString, rustString, erlangString, haskellString, juliaString, phpString].map((literal) => literal("\ud800")),
    ).toEqual(['"\\ufffd"', '"\\u{fffd}"', '"\\x{fffd}"', '"\\65533\\&"', '"\\ufffd"', '"\\u{fffd}"']);
  });

  test("Go's raw strings hold neither a backquote nor a line end", () => {
    expect(goString('{"a": 1}')).toBe('`{"a": 1}`');
    expect(goString('"`')).toBe('"\\"`"');
    expect(goString('"\n')).toBe('"\\"\\u000a"');
  });
});
