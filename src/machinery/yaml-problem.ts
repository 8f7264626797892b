/** `line`: from 1, 0 for none; the words are those of Go's parser, without what it puts in front. */
export class YamlTextProblem extends Error {
  override readonly name = "YamlTextProblem";

  constructor(what: string, line: number) {
    super(line === 0 ? what : `line ${line}: ${what}`);
  }
}
