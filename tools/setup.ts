/** The part of the set-up that needs Node 24: generated sources, the native helper, the bundles users start. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { buildBundles } from "./build.ts";
import { generate } from "./generate.ts";

const say = (text: string): void => void process.stderr.write(`wherry: ${text}\n`);

say("generating API types");
await generate();
if (process.platform === "linux" && existsSync("native/build.sh")) {
  say("compiling the native helper");
  execFileSync("sh", ["native/build.sh"], { stdio: ["ignore", "inherit", "inherit"] });
}
say("building");
await buildBundles();
