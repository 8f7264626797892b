/**
 * `npm test`: all checks, then all tests, and a last line `N passed, N failed`. Stages can be chosen by name:
 * checks, unit, root, e2e. A stage that fails does not keep the later ones from running.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { checkImports } from "./check-imports.ts";

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const total: Count = { passed: 0, failed: 0, skipped: 0 };
const chosen = new Set(process.argv.slice(2));
const wants = (stage: string): boolean => chosen.size === 0 || chosen.has(stage);
const started = performance.now();
const stamp = (): string => `[${((performance.now() - started) / 1000).toFixed(0)} s]`;

async function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const code = await new Promise<number>((resolve) => child.on("close", (status) => resolve(status ?? 1)));
  return { code, output };
}

async function check(name: string, work: () => Promise<string[]> | string[]): Promise<void> {
  const problems = await work();
  total[problems.length === 0 ? "passed" : "failed"]++;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${stamp()} ${name}`);
  for (const problem of problems) console.log(problem);
}

const tool = (name: string, args: string[]) => async (): Promise<string[]> => {
  const { code, output } = await run(process.execPath, [`node_modules/${name}`, ...args]);
  return code === 0 ? [] : [output.trim()];
};

/** Runs test files with Node's test runner and adds its closing figures. Concurrency suits the two cores of CI. */
async function tests(stage: string, files: string[], concurrency: number, timeoutMs: number): Promise<void> {
  if (files.length === 0) return;
  console.log(`---- ${stamp()} ${stage}: ${files.length} files`);
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      "--test",
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${timeoutMs}`,
      "--test-reporter=./tools/test-reporter.ts",
      "--test-reporter-destination=stdout",
      ...files,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let rest = "";
  let counted = false;
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const figures = /^#counts (\d+) (\d+) (\d+)$/.exec(line);
      if (!figures) {
        console.log(line);
        continue;
      }
      counted = true;
      total.passed += Number(figures[1]);
      total.failed += Number(figures[2]);
      total.skipped += Number(figures[3]);
    }
  });
  const code = await new Promise<number>((resolve) => child.on("close", (status) => resolve(status ?? 1)));
  if (!counted || (code !== 0 && total.failed === 0)) {
    console.log(`FAIL ${stage}: the test runner ended with ${code}`);
    total.failed++;
  }
}

if (wants("checks")) {
  await check("types", tool("typescript/bin/tsc", ["-p", "."]));
  await check("lint", tool("oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]));
  await check("format", tool("@biomejs/biome/bin/biome", ["format"]));
  await check("imports", checkImports);
}
const all = globSync(["src/**/*.test.ts", "tools/**/*.test.ts", "examples/**/*.test.ts"]).sort();
const isRoot = (file: string): boolean => file.endsWith(".root.test.ts");
if (wants("unit"))
  await tests(
    "unit",
    all.filter((file) => !isRoot(file)),
    2,
    120_000,
  );
if (wants("root")) await tests("root", all.filter(isRoot), 1, 180_000);
if (wants("e2e")) await tests("e2e", globSync("test/**/*.test.ts").sort(), 1, 600_000);

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${stamp()} done`);
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
