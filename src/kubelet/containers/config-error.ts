/** A container cannot be created or started; `reason` becomes the waiting reason in the pod's status. */
export type StartFailure =
  | "CreateContainerConfigError"
  | "CreateContainerError"
  | "RunContainerError"
  | "PostStartHookError"
  | "CrashLoopBackOff"
  | "ErrImagePull"
  | "ImagePullBackOff"
  | "ErrImageNeverPull"
  | "InvalidImageName"
  | "ImageInspectError";

export class ContainerStartError extends Error {
  override readonly name = "ContainerStartError";
  readonly reason: StartFailure;
  /** Milliseconds until the next useful retry; undefined: on a change, or the default. */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: StartFailure,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}
