/** `notFound`: the program is not in the container. `notExecutable`: it cannot be executed. `gone`: the container has ended. */
export type RuntimeReason = "notFound" | "notExecutable" | "gone" | "kernel";

/** A failure to start or reach a container's process, with a message. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly reason: RuntimeReason;
  /** The helper's step and the errno's name, for errors of the kernel. */
  readonly step: string | undefined;
  readonly code: string | undefined;
  constructor(
    reason: RuntimeReason,
    message: string,
    options?: { cause?: unknown; step?: string; code?: string },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.step = options?.step;
    this.code = options?.code;
  }

  /** The message for a failed step of native/. */
  static ofStep(step: string, code: string, detail: string): RuntimeError {
    const at = { step, code };
    if (step === "exec") {
      if (code === "ENOENT") {
        const absolute = detail.startsWith("/") || detail.includes("/");
        const text = absolute
          ? `exec: "${detail}": no such file or directory`
          : `exec: "${detail}": executable file not found in $PATH`;
        return new RuntimeError("notFound", text, at);
      }
      if (code === "EACCES")
        return new RuntimeError("notExecutable", `exec: "${detail}": permission denied`, at);
      if (code === "ENOEXEC")
        return new RuntimeError("notExecutable", `exec: "${detail}": exec format error`, at);
      return new RuntimeError("notExecutable", `exec: "${detail}": ${code}`, at);
    }
    if (step === "chdir")
      return new RuntimeError("notFound", `cannot use the working directory "${detail}": ${code}`, at);
    if (code === "ENOSYS")
      return new RuntimeError(
        "kernel",
        `this kernel lacks ${step}, which containers need (Linux 5.12 or newer)`,
        at,
      );
    return new RuntimeError("kernel", `${step}${detail ? ` ${detail}` : ""}: ${code}`, at);
  }
}
