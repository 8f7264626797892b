import { readFileSync } from "node:fs";
import { availableParallelism, hostname as osHostname, release } from "node:os";

/** Properties of the machine, read once. */
export interface MachineFacts {
  hostname: string;
  cpus: number;
  memoryBytes: number;
  machineId: string;
  systemUuid: string;
  bootId: string;
  kernelVersion: string;
  osImage: string;
  /** amd64, arm64, ... */
  architecture: string;
}

export function readMachine(): MachineFacts {
  const text = (path: string): string => {
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      return ""; // the file may be missing
    }
  };
  const memory = /^MemTotal:\s+(\d+) kB/m.exec(text("/proc/meminfo"));
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?/m.exec(text("/etc/os-release"));
  return {
    hostname: osHostname().toLowerCase(),
    cpus: availableParallelism(),
    memoryBytes: memory ? Number(memory[1]) * 1024 : 0,
    machineId: text("/etc/machine-id"),
    systemUuid: text("/sys/class/dmi/id/product_uuid") || text("/etc/machine-id"),
    bootId: text("/proc/sys/kernel/random/boot_id"),
    kernelVersion: release(),
    osImage: pretty?.[1] ?? "Linux",
    architecture: process.arch === "x64" ? "amd64" : process.arch,
  };
}
