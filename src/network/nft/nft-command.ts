import { spawn } from "node:child_process";

/** Applies and looks at nftables rules. The command's start is the whole cost, about 3 ms. */
export interface Nft {
  /** One transaction: all of the script or, with an error, nothing of it. */
  apply(script: string): Promise<void>;
  /** Names of all tables, as `family name`. */
  tables(): Promise<Set<string>>;
}

export class NftError extends Error {
  override readonly name = "NftError";
}

/** The `nft` command of the machine. The network part needs nothing else of the kernel's door, so it stays small. */
export function nftCommand(path = "nft"): Nft {
  return {
    async apply(script) {
      await run(path, ["-f", "-"], script);
    },
    async tables() {
      const listing = await run(path, ["list", "tables"], "");
      return new Set(
        listing
          .split("\n")
          .filter((line) => line.startsWith("table "))
          .map((line) => line.slice("table ".length).trim()),
      );
    },
  };
}

function run(path: string, args: string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` };
    const child = spawn(path, args, { stdio: ["pipe", "pipe", "pipe"], env });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    // A command that died early is reported by its exit code.
    child.stdin.on("error", () => undefined);
    child.on("error", (cause) =>
      reject(new NftError(`${path} could not be started: ${cause.message}`, { cause })),
    );
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new NftError(`nft ${args.join(" ")} failed with ${code}: ${errors.trim().slice(0, 2000)}`));
    });
    child.stdin.end(input);
  });
}
