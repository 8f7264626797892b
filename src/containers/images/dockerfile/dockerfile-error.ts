import { CriError } from "../../../cri/index.ts";

/** An error in a Dockerfile, with file and line. */
export class DockerfileError extends CriError {
  readonly file: string;
  readonly line: number;
  constructor(file: string, line: number, message: string, options?: { cause?: unknown }) {
    super("InvalidArgument", `${file}:${line}: ${message}`, options);
    this.file = file;
    this.line = line;
  }
}
