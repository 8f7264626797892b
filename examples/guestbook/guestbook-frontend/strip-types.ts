import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** Writes every source file as JavaScript into the folder that the command line names. */
const [target = "dist"] = process.argv.slice(2);
mkdirSync(target, { recursive: true });
for (const name of readdirSync(".")) {
  if (!name.endsWith(".ts") || name === "strip-types.ts") continue;
  const script = stripTypeScriptTypes(readFileSync(name, "utf8"));
  const imports = script.replace(/(from "\.\/[^"]+)\.ts"/g, '$1.mjs"');
  writeFileSync(`${target}/${name.replace(/\.ts$/, ".mjs")}`, imports);
}
