import { readFile } from "node:fs/promises";

/** Mount points at or below a directory, deepest first, from the kernel. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const below = (await mountPoints()).filter((p) => p === directory || p.startsWith(`${directory}/`));
  return below.sort((a, b) => b.length - a.length);
}

export async function isMountPoint(path: string): Promise<boolean> {
  return (await mountPoints()).includes(path);
}

async function mountPoints(): Promise<string[]> {
  let text: string;
  try {
    text = await readFile("/proc/self/mountinfo", "utf8");
  } catch {
    return []; // not Linux: simulated nodes have no mounts
  }
  return text
    .split("\n")
    .map((line) => line.split(" ")[4])
    .filter((p) => p !== undefined)
    .map((p) =>
      p.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}
