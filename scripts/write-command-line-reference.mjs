// Writes docs/reference/command-line.md from the table of flags. With --check it writes nothing and fails when the page differs.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "..");
const flags = join(root, "dist/config/flags.js");
const page = join(root, "docs/reference/command-line.md");

/** What the last column says for each way a flag is taken, and what that means. */
const TAKES = {
  yes: ["taken", "it does what its meaning says"],
  map: ["mapped", "accepted; another mechanism does what is meant"],
  ignore: ["ignored", "accepted without effect; when it is written, the log says so once (`flag_ignored`)"],
  refuse: ["refused", "ends the start when it is set to anything but its default, because ignoring it would be wrong"],
  later: ["not yet", "like `refused`, as far as this version goes"],
};

/** The first flag that TensorFlow Serving does not have. */
const FIRST_OWN_FLAG = "host";

const HEAD = `# Command line

Written by \`scripts/write-command-line-reference.mjs\` from the table in \`src/config/flags.ts\`; change that, not this page.

    modelport [serve] [flags] [paths...]
    modelport inspect [flags] <paths...>
    modelport check-config [--model_config_list_root_dir=FOLDER] FILE
    modelport client [--language=LANGUAGE] [--protocol=PROTOCOL] NAME

\`serve\` is what happens when no command is named. \`inspect\` loads the models that \`serve\` would, prints the table that \`serve\` would
print, and ends: exit code 0 when all could be loaded, else 1. In this repository \`npm start -- ARGUMENTS\` does the same as
\`modelport ARGUMENTS\`, from the project's folder.

\`check-config\` reads a [model config file](model-config.md) as \`serve\` would and prints its models: exit code 0, or 2 when the file cannot
be used. It loads nothing, and base paths need not be there.

\`client\` prints a program that asks a model; its flags are in [Generated clients](generated-clients.md).

- A value is written \`--NAME=VALUE\` or \`--NAME VALUE\`. The last one of a name counts.
- A boolean is written \`--NAME\`, \`--NAME=true\` or \`--NAME=false\`; \`1\` and \`0\` do as well.
- Dashes do as well as underscores: \`--rest-api-port\`.
- A list is separated by commas.
- What follows \`--\` is taken for paths.
- An unknown flag or a malformed value ends the start with exit code 2.

Say what to serve in one way: paths, \`--model_base_path\`, or \`--model_config_file\` (which wins over \`--model_base_path\`). When none
is given, the environment variables MODEL_NAME and MODEL_BASE_PATH mean what they mean to TensorFlow Serving's Docker image: the model
\`MODEL_NAME\` (default \`model\`) in the folder \`MODEL_NAME\` below \`MODEL_BASE_PATH\` (default \`/models\`).

The last column says what modelport makes of a flag.
`;

const EXIT_CODES = [
  ["code", "when"],
  [
    "0",
    "the server was stopped by SIGTERM or SIGINT; `inspect` could load all; `check-config` could read the file; `--help`, `--version`",
  ],
  ["1", "the start went wrong (a port in use, say); `inspect` could not load all; a second signal while stopping"],
  ["2", "what was asked for cannot be: an unknown flag, a malformed value or config, nothing to serve, a missing path"],
];

if (!existsSync(flags)) fail("the server is not built: run `npm run build` first");
const { FLAGS } = await import(pathToFileURL(flags).href);
const own = FLAGS.findIndex((flag) => flag.name === FIRST_OWN_FLAG);
if (own < 0) fail(`there is no flag ${FIRST_OWN_FLAG}: say in this script which one is the first that TensorFlow Serving lacks`);

const columns = ["flag", "type", "default", "meaning", "modelport"];
const text = [
  HEAD,
  table([["word", "meaning"], ...Object.values(TAKES).map(([word, meaning]) => [`\`${word}\``, meaning])]),
  `## TensorFlow Serving's flags\n\n${table([columns, ...FLAGS.slice(0, own).map(row)])}`,
  `## Flags of modelport's own\n\n${table([columns, ...FLAGS.slice(own).map(row)])}`,
  `## Exit codes\n\n${table(EXIT_CODES)}`,
].join("\n");

if (!process.argv.includes("--check")) {
  writeFileSync(page, text);
  console.log(`docs/reference/command-line.md: ${FLAGS.length} flags written`);
} else if (!existsSync(page) || readFileSync(page, "utf8") !== text) {
  fail("docs/reference/command-line.md differs from src/config/flags.ts: run `node scripts/write-command-line-reference.mjs`");
} else {
  console.log(`docs/reference/command-line.md: ${FLAGS.length} flags are up to date`);
}

/** Rows, the heading first, as a table whose columns are aligned. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |\n`;
  const [heading, ...body] = rows.map(line);
  return [heading, line(widths.map((width) => "-".repeat(width))), ...body].join("");
}

function row({ name, kind, choices, default: fallback, help, take }) {
  if (!(take in TAKES)) fail(`--${name} is taken as "${take}", which this script has no word for`);
  const type = choices === undefined ? kind : choices.join(", ");
  return [`\`--${name}\``, type, written(fallback), help.replaceAll("|", "\\|"), TAKES[take][0]];
}

/** A default as it would be written; a flag without one takes it from the machine or from other flags. */
function written(fallback) {
  if (fallback === undefined) return "by the machine";
  return fallback === "" ? "empty" : `\`${fallback}\``;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
