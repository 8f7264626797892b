/** Parameters of requests. */
import { loadParameters, type ParameterText } from "../schema.ts";
import type { Parameter } from "./model.ts";

const read = [
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "shardSelector",
  "timeoutSeconds",
];
const removal = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
];

/** Parameter names by verb. */
export const parameterNames = {
  list: ["allowWatchBookmarks", ...read, "watch"],
  deletecollection: [...read, ...removal],
  delete: removal,
  write: ["dryRun", "fieldManager", "fieldValidation"],
  patch: ["dryRun", "patch.fieldManager", "fieldValidation", "force"],
} as const;

/** Parameters of only one options kind, by that kind. */
const ofOptions: Readonly<Record<string, readonly string[]>> = {
  PodAttachOptions: ["container", "stderr", "stdin", "stdout", "tty"],
  PodExecOptions: ["command", "container", "stderr", "stdin", "stdout", "tty"],
  PodPortForwardOptions: ["ports"],
  PodLogOptions: [
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "stream",
    "tailLines",
    "timestamps",
  ],
  NodeProxyOptions: ["path"],
  PodProxyOptions: ["path"],
  ServiceProxyOptions: ["path"],
};

export class Parameters {
  readonly #known: Readonly<Record<string, ParameterText>>;

  private constructor(known: Readonly<Record<string, ParameterText>>) {
    this.#known = known;
  }

  static async load(): Promise<Parameters> {
    return new Parameters(await loadParameters());
  }

  /** A query parameter; `patch.fieldManager` is `fieldManager` of patches. */
  query(key: string): Parameter {
    const known = this.#known[key] ?? { type: "string" };
    return { name: key.slice(key.lastIndexOf(".") + 1), in: "query", ...known };
  }

  /** The parameters of an options kind, e.g. `PodExecOptions`. */
  ofOptions(kind: string): Parameter[] {
    return (ofOptions[kind] ?? []).map((name) => this.query(`${kind}.${name}`));
  }

  #said = (description: string | undefined): { description?: string } =>
    description === undefined ? {} : { description };

  /** A path's parameters; `kind`: what its name refers to. */
  ofPath(path: string, kind: string): Parameter[] {
    return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
      name,
      in: "path",
      type: "string",
      ...this.#said(name === "name" ? `name of the ${kind}` : this.#known[name]?.description),
      required: true,
    }));
  }
}
