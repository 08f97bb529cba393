// Reads a file of Terraform's language: `node hcl.mjs file.tf`. Prints it as JSON.
import { readFileSync } from "node:fs";
import { parse } from "@cdktf/hcl2json";

console.log(JSON.stringify(await parse(process.argv[2], readFileSync(process.argv[2], "utf8"))));
