/** What a cluster may leave on a machine, kind by kind, so that a test can look for each. */
import { globSync, readFileSync, readlinkSync } from "node:fs";
import { run } from "./command.ts";

/** Lines that name the cluster, by kind; everything empty means it is gone without a trace. */
export async function leftoversOf(mark: string): Promise<Record<string, string[]>> {
  const containing = (text: string): string[] => text.split("\n").filter((line) => line.includes(mark));
  const output = async (command: string, args: string[]): Promise<string> =>
    (await run(command, args)).stdout;
  return {
    processes: processesOf(mark),
    mounts: containing(readFileSync("/proc/self/mountinfo", "utf8")),
    nftables: containing(await output("nft", ["list", "tables"])),
    cgroups: [...globSync(`/sys/fs/cgroup/*${mark}*`), ...globSync(`/sys/fs/cgroup/*/*${mark}*`)],
    files: [...globSync(`/var/lib/wherry/*${mark}*`), ...globSync(`/run/wherry/*${mark}*`)],
  };
}

function processesOf(mark: string): string[] {
  return globSync("/proc/[0-9]*").flatMap((path) => {
    try {
      const command = readFileSync(`${path}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      const isTest = command.includes(".test.ts") || path === `/proc/${process.pid}`;
      return command.includes(mark) && !isTest ? [`${path.slice(6)} ${command}`] : [];
    } catch {
      return [];
    }
  });
}

/** Network interfaces and network namespaces there are now; compared before and after. */
export async function networkState(): Promise<{ interfaces: string[]; namespaces: string[] }> {
  const links = globSync("/sys/class/net/*").map((path) => path.slice("/sys/class/net/".length));
  const namespaces = new Set(
    globSync("/proc/[0-9]*/ns/net").flatMap((path) => {
      try {
        return [readlinkSync(path)];
      } catch {
        return [];
      }
    }),
  );
  return { interfaces: links.sort(), namespaces: [...namespaces].sort() };
}
