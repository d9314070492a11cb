// `npm start` serves the example model, with what flags come after `--`; when those say what to serve, that is served instead.
// Needs only Node and npm.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, requireNode, root } from "./set-up.mjs";

requireNode();
ensureInstalled();
ensureBuilt();

const given = process.argv.slice(2);
const example = ["serve", join(root, "examples/digits/model"), "--model_name=digits"];
const main = join(root, "dist/cli/main.js");
const { normalizeArguments } = await import(pathToFileURL(join(root, "dist/config/command-line.js")).href);
const chooses = (argument) => !argument.startsWith("-") || /^--(model_base_path|model_config_file|version|help)\b/.test(argument);
const args = normalizeArguments(given).some(chooses) ? given : [...example, ...given];
process.argv = [process.execPath, main, ...args];
await import(pathToFileURL(main).href);
