// Compiles src/codec/json/number-module to WebAssembly and writes it, in base64, to module-text.ts there. With --check it writes
// nothing and fails when the committed text is not what the source gives.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import asc from "assemblyscript/asc";

const folder = resolve(import.meta.dirname, "../src/codec/json/number-module");
const target = join(folder, "module-text.ts");

/** Powers of ten that the table holds: those by which a 19-digit number can become a finite double that is not 0. */
const FIRST_POWER = -342;
const LAST_POWER = 308;
/** The last power of ten that 128 bits hold exactly. */
const EXACT_POWER_LAST = 55;

const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--use", "abort=", "--memoryBase", "1024"];
/** 64 KiB each; what memory.as lays out fits. */
const PAGES = 18;

const text = sourceText(await compile());
if (!process.argv.includes("--check")) {
  writeFileSync(target, text);
  console.log(`number module: ${text.length} characters written`);
} else if (readOrEmpty(target) === text) console.log("number module: up to date");
else {
  console.error('module-text.ts is not what src/codec/json/number-module gives: run "node scripts/build-number-module.mjs"');
  process.exit(1);
}

async function compile() {
  let binary;
  let messages = "";
  const { error } = await asc.main(
    ["index.ts", "--outFile", "module.wasm", "--initialMemory", `${PAGES}`, "--maximumMemory", `${PAGES}`, ...OPTIONS],
    {
      readFile: (name) => moduleSource(name),
      writeFile: (name, contents) => {
        if (name === "module.wasm") binary = contents;
      },
      listFiles: () => [],
      stderr: {
        write: (text) => {
          messages += text;
        },
      },
    },
  );
  if (error !== null || binary === undefined) {
    console.error(messages);
    process.exit(1);
  }
  return binary;
}

/** The compiler asks for `.ts`; the sources are `.as` so that TypeScript leaves them alone. */
function moduleSource(name) {
  if (name === "tables.ts") return tables();
  const match = /^(\w+)\.ts$/.exec(name);
  return match === null ? null : readOrEmpty(join(folder, `${match[1]}.as`)) || null;
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return "";
    throw error;
  }
}

/** The tables' source. */
function tables() {
  const powers = [];
  for (let power = FIRST_POWER; power <= LAST_POWER; power++) {
    const mantissa = powerOfTen(power);
    powers.push(mantissa >> 64n, mantissa & (2n ** 64n - 1n));
  }
  const small = Array.from({ length: 20 }, (_, power) => 10n ** BigInt(power));
  const exact = Array.from({ length: 23 }, (_, power) => `1e${power}`);
  const toTheRight = Array.from({ length: 32 }, (_, i) => (i < 16 ? 0x80 : i - 16));
  const pointOut = [];
  for (let point = 0; point < 16; point++) for (let lane = 0; lane < 16; lane++) pointOut.push(lane < point ? lane : lane + 1);
  return [
    `export const FIRST_POWER: i32 = ${FIRST_POWER};`,
    `export const LAST_POWER: i32 = ${LAST_POWER};`,
    `export const EXACT_POWER_LAST: i32 = ${EXACT_POWER_LAST};`,
    `export const POWERS: usize = memory.data<u64>([${powers.join(",")}]);`,
    `export const SMALL_POWERS: usize = memory.data<u64>([${small.join(",")}]);`,
    `export const EXACT_POWERS: usize = memory.data<f64>([${exact.join(",")}]);`,
    `export const TO_THE_RIGHT: usize = memory.data<u8>([${toTheRight.join(",")}]);`,
    `export const POINT_OUT: usize = memory.data<u8>([${pointOut.join(",")}]);`,
    "",
  ].join("\n");
}

/** `10^power` as 128 bits with the highest set, rounded down. */
function powerOfTen(power) {
  const size = 10n ** BigInt(power < 0 ? -power : power);
  const bits = size.toString(2).length;
  if (power >= 0) return bits <= 128 ? size << BigInt(128 - bits) : size >> BigInt(bits - 128);
  const quotient = (1n << BigInt(bits + 128)) / size;
  return quotient >> BigInt(quotient.toString(2).length - 128);
}

function sourceText(binary) {
  const base64 = Buffer.from(binary).toString("base64");
  return [
    "// Written by scripts/build-number-module.mjs from the .as files beside it; do not edit.",
    "",
    "/** The compiled module in base64. */",
    "export const MODULE_TEXT =",
    `  "${base64}";`,
    "",
  ].join("\n");
}
