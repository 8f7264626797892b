import { CriError } from "../../../cri/index.ts";

/** A mistake in a Dockerfile: names the file and the line, as editors and people expect. */
export class DockerfileError extends CriError {
  readonly file: string;
  readonly line: number;
  constructor(file: string, line: number, message: string, options?: { cause?: unknown }) {
    super("InvalidArgument", `${file}:${line}: ${message}`, options);
    this.file = file;
    this.line = line;
  }
}
