// Writes the tables of operators into the READMEs of the platforms that translate them, from the code after a build. With --check it writes
// nothing and fails when one differs. Platforms whose README has no place for a table are passed over.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "..");
const [BEGIN, END] = ["<!-- begin operators -->", "<!-- end operators -->"];

/** The columns of a platform's table, and its rows of as many texts. */
const TABLES = [
  {
    platform: "mxnet",
    module: "operators.js",
    columns: ["operator", "also called", "notes"],
    rows: namedRows,
  },
  {
    platform: "caffe2",
    module: "operators.js",
    columns: ["operator", "notes"],
    rows: ({ OPERATORS }) => [...OPERATORS].map(([name, { note = "" }]) => [code(name), note]),
  },
  {
    platform: "pytorch",
    module: "operators.js",
    columns: ["operation", "also called", "notes"],
    rows: namedRows,
  },
  {
    platform: "cntk",
    module: "functions.js",
    columns: ["number", "function", "notes"],
    rows: ({ FUNCTIONS }) => FUNCTIONS.map(({ number, name, note }) => [String(number), code(name), note]),
  },
];

for (const { platform, module, columns, rows } of TABLES) {
  const built = join(root, "dist/platforms", platform, module);
  if (!existsSync(built)) fail("the server is not built: run `npm run build` first");
  const name = `src/platforms/${platform}/README.md`;
  const file = join(root, name);
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) continue;
  const table = tableOf(columns, rows(await import(pathToFileURL(built).href)));
  const written = `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`;
  if (!process.argv.includes("--check")) {
    writeFileSync(file, written);
    console.log(`${name} written`);
  } else if (written === text) {
    console.log(`${name} is up to date`);
  } else {
    fail(
      `${name} does not list the operators that there are: run \`node scripts/write-operator-tables.mjs\` and commit the result`,
    );
  }
}

/** A row for each entry: its first name, the others, its note. */
function namedRows({ OPERATORS }) {
  return OPERATORS.map(({ names: [name, ...others], note }) => [code(name), others.map(code).join(" "), note]);
}

function tableOf(columns, rows) {
  const cells = [columns, columns.map(() => ""), ...rows];
  const widths = columns.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const line = (row, fill) => `| ${row.map((cell, i) => cell.padEnd(widths[i], fill)).join(" | ")} |`;
  return cells.map((row, i) => line(row, i === 1 ? "-" : " ")).join("\n");
}

function code(text) {
  return `\`${text}\``;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
