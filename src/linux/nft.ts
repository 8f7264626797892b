import { spawn } from "node:child_process";
import { NativeError } from "./contract.ts";

/** Debian has it in /usr/sbin, which users' PATH may lack. */
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

function run(
  args: readonly string[],
  input: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("nft", args, { stdio: ["pipe", "pipe", "pipe"], env });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => out.push(data));
    child.stderr.on("data", (data: Buffer) => err.push(data));
    child.once("error", (cause) => reject(new NativeError("nft", "start", 2, "ENOENT", cause.message)));
    child.once("close", (code) =>
      resolve({
        code: code ?? 255,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
    child.stdin.on("error", () => undefined); // nft says why it ended early
    child.stdin.end(input);
  });
}

export async function applyNft(script: string): Promise<void> {
  const { code, stderr } = await run(["-f", "-"], script);
  if (code !== 0) throw new NativeError("nft", "apply", 22, "EINVAL", stderr.trim());
}

export async function listNft(...what: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run(["-j", "list", ...what], "");
  if (code === 0) return JSON.parse(stdout);
  if (stderr.includes("No such file or directory")) return undefined;
  throw new NativeError("nft", "list", 22, "EINVAL", stderr.trim());
}
