/** The operations of kinds, with Kubernetes' names and descriptions. */
import type { KindDefinition } from "../definition.ts";
import { Parameters, parameterNames } from "./parameters.ts";
import type { Gvk, Method, Operation, Parameter } from "./model.ts";
import { otherSubresource } from "./subresources.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const deleteOptions = `${meta}.DeleteOptions`;
const status = `${meta}.Status`;
const watchEvent = `${meta}.WatchEvent`;
const patchBody = `${meta}.Patch`;

const anything = ["*/*"];
export const encodings = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const streams = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const customEncodings = ["application/json", "application/yaml"];
const patches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

/** Kinds whose deletion returns the object. */
const shownWhenDeleted = new Set([
  ..."persistentvolumeclaims pods podtemplates resourcequotas serviceaccounts services".split(" "),
  ..."persistentvolumes deviceclasses resourceclaims resourceclaimtemplates resourceslices".split(" "),
  ..."csidrivers csinodes storageclasses volumeattachments volumeattributesclasses".split(" "),
]);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * `rbac.authorization.k8s.io` is RbacAuthorization in operation names, `cert-manager.io` CertManagerIo, the core group Core.
 * Names do not begin with a digit.
 */
export function groupName(group: string): string {
  return capital(joined(group));
}

/** `rbacAuthorization_v1` */
export function groupTag(group: string, version: string): string {
  return `${joined(group)}${version === "" ? "" : `_${version}`}`;
}

/** `rbacAuthorization` */
function joined(group: string): string {
  if (group === "") return "core";
  const [first = "", ...others] = group.replace(/\.k8s\.io$/, "").split(/[.-]/);
  const start = /^\d/.test(first) ? capital(first.slice(1)) : first;
  return [start, ...others.map(capital)].join("");
}

/** "a Pod", "an Event", "Endpoints" */
function withArticle(kind: string): string {
  if (kind.endsWith("s") && !kind.endsWith("ss")) return kind;
  return `${/^[aeiou]/i.test(kind) ? "an" : "a"} ${kind}`;
}

/** The definition of a kind's list. */
export function listDefinition(kind: KindDefinition): string {
  if (kind.openApi) return `${kind.openApi.name}List`;
  const own = kind.schema as string;
  return `${own.slice(0, own.lastIndexOf(".") + 1)}${kind.listKind}`;
}

/** All operations of a kind. */
export function operationsOf(def: KindDefinition, parameters: Parameters): Operation[] {
  const definition = def.openApi?.name ?? def.schema;
  if (definition === undefined) return [];
  return new Operations(def, definition, parameters).all();
}

class Operations {
  readonly #def: KindDefinition;
  readonly #definition: string;
  readonly #parameters: Parameters;
  readonly #custom: boolean;
  readonly #found: Operation[] = [];

  constructor(def: KindDefinition, definition: string, parameters: Parameters) {
    this.#def = def;
    this.#definition = definition;
    this.#parameters = parameters;
    this.#custom = def.openApi !== undefined;
  }

  all(): Operation[] {
    const { group, version, plural, namespaced, verbs } = this.#def;
    const base = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const inNamespace = namespaced ? "namespaces/{namespace}/" : "";
    const all = `${base}/${inNamespace}${plural}`;
    const one = `${all}/{name}`;
    const has = (verb: string): boolean => verbs.includes(verb);
    if (has("list")) this.#list(all, "");
    if (has("create")) this.#write("post", all, "", this.#definition, this.#def);
    if (has("deletecollection")) this.#deleteCollection(all);
    if (has("list") && namespaced) this.#list(`${base}/${plural}`, "ForAllNamespaces");
    this.#object(one, has);
    // Custom resources are watched by list parameters, not by separate paths.
    if (has("watch") && !this.#custom) {
      const watched = `${base}/watch/`;
      this.#watch(`${watched}${inNamespace}${plural}`, "watchlist", "");
      if (namespaced) this.#watch(`${watched}${plural}`, "watchlist", "ForAllNamespaces");
      this.#watch(`${watched}${inNamespace}${plural}/{name}`, "watch", "");
    }
    this.#subresources(one);
    return this.#found;
  }

  #object(path: string, has: (verb: string) => boolean): void {
    if (has("get")) this.#read(path, "", this.#definition, this.#def);
    if (has("update")) this.#write("put", path, "", this.#definition, this.#def);
    if (has("patch")) this.#patch(path, "", this.#definition, this.#def);
    if (!has("delete")) return;
    this.#add(path, "delete", "delete", this.#def, {
      id: this.#id("delete", ""),
      description: `delete ${withArticle(this.#def.kind)}`,
      queries: parameterNames.delete,
      body: { definition: deleteOptions, required: false },
      codes: [200, 202],
      result: !this.#custom && shownWhenDeleted.has(this.#def.plural) ? this.#definition : status,
    });
  }

  #subresources(one: string): void {
    const { status: hasStatus, scale, subresources = [], subresourceStrategies = {} } = this.#def;
    const part = (name: string, definition: string, kind: Gvk): void => {
      this.#read(`${one}/${name}`, name, definition, kind);
      this.#write("put", `${one}/${name}`, name, definition, kind);
      this.#patch(`${one}/${name}`, name, definition, kind);
    };
    if (hasStatus) part("status", this.#definition, this.#def);
    const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };
    if (scale) part("scale", "io.k8s.api.autoscaling.v1.Scale", this.#custom ? this.#def : scaleKind);
    for (const name of subresources) {
      const other = otherSubresource(this.#def, name);
      const path = `${one}/${name}`;
      if (name === "finalize") this.#write("put", path, name, this.#definition, this.#def);
      else if (other?.definition) this.#write("post", path, name, other.definition, other);
      else if (other?.text) this.#log(path, other.options);
      else if (other) this.#connect(path, name, other, other.methods);
      else if (subresourceStrategies[name]) part(name, this.#definition, this.#def);
    }
  }

  #list(path: string, suffix: string): void {
    const watched = this.#def.verbs.includes("watch") && !this.#custom;
    this.#add(path, "get", "list", this.#def, {
      id: this.#id("list", "", suffix),
      description: `list ${watched ? "or watch " : ""}objects of kind ${this.#def.kind}`,
      queries: parameterNames.list,
      produces: this.#custom ? customEncodings : [...encodings, ...streams],
      result: listDefinition(this.#def),
    });
  }

  #deleteCollection(path: string): void {
    const verb = `delete${groupName(this.#def.group)}${capital(this.#def.version)}Collection`;
    this.#add(path, "delete", "deletecollection", this.#def, {
      id: `${verb}${this.#noun("")}`,
      description: `delete collection of ${this.#def.kind}`,
      queries: this.#custom ? parameterNames.list : parameterNames.deletecollection,
      ...(this.#custom ? {} : { body: { definition: deleteOptions, required: false } }),
      result: status,
    });
  }

  #watch(path: string, action: "watch" | "watchlist", suffix: string): void {
    const old = "deprecated: use the 'watch' parameter with a list operation instead";
    const { kind } = this.#def;
    const one = action === "watch";
    this.#add(path, "get", action, this.#def, {
      id: this.#id("watch", "", `${one ? "" : "List"}${suffix}`),
      description: one
        ? `watch changes to an object of kind ${kind}. ${old}, filtered to a single item with the 'fieldSelector' parameter.`
        : `watch individual changes to a list of ${kind}. ${old}.`,
      queries: parameterNames.list,
      produces: [...encodings, ...streams],
      result: watchEvent,
    });
  }

  #read(path: string, subresource: string, result: string, kind: Gvk): void {
    this.#add(path, "get", "get", kind, {
      id: this.#id("read", subresource),
      description: `read ${ofSpecified(subresource)} ${this.#def.kind}`,
      queries: this.#custom ? ["resourceVersion"] : [],
      result,
    });
  }

  #log(path: string, options: string): void {
    this.#add(path, "get", "get", this.#def, {
      id: this.#id("read", "log"),
      description: `read ${ofSpecified("log")} ${this.#def.kind}`,
      queries: [],
      more: this.#parameters.ofOptions(options),
      produces: ["text/plain", ...encodings],
    });
  }

  #write(method: "put" | "post", path: string, subresource: string, definition: string, kind: Gvk): void {
    const description =
      method === "put"
        ? `replace ${ofSpecified(subresource)} ${this.#def.kind}`
        : `create ${subresource === "" ? "" : `${subresource} of `}${withArticle(this.#def.kind)}`;
    this.#add(path, method, method, kind, {
      id: this.#id(method === "put" ? "replace" : "create", subresource),
      description,
      queries: parameterNames.write,
      body: { definition, required: true },
      codes: method === "put" ? [200, 201] : [200, 201, 202],
      result: definition,
    });
  }

  #patch(path: string, subresource: string, result: string, kind: Gvk): void {
    this.#add(path, "patch", "patch", kind, {
      id: this.#id("patch", subresource),
      description: `partially update ${ofSpecified(subresource)} ${this.#def.kind}`,
      queries: parameterNames.patch,
      consumes: this.#custom ? patches.filter((type) => !type.includes("strategic")) : patches,
      body: { definition: patchBody, required: true },
      codes: this.#custom ? [200] : [200, 201],
      result,
    });
  }

  #connect(path: string, name: string, kind: Gvk & { options: string }, methods: readonly Method[]): void {
    const paths = name === "proxy" ? [path, `${path}/{path}`] : [path];
    for (const each of paths) {
      for (const method of methods) {
        this.#add(each, method, "connect", kind, {
          id: this.#id("connect", name, each === path ? "" : "WithPath", capital(method)),
          description: `connect ${method.toUpperCase()} requests to ${name} of ${this.#def.kind}`,
          queries: [],
          more: this.#parameters.ofOptions(kind.options),
          produces: anything,
          pretty: false,
        });
      }
    }
  }

  /** `listCoreV1NamespacedPod`; `before` is the prefix of the kind. */
  #id(verb: string, subresource: string, suffix = "", before = ""): string {
    const { group, version } = this.#def;
    const scoped = suffix.endsWith("ForAllNamespaces");
    return `${verb}${groupName(group)}${capital(version)}${before}${this.#noun(subresource, scoped)}${suffix}`;
  }

  #noun(subresource: string, everywhere = false): string {
    const { namespaced, kind } = this.#def;
    return `${namespaced && !everywhere ? "Namespaced" : ""}${kind}${capital(subresource)}`;
  }

  #add(
    path: string,
    method: Method,
    action: string,
    kind: Gvk,
    what: {
      id: string;
      description: string;
      queries: readonly string[];
      more?: readonly Parameter[];
      pretty?: boolean;
      consumes?: readonly string[];
      produces?: readonly string[];
      body?: Operation["body"];
      codes?: Operation["codes"];
      result?: string;
    },
  ): void {
    const { id, description, queries, more = [], pretty = true, body, result } = what;
    const all = [
      ...this.#parameters.ofPath(path, kind.kind),
      ...queries.map((name) => this.#parameters.query(name)),
      ...more,
      ...(pretty ? [this.#parameters.query("pretty")] : []),
    ];
    this.#found.push({
      path,
      method,
      id,
      tag: groupTag(this.#def.group, this.#def.version),
      description,
      action,
      kind: { group: kind.group, version: kind.version, kind: kind.kind },
      parameters: all.sort((a, b) => order(a.name, b.name) || order(a.in, b.in)),
      consumes: what.consumes ?? (this.#custom ? customEncodings : anything),
      produces: what.produces ?? (this.#custom ? customEncodings : encodings),
      codes: what.codes ?? [200],
      ...(body ? { body } : {}),
      ...(result === undefined ? {} : { result }),
    });
  }
}

const ofSpecified = (subresource: string): string =>
  `${subresource === "" ? "" : `${subresource} of `}the specified`;

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
