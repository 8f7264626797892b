import { open } from "node:fs/promises";
import type { ContainerStatus } from "../../cri/index.ts";
import { tailLines } from "../logs/tail.ts";
import { runtimeAnnotations } from "../pods/pod-runtime.ts";

const maxFile = 4096;
const maxLog = 2048;
const maxLogLines = 80;

/**
 * A container's termination message: the file at terminationMessagePath or, with FallbackToLogsOnError after a failure and when
 * that file is empty, the end of its log.
 */
export async function readTerminationMessage(run: ContainerStatus): Promise<string> {
  const path = run.annotations[runtimeAnnotations.terminationMessagePath];
  const policy = run.annotations[runtimeAnnotations.terminationMessagePolicy];
  const file = run.mounts.find((m) => m.containerPath === path)?.hostPath;
  if (file) {
    const message = await head(file, maxFile);
    if (message) return message;
  }
  if (policy !== "FallbackToLogsOnError" || run.exitCode === 0) return "";
  const lines = await tailLines(run.logPath, maxLogLines).catch(() => []);
  const text = Buffer.concat(lines);
  return text.subarray(Math.max(0, text.length - maxLog)).toString("utf8");
}

async function head(path: string, bytes: number): Promise<string> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return "";
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await file.close();
  }
}
