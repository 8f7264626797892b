/** A cluster for tests: its own name, data folder and kubeconfig, and nothing of it left at the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ok, type Result, run, type RunOptions } from "./command.ts";

export const repository = resolve(import.meta.dirname, "../..");
const launcher = join(repository, "wherry");

export const isRoot = process.platform === "linux" && process.getuid?.() === 0;

export class TestCluster {
  readonly name: string;
  readonly folder: string;
  readonly env: Record<string, string>;

  constructor(name: string) {
    this.name = name;
    this.folder = mkdtempSync(join(tmpdir(), `wherry-${name}-`));
    this.env = { KUBECONFIG: join(this.folder, "kubeconfig"), WHERRY_DATA_DIR: join(this.folder, "data") };
  }

  wherry(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(launcher, args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** `wherry up`; answers the last line of standard output, the URL when there is one. */
  async up(...args: string[]): Promise<string> {
    const output = await ok(launcher, ["up", "--name", this.name, ...args], {
      env: this.env,
      timeoutMs: 300_000,
    });
    return output.trimEnd().split("\n").at(-1) ?? "";
  }

  kubectl(...args: string[]): Promise<string> {
    return ok(launcher, ["kubectl", ...args], { env: this.env });
  }

  tryKubectl(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(launcher, ["kubectl", ...args], { ...options, env: this.env });
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl("get", ...args, "-o", "json")) as T;
  }

  /** Stops the cluster and removes every trace of it. */
  async purge(): Promise<void> {
    const result = await run(launcher, ["down", "--name", this.name, "--purge"], { env: this.env });
    rmSync(this.folder, { recursive: true, force: true });
    if (result.code !== 0)
      throw new Error(`down --purge ended with ${result.code}\n${result.stdout}${result.stderr}`);
  }
}
