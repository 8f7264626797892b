/** Reads AdmissionConfiguration (apiserver.config.k8s.io/v1), the configuration of plugins (--admission-control-config-file). */
import { isObject } from "../../../machinery/index.ts";

export interface PluginFile {
  name: string;
  /** Of a file, as written. */
  path: string;
  /** Inline configuration; undefined when it is in the file. */
  configuration: unknown;
}

/** Throws an Error, in kube-apiserver's words where it has some. */
export function readAdmissionConfiguration(value: unknown): PluginFile[] {
  const document = (isObject(value) ? value : {}) as Record<string, unknown>;
  expectKind(document, ["apiserver.config.k8s.io/v1"], "AdmissionConfiguration");
  onlyFields(document, "", ["plugins"]);
  const { plugins = [] } = document;
  if (!Array.isArray(plugins)) throw new Error("plugins: a list is wanted");
  return plugins.map((each: unknown, i) => {
    const plugin = (isObject(each) ? each : {}) as Record<string, unknown>;
    onlyFields(plugin, `plugins[${i}].`, ["name", "path", "configuration"], false);
    const { name = "", path = "", configuration } = plugin;
    return { name: String(name), path: String(path), configuration: configuration ?? undefined };
  });
}

/** Throws for a document of another kind. */
export function expectKind(
  { apiVersion = "", kind = "" }: Record<string, unknown>,
  versions: readonly string[],
  wanted: string,
): void {
  if (kind === wanted && versions.includes(String(apiVersion))) return;
  throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
}

/** Throws for unknown fields. */
export function onlyFields(
  value: Record<string, unknown>,
  path: string,
  known: readonly string[],
  document = true,
): void {
  const all = document ? [...known, "apiVersion", "kind"] : known;
  const odd = Object.keys(value).filter((name) => !all.includes(name));
  if (odd.length === 0) return;
  const told = odd.map((name) => `unknown field ${JSON.stringify(`${path}${name}`)}`);
  throw new Error(`strict decoding error: ${told.join(", ")}`);
}
