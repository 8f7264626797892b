/** An error for users, in a sentence; `hint` says what to do about it. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(options.hint === undefined ? message : `${message}\n${options.hint}`, { cause: options.cause });
    this.hint = options.hint;
  }
}
