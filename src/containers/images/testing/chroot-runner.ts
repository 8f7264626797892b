import { spawn } from "node:child_process";
import { mkdirSync, rmdirSync } from "node:fs";
import type { BuildRunner } from "../build/runner.ts";

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** RUN without wherry's runtime: an overlay in a mount namespace of its own and chroot. For tests as root. */
export const chrootRunner: BuildRunner = {
  async run(step) {
    const root = `${step.work}-root`;
    mkdirSync(root);
    const lower = step.layers.toReversed().join(":");
    const script = `mount -t overlay overlay -o lowerdir=${lower},upperdir=${step.upper},workdir=${step.work} ${root} && cd ${root} && exec env -i ${step.env.map(quote).join(" ")} chroot --userspec=${step.user.uid}:${step.user.gid} . ${step.args.map(quote).join(" ")}`;
    try {
      return await new Promise((resolve, reject) => {
        const child = spawn("unshare", ["-m", "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
        child.stdout.on("data", (chunk: Buffer) => step.onOutput("stdout", chunk));
        child.stderr.on("data", (chunk: Buffer) => step.onOutput("stderr", chunk));
        child.on("error", reject);
        child.on("close", (code) => resolve({ exitCode: code ?? 1 }));
      });
    } finally {
      rmdirSync(root);
    }
  },
};
