/** `line`: from 1, 0 for none; the text is that of Go's parser, without its prefix. */
export class YamlTextProblem extends Error {
  override readonly name = "YamlTextProblem";

  constructor(what: string, line: number) {
    super(line === 0 ? what : `line ${line}: ${what}`);
  }
}
