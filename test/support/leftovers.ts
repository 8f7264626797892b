/** What a cluster may leave on a machine, kind by kind, so that a test can look for each. */
import { globSync, readFileSync, readlinkSync } from "node:fs";
import { bridgeName } from "../../src/cluster/config/naming.ts";
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

/** The links and network namespaces of a running cluster, so that a test can see them gone afterwards. */
export function networkOf(cluster: string): { links: string[]; namespaces: string[] } {
  const bridge = bridgeName(cluster);
  const links = [
    bridge,
    ...globSync(`/sys/class/net/${bridge}/brif/*`).map((path) => path.split("/").at(-1) ?? ""),
  ];
  const processes = globSync(
    `/sys/fs/cgroup/{pids,memory,unified}/wherry-${cluster}/**/cgroup.procs`,
  ).flatMap((file) => readFileSync(file, "utf8").split("\n").filter(Boolean));
  const own = namespaceOf("self");
  const namespaces = new Set(
    processes.map(namespaceOf).filter((namespace) => namespace !== "" && namespace !== own),
  );
  return { links, namespaces: [...namespaces] };
}

/** Those of them that are still there. */
export function networkLeftOf(was: { links: string[]; namespaces: string[] }): string[] {
  const links = new Set(globSync("/sys/class/net/*").map((path) => path.split("/").at(-1)));
  const alive = new Set(globSync("/proc/[0-9]*").map((path) => namespaceOf(path.slice("/proc/".length))));
  return [
    ...was.links.filter((link) => links.has(link)),
    ...was.namespaces.filter((namespace) => alive.has(namespace)),
  ];
}

function namespaceOf(process: string): string {
  try {
    return readlinkSync(`/proc/${process}/ns/net`);
  } catch {
    return "";
  }
}
