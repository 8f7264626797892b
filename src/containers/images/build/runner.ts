/** Executes a RUN step in a container. Implemented with a container runtime; the builder depends only on this. */
export interface BuildRunner {
  /** Resolves when the process has ended and everything is cleaned up (mounts, cgroups); `upper` then holds its changes. */
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
  /** `host`: the machine's network, with its resolv.conf. */
  network: "host" | "none";
  onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  signal?: AbortSignal;
}
