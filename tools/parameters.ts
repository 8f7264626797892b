/** What the npm package says of the parameters of requests, by the names that `src/api/openapi/parameters.ts` has for them. */

/** Interfaces of the package, and the prefix of what only they take. */
const sources: readonly (readonly [name: string, prefix: string])[] = [
  ["CoreV1ApiListNamespacedPodRequest", ""],
  ["CoreV1ApiDeleteNamespacedPodRequest", ""],
  ["CoreV1ApiCreateNamespacedPodRequest", ""],
  ["CoreV1ApiPatchNamespacedPodRequest", "patch."],
  ["CoreV1ApiConnectGetNamespacedPodProxyWithPathRequest", ""],
  ["LogsApiLogFileHandlerRequest", ""],
  ["CoreV1ApiConnectGetNamespacedPodAttachRequest", "PodAttachOptions."],
  ["CoreV1ApiConnectGetNamespacedPodExecRequest", "PodExecOptions."],
  ["CoreV1ApiConnectGetNamespacedPodPortforwardRequest", "PodPortForwardOptions."],
  ["CoreV1ApiReadNamespacedPodLogRequest", "PodLogOptions."],
  ["CoreV1ApiConnectGetNamespacedPodProxyRequest", "PodProxyOptions."],
  ["CoreV1ApiConnectGetNamespacedServiceProxyRequest", "ServiceProxyOptions."],
  ["CoreV1ApiConnectGetNodeProxyRequest", "NodeProxyOptions."],
];

const member = /\/\*\*\n\s*\* (.*)\n(?:\s*\*.*\n)*?\s*\*\/\s*\n\s*"?(\w+)"?\??:/g;

const letters: Readonly<Record<string, string>> = { quot: '"', amp: "&", lt: "<", gt: ">" };

/** The package's comments have what HTML could mistake as entities, some with a backslash before. */
const plain = (text: string): string =>
  text
    .replaceAll(
      /\\?&(?:#x([0-9A-F]+)|#(\d+)|(\w+));/gi,
      (all, hex?: string, decimal?: string, name?: string) => {
        if (hex || decimal) return String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal));
        return letters[name ?? ""] ?? all;
      },
    )
    .replaceAll("*_/", "*/");

/** `source`: ObjectParamAPI.d.ts; `known`: names of all parameters. */
export function parameterTexts(source: string, known: Iterable<string>): Record<string, string> {
  const wanted = new Set(known);
  const found: Record<string, string> = {};
  for (const [name, prefix] of sources) {
    const start = source.indexOf(`export interface ${name} {`);
    if (start < 0) continue;
    for (const [, text = "", given = ""] of source
      .slice(start, source.indexOf("\n}", start))
      .matchAll(member)) {
      const plainName = given.replace(/^_/, "");
      const key = [prefix + plainName, plainName].find((each) => wanted.has(each) && !(each in found));
      if (key) found[key] = plain(text);
    }
  }
  return found;
}
