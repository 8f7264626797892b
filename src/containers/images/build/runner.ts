/** Carries out a RUN step in a real container. Implemented by whoever has a runtime; the builder only needs this. */
export interface BuildRunner {
  /** Settles when the process is dead and all it left (mounts, cgroups) is gone; `upper` then holds what it changed. */
  run(step: RunRequest): Promise<{ exitCode: number }>;
}

export interface RunRequest {
  /** overlayfs lower directories, lowest first. */
  layers: readonly string[];
  /** Empty directories on the same file system, for the overlay. */
  upper: string;
  work: string;
  args: readonly string[];
  env: readonly string[];
  cwd: string;
  user: { uid: number; gid: number; groups: readonly number[] };
  /** `host`: the network of the machine, as it is, with its resolv.conf. */
  network: "host" | "none";
  onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  signal?: AbortSignal;
}
