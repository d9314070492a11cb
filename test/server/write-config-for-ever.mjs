// Writes the model config file it is given again and again, longer and shorter, and a byte to standard output after each.
import { writeSync } from "node:fs";
import { replaceFile } from "../../dist/control/replace-file.js";

for (let turn = 0; ; turn++) {
  const models = Array.from({ length: 1 + ((turn * 37) % 100) }, (_, index) => `  m${index}: {base_path: /models/${index}}\n`);
  await replaceFile(process.argv[2], `models:\n${models.join("")}`, "the config file");
  writeSync(1, ".");
}
