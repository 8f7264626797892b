/** /statusz and /flagz as text, or as objects on request. */
import { formatTime } from "../../machinery/index.ts";
import { encodedBytes, mediaTypes } from "../codec/encode.ts";
import { formats, negotiateError, parseAccept, wantsPretty } from "../codec/negotiate.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import { onlyAccepted } from "../errors.ts";
import { type Answer, bytesAnswer } from "../response.ts";
import { encodedError } from "../verbs/output.ts";
import { versionInfo } from "../version.ts";

const group = "config.k8s.io";
/** Versions of the kinds, and whether they are deprecated. */
const versions: Readonly<Record<string, boolean>> = { v1beta1: false, v1alpha1: true };

/** A page. Its text is not meant for programs, so the separator of names and values varies. */
export interface Page {
  kind: "Statusz" | "Flagz";
  /** Lines below the heading. `separator`: between name and value. */
  text(separator: string): string;
  /** Fields of the object. */
  members(): object;
}

const separators = [":", ": ", "=", " "];

export interface Asked {
  request: Pick<HandlerRequest, "headers">;
  info: Pick<RequestInfo, "query">;
  random: () => number;
}

/** 406 unless text or a served version of the kind is accepted. */
export function pageAnswer(page: Page, { request, info, random }: Asked): Answer {
  const path = page.kind.toLowerCase();
  const accept = request.headers?.accept?.trim() || "*/*";
  for (const { type, parameters } of parseAccept(accept)) {
    const { as: kind, g, v } = parameters;
    const plain = kind === undefined && g === undefined && v === undefined;
    if (plain && (type === "text/plain" || type === "text/*" || type === "*/*")) {
      const separator = separators[Math.floor(random() * separators.length)] as string;
      const head = `\napiserver ${path}\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n`;
      return bytesAnswer(200, Buffer.from(head + page.text(separator)), "text/plain; charset=utf-8");
    }
    const format = formats[type];
    if (format === undefined || format === "protobuf") continue;
    if (g !== group || kind !== page.kind || v === undefined || !Object.hasOwn(versions, v)) continue;
    const object = {
      kind,
      apiVersion: `${group}/${v}`,
      metadata: { name: "apiserver" },
      ...page.members(),
    };
    const bytes = encodedBytes(object, format, wantsPretty(info.query, request.headers?.["user-agent"]));
    const answer = bytesAnswer(200, bytes, `${mediaTypes[format]};g=${g};v=${v};as=${kind}`);
    if (versions[v])
      answer.headers.warning = `299 - "This version of the ${path} endpoint is deprecated. Please use a newer version."`;
    return answer;
  }
  const error = onlyAccepted(["application/json", "application/yaml", "text/plain"]);
  const target = negotiateError(accept, wantsPretty(info.query, request.headers?.["user-agent"]));
  // Protobuf is not supported here, even for errors.
  return encodedError(error, target.format === "protobuf" ? { ...target, format: "json" } : target);
}

/** First segments of paths that are not listed. */
const ofTheApi = new Set(["apis", "api", "openid", "openapi", ".well-known"]);

const binaryVersion = versionInfo.gitVersion.replace(/^v|\+.*$/g, "");

/** `paths`: the root's list; `now`: milliseconds since the epoch. */
export function statusz(paths: readonly string[], now: number): Page {
  const started = Math.floor(performance.timeOrigin / 1000) * 1000;
  const upSeconds = Math.max(0, Math.floor((now - started) / 1000));
  const roots = new Set(paths.map((path) => path.split("/")[1] ?? ""));
  const listed = [...roots].filter((root) => root !== "" && !ofTheApi.has(root)).map((root) => `/${root}`);
  listed.sort();
  return {
    kind: "Statusz",
    text(separator) {
      const two = (value: number): string => String(value).padStart(2, "0");
      const up = `${Math.floor(upSeconds / 3600)} hr ${two(Math.floor(upSeconds / 60) % 60)} min ${two(upSeconds % 60)} sec`;
      const lines: [string, string][] = [
        ["Started", unixDate(started)],
        ["Up", up],
        ["Go version", versionInfo.goVersion],
        ["Binary version", binaryVersion],
        ["Emulation version", `${versionInfo.emulationMajor}.${versionInfo.emulationMinor}`],
        ["Paths", listed.join(" ")],
      ];
      return `\n${lines.map(([name, value]) => `${name}${separator} ${value}\n`).join("")}`;
    },
    members: () => ({
      startTime: formatTime(started),
      uptimeSeconds: upSeconds,
      goVersion: versionInfo.goVersion,
      binaryVersion,
      emulationVersion: `${versionInfo.emulationMajor}.${versionInfo.emulationMinor}`,
      paths: listed,
    }),
  };
}

/** `Mon Jan  2 15:04:05 UTC 2006` */
function unixDate(ms: number): string {
  const [, day, month, date, year, time] =
    /^(\w+), 0?(\d+) (\w+) (\d+) (\S+)/.exec(new Date(ms).toUTCString())?.map(String) ?? [];
  return `${day} ${date} ${String(month).padStart(2)} ${time} UTC ${year}`;
}

/** `flags`: values by kube-apiserver's names. */
export const flagz = (flags: ReadonlyMap<string, string>): Page => ({
  kind: "Flagz",
  text: (separator) =>
    sorted(flags)
      .map(([name, value]) => `${name}${separator}${value}\n`)
      .join(""),
  members: () => ({ flags: Object.fromEntries(sorted(flags)) }),
});

const sorted = (flags: ReadonlyMap<string, string>): [string, string][] =>
  [...flags].sort(([a], [b]) => (a < b ? -1 : 1));
