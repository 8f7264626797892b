import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program of the host. A missing program is exit code 127, as in a shell. */
export function runCommand(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C", ...env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve({ code: 127, stdout, stderr: `${program}: not found` });
      else reject(error);
    });
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** A program's output as a stream; `done` rejects when the program fails. */
export function streamCommand(
  program: string,
  args: readonly string[],
): { output: Readable; done: Promise<void> } {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const done = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.join(" ")}: ${stderr.trim() || `exit code ${code}`}`));
    });
  });
  done.catch(() => {});
  return { output: child.stdout, done };
}
