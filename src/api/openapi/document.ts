/** OpenAPI documents of the served kinds: one per group and version (v3), and one of everything (v2). */
import type { KindDefinition } from "../definition.ts";
import { loadDescriptions } from "../schema.ts";
import { customSchemas } from "./custom.ts";
import { definitions, type OpenApiVersion, refTo, SchemaBuilder } from "./schemas.ts";

type Json = Record<string, unknown>;

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const status = `${meta}.Status`;
const deleteOptions = `${meta}.DeleteOptions`;
const scale = {
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  schema: "io.k8s.api.autoscaling.v1.Scale",
};

/** Subresources with a kind of their own. */
const subresourceKinds: Record<string, { group: string; version: string; kind: string; schema: string }> = {
  "pods/eviction": {
    group: "policy",
    version: "v1",
    kind: "Eviction",
    schema: "io.k8s.api.policy.v1.Eviction",
  },
  "pods/binding": { group: "", version: "v1", kind: "Binding", schema: "io.k8s.api.core.v1.Binding" },
  "serviceaccounts/token": {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
    schema: "io.k8s.api.authentication.v1.TokenRequest",
  },
};

const patchTypes = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

const query = (name: string, type: string, description: string): Json => ({
  name,
  in: "query",
  description,
  type,
});
const pretty = query("pretty", "string", "Whether the answer is indented.");
const dryRun = query("dryRun", "string", "All: nothing is stored.");
const manager = query("fieldManager", "string", "Who makes the change.");
const validation = query(
  "fieldValidation",
  "string",
  "Ignore, Warn or Strict: what unknown and duplicate fields lead to.",
);
const listQueries = [
  query("allowWatchBookmarks", "boolean", "Whether a watch may send bookmarks."),
  query("continue", "string", "Token of the next part of a list."),
  query("fieldSelector", "string", "Which objects, by fields."),
  query("labelSelector", "string", "Which objects, by labels."),
  query("limit", "integer", "Most items of one answer."),
  query("resourceVersion", "string", "How fresh a list must be, or where a watch begins."),
  query("resourceVersionMatch", "string", "How resourceVersion is meant for a list."),
  query("sendInitialEvents", "boolean", "Whether a watch begins with all that is there."),
  query("timeoutSeconds", "integer", "How long a list or watch may last."),
  query("watch", "boolean", "Changes instead of a list."),
];
const deleteQueries = [
  dryRun,
  query("gracePeriodSeconds", "integer", "How long the object may take to go."),
  query("propagationPolicy", "string", "Orphan, Background or Foreground: what becomes of dependents."),
];
const writeQueries = [dryRun, manager, validation];
const patchQueries = [...writeQueries, query("force", "boolean", "Take over fields of others (apply).")];

interface Operation {
  method: "get" | "post" | "put" | "patch" | "delete";
  action: string;
  queries: readonly Json[];
  /** Definition name of the body. */
  body?: string;
  result: string;
}

class Document {
  readonly #version: OpenApiVersion;
  readonly builder: SchemaBuilder;
  readonly paths: Record<string, Json> = {};

  constructor(version: OpenApiVersion, builder: SchemaBuilder) {
    this.#version = version;
    this.builder = builder;
  }

  addKind(kind: KindDefinition): void {
    const own = kind.openApi ? customSchemas(kind, this.#version) : undefined;
    const result = kind.openApi?.name ?? kind.schema;
    if (!result) return;
    const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
    const all = `${base}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}`;
    const one = `${all}/{name}`;
    const list = kind.openApi ? `${result}List` : listDefinition(kind);
    const has = (verb: string): boolean => kind.verbs.includes(verb);
    if (own) {
      Object.assign(this.builder.schemas, own);
      this.builder.add(`${meta}.ObjectMeta`);
      this.builder.add(`${meta}.ListMeta`);
    } else {
      this.#gvk(result, kind);
      if (this.builder.schemas[list] === undefined) this.builder.add(list);
      this.#gvk(list, { ...kind, kind: kind.listKind });
    }
    const collection: Operation[] = [];
    if (has("list")) collection.push({ method: "get", action: "list", queries: listQueries, result: list });
    if (has("create"))
      collection.push({ method: "post", action: "post", queries: writeQueries, body: result, result });
    if (has("deletecollection")) {
      const queries = [...listQueries.slice(1), ...deleteQueries];
      collection.push({
        method: "delete",
        action: "deletecollection",
        queries,
        body: deleteOptions,
        result: status,
      });
    }
    this.#path(all, kind, collection);
    if (kind.namespaced && has("list")) {
      this.#path(`${base}/${kind.plural}`, kind, [
        { method: "get", action: "list", queries: listQueries, result: list },
      ]);
    }
    const single: Operation[] = [];
    if (has("get")) single.push({ method: "get", action: "get", queries: [], result });
    if (has("update"))
      single.push({ method: "put", action: "put", queries: writeQueries, body: result, result });
    if (has("patch")) {
      single.push({
        method: "patch",
        action: "patch",
        queries: patchQueries,
        body: definitions.patch,
        result,
      });
    }
    if (has("delete")) {
      single.push({
        method: "delete",
        action: "delete",
        queries: deleteQueries,
        body: deleteOptions,
        result: status,
      });
    }
    this.#path(one, kind, single);
    const readWrite = (schema: string): Operation[] => [
      { method: "get", action: "get", queries: [], result: schema },
      { method: "put", action: "put", queries: writeQueries, body: schema, result: schema },
      { method: "patch", action: "patch", queries: patchQueries, body: definitions.patch, result: schema },
    ];
    if (kind.status) this.#path(`${one}/status`, kind, readWrite(result));
    if (kind.scale) {
      this.#gvk(scale.schema, scale);
      this.#path(`${one}/scale`, scale, readWrite(scale.schema));
    }
    for (const name of kind.subresources ?? []) {
      const other = subresourceKinds[`${kind.plural}/${name}`];
      if (!other) continue;
      this.#gvk(other.schema, other);
      const operation: Operation = {
        method: "post",
        action: "post",
        queries: writeQueries,
        body: other.schema,
        result: other.schema,
      };
      this.#path(`${one}/${name}`, other, [operation]);
    }
  }

  /** Says which kind a definition is; a definition may be several. */
  #gvk(name: string, { group, version, kind }: { group: string; version: string; kind: string }): void {
    this.builder.add(name);
    const schema = this.builder.schemas[name];
    if (!schema) return;
    const present = (schema["x-kubernetes-group-version-kind"] ??= []) as Json[];
    if (present.some((each) => each.group === group && each.version === version && each.kind === kind))
      return;
    present.push({ group, version, kind });
  }

  #path(
    path: string,
    gvk: { group: string; version: string; kind: string },
    operations: readonly Operation[],
  ): void {
    if (operations.length === 0) return;
    const item: Json = {};
    for (const operation of operations) item[operation.method] = this.#operation(path, gvk, operation);
    const parameters: Json[] = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      description: name === "namespace" ? "Namespace of the object." : "Name of the object.",
      type: "string",
    }));
    item.parameters = [...parameters, pretty].map((each) => this.#parameter(each));
    this.paths[path] = item;
  }

  #parameter(parameter: Json): Json {
    if (this.#version === 2) return { ...parameter, uniqueItems: true };
    const { type, ...rest } = parameter;
    return { ...rest, schema: { type, uniqueItems: true } };
  }

  #operation(
    path: string,
    gvk: { group: string; version: string; kind: string },
    operation: Operation,
  ): Json {
    const { action, queries, body, result } = operation;
    this.builder.add(result);
    if (body) this.builder.add(body);
    const kind = { "x-kubernetes-group-version-kind": pick(gvk), "x-kubernetes-action": action };
    const operationId = `${action}${path.replaceAll(/[^A-Za-z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase()).replaceAll(/[^A-Za-z0-9]/g, "")}`;
    const parameters = queries.map((each) => this.#parameter(each));
    const codes =
      operation.method === "post"
        ? ["200", "201", "202"]
        : operation.method === "get"
          ? ["200"]
          : ["200", "201"];
    const types = action === "patch" ? patchTypes : ["application/json", "application/yaml"];
    const schema = { $ref: refTo(result, this.#version) };
    if (this.#version === 2) {
      const given = body
        ? [
            {
              name: "body",
              in: "body",
              required: operation.method !== "delete",
              schema: { $ref: refTo(body, 2) },
            },
          ]
        : [];
      return {
        operationId,
        ...kind,
        consumes: types,
        produces: ["application/json", "application/yaml"],
        parameters: [...parameters, ...given],
        responses: Object.fromEntries(codes.map((code) => [code, { description: "OK", schema }])),
      };
    }
    const content = (list: readonly string[], value: Json): Json =>
      Object.fromEntries(list.map((type) => [type, { schema: value }]));
    return {
      operationId,
      ...kind,
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(body
        ? {
            requestBody: {
              content: content(types, { $ref: refTo(body, 3) }),
              required: operation.method !== "delete",
            },
          }
        : {}),
      responses: Object.fromEntries(
        codes.map((code) => [
          code,
          { description: "OK", content: content(["application/json", "application/yaml"], schema) },
        ]),
      ),
    };
  }
}

const pick = ({ group, version, kind }: { group: string; version: string; kind: string }): Json => ({
  group,
  version,
  kind,
});

const listDefinition = (kind: KindDefinition): string =>
  `${(kind.schema as string).slice(0, (kind.schema as string).lastIndexOf(".") + 1)}${kind.listKind}`;

/** The OpenAPI 3 document of one group and version: the kinds among `kinds` that belong to it. */
export async function openApiV3(
  group: string,
  version: string,
  kinds: Iterable<KindDefinition>,
): Promise<object> {
  const builder = new SchemaBuilder(3, await loadDescriptions());
  const document = new Document(3, builder);
  for (const kind of kinds) if (kind.group === group && kind.version === version) document.addKind(kind);
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "unversioned" },
    paths: document.paths,
    components: {
      schemas: builder.schemas,
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    },
  };
}

/** The OpenAPI 2 document of all kinds, for older clients. */
export async function openApiV2(kinds: Iterable<KindDefinition>): Promise<object> {
  const builder = new SchemaBuilder(2, await loadDescriptions());
  const document = new Document(2, builder);
  for (const kind of kinds) document.addKind(kind);
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: "v1.36.3" },
    paths: document.paths,
    definitions: builder.schemas,
    securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    security: [{ BearerToken: [] }],
  };
}
