import { DockerfileError } from "./dockerfile-error.ts";

/** An instruction with its continuation lines joined and its here-documents. */
export interface LogicalLine {
  /** Number of its first line, from 1. */
  line: number;
  /** Upper case. */
  keyword: string;
  /** The text after the keyword, without comments and line ends. */
  text: string;
  heredocs: Heredoc[];
}

export interface Heredoc {
  /** The terminator as written in the instruction: `<<EOF`, `<<-"EOF"`. */
  marker: string;
  name: string;
  content: string;
  /** The terminator is unquoted: variables are replaced. */
  expand: boolean;
  line: number;
}

export interface DockerfileText {
  escape: "\\" | "`";
  lines: LogicalLine[];
}

const keywords = new Set([
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
]);

/** Instructions that may hold here-documents (Dockerfile reference, "Here-Documents"). */
const withHeredocs = new Set(["ADD", "COPY", "RUN"]);

/** Splits a Dockerfile into instructions: parser directives, comments, continuation lines, here-documents. */
export function splitLines(source: string, file: string): DockerfileText {
  const physical = source.replace(/^\uFEFF/, "").split(/\r?\n/);
  const escape = readEscape(physical, file);
  const lines: LogicalLine[] = [];
  const continued = escape === "\\" ? /\\[ \t]*$/ : /`[ \t]*$/;
  let at = 0;
  while (at < physical.length) {
    const first = at;
    const opening = physical[at++] as string;
    if (/^\s*(#|$)/.test(opening)) continue;
    let text = opening.trimStart();
    while (continued.test(text)) {
      text = text.replace(continued, "");
      // Comments and empty lines between continuation lines are ignored.
      while (at < physical.length && /^\s*(#|$)/.test(physical[at] as string)) at++;
      if (at >= physical.length) break;
      text += physical[at++] as string;
    }
    const match = /^([A-Za-z]+)(?:\s+([\s\S]*))?$/.exec(text.trimEnd());
    const keyword = (match?.[1] ?? text.split(/\s/)[0] ?? "").toUpperCase();
    if (match === null || !keywords.has(keyword)) {
      const near = nearest(keyword);
      throw new DockerfileError(
        file,
        first + 1,
        `unknown instruction "${keyword}"${near === undefined ? "" : ` (did you mean ${near}?)`}`,
      );
    }
    const rest = match[2] ?? "";
    const heredocs: Heredoc[] = [];
    if (withHeredocs.has(keyword)) {
      for (const marker of heredocMarkers(rest)) {
        const content: string[] = [];
        const start = at + 1;
        for (;;) {
          const next = physical[at++];
          if (next === undefined) {
            throw new DockerfileError(
              file,
              first + 1,
              `the here-document ${marker.text} has no end: no line is just "${marker.name}"`,
            );
          }
          const line = marker.tabs ? next.replace(/^\t+/, "") : next;
          if (line === marker.name) break;
          content.push(`${line}\n`);
        }
        heredocs.push({
          marker: marker.text,
          name: marker.name,
          content: content.join(""),
          expand: !marker.quoted,
          line: start,
        });
      }
    }
    if (rest === "") throw new DockerfileError(file, first + 1, `${keyword} needs at least one argument`);
    lines.push({ line: first + 1, keyword, text: rest, heredocs });
  }
  return { escape, lines };
}

/** `# escape=` is only valid in the first lines, before anything that is no directive. */
function readEscape(physical: readonly string[], file: string): "\\" | "`" {
  for (const [index, line] of physical.entries()) {
    const match = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) break;
    if (match[1]?.toLowerCase() !== "escape") continue;
    if (match[2] !== "\\" && match[2] !== "`") {
      throw new DockerfileError(file, index + 1, `the escape character is \\ or \`, not "${match[2]}"`);
    }
    return match[2];
  }
  return "\\";
}

interface Marker {
  text: string;
  name: string;
  tabs: boolean;
  quoted: boolean;
}

/** Here-document terminators outside of quotes, in order. */
function heredocMarkers(text: string): Marker[] {
  const found: Marker[] = [];
  if (text.trimStart().startsWith("[")) return found;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (quote !== "") {
      if (c === quote) quote = "";
      continue;
    }
    if (c === '"' || c === "'") quote = c;
    if (c === "\\") i++;
    if (c !== "<" || text[i + 1] !== "<" || (i > 0 && !/[\s\d;|&(]/.test(text[i - 1] as string))) continue;
    const match =
      /^<<(-?)(?:"([A-Za-z_][A-Za-z0-9_.]*)"|'([A-Za-z_][A-Za-z0-9_.]*)'|([A-Za-z_][A-Za-z0-9_.]*))/.exec(
        text.slice(i),
      );
    if (match === null) continue;
    found.push({
      text: match[0],
      name: (match[2] ?? match[3] ?? match[4]) as string,
      tabs: match[1] === "-",
      quoted: match[4] === undefined,
    });
    i += match[0].length - 1;
  }
  return found;
}

function nearest(word: string): string | undefined {
  for (const keyword of keywords) if (distance(word, keyword) <= (keyword.length > 4 ? 2 : 1)) return keyword;
  return undefined;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
