// `npm start` serves the example model; `npm start -- ARGUMENTS` runs modelport with those arguments. Needs only Node and npm.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, requireNode, root } from "./set-up.mjs";

requireNode();
ensureInstalled();
ensureBuilt();

const given = process.argv.slice(2);
const example = ["serve", join(root, "examples/digits/model"), "--model_name=digits"];
const main = join(root, "dist/cli/main.js");
process.argv = [process.execPath, main, ...(given.length > 0 ? given : example)];
await import(pathToFileURL(main).href);
