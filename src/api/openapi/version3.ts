/** OpenAPI 3: a document for each group and version, and for each other page. */
import type { KindDefinition } from "../definition.ts";
import { loadDescriptions } from "../schema.ts";
import { arrange, sorted } from "./arrange.ts";
import { addSharedKinds, ownVersion, versionsOfCustom } from "./group-versions.ts";
import { addKindSchemas } from "./kind-schemas.ts";
import type { Json, Operation, Parameter } from "./model.ts";
import { operationsOf } from "./operations.ts";
import { groupPage, pages, resourcesPage } from "./pages.ts";
import { Parameters } from "./parameters.ts";
import { byPath } from "./paths.ts";
import { refTo, SchemaBuilder } from "./schemas.ts";

const info = { title: "Kubernetes", version: "1.36" };
const customInfo = { title: "Kubernetes CRD Swagger", version: "v0.1.0" };
const token = {
  BearerToken: {
    type: "apiKey",
    description: "Bearer Token authentication",
    name: "authorization",
    in: "header",
  },
};

/** The document of a group and version, of its kinds among `kinds`. */
export async function openApiV3(
  group: string,
  version: string,
  kinds: Iterable<KindDefinition>,
): Promise<object> {
  const parameters = await Parameters.load();
  const builder = new SchemaBuilder(3, await loadDescriptions());
  const operations: Operation[] = [];
  let custom = false;
  for (const kind of kinds) {
    if (kind.group !== group || kind.version !== version) continue;
    if (kind.openApi) custom = true;
    addKindSchemas(builder, kind);
    operations.push(...operationsOf(kind, parameters));
  }
  if (!custom) operations.push(resourcesPage(group, version));
  return custom
    ? { ...document(builder, operations, versionsOfCustom, {}), info: customInfo }
    : document(builder, operations, ownVersion(group, version));
}

/** The document of a page, by its name in the index (`version`, `apis/apps`); undefined when there is none. */
export async function openApiPage(name: string): Promise<object | undefined> {
  const [, group] = /^apis\/([^/]+)$/.exec(name) ?? [];
  const page = group === undefined ? pages[name] : groupPage(group);
  return page && document(new SchemaBuilder(3, await loadDescriptions()), [page], []);
}

/** Names of pages with a document, without those of groups. */
export const pageNames: readonly string[] = Object.keys(pages);

function document(
  builder: SchemaBuilder,
  operations: readonly Operation[],
  versions: readonly string[],
  security: Json = { securitySchemes: token },
): Json {
  for (const { result, body } of operations) {
    if (result) builder.add(result);
    if (body) builder.add(body.definition);
  }
  addSharedKinds(builder, versions);
  const paths = byPath(operations).map(({ path, shared, operations: own }): [string, Json] => [
    path,
    {
      ...Object.fromEntries(own.map((each) => [each.operation.method, operation(each)])),
      ...(shared.length > 0 ? { parameters: shared.map(parameter) } : {}),
    },
  ]);
  const schemas = Object.entries(builder.schemas).map(([name, each]) => [name, arrange(each)]);
  return {
    openapi: "3.0.0",
    info,
    paths: Object.fromEntries(paths),
    components: {
      ...(schemas.length > 0 ? { schemas: sorted(Object.fromEntries(schemas)) } : {}),
      ...security,
    },
  };
}

const parameter = ({ name, in: where, description, required, type }: Parameter): Json => ({
  name,
  in: where,
  ...(description === undefined ? {} : { description }),
  ...(required ? { required } : {}),
  schema: { type, uniqueItems: true },
});

function operation({ operation: each, own }: { operation: Operation; own: readonly Parameter[] }): Json {
  const { tag, description, id, body, produces, consumes, codes, result, action, kind } = each;
  const schema = result === undefined ? { type: "string" } : { $ref: refTo(result, 3) };
  const content = (types: readonly string[], value: Json): Json =>
    Object.fromEntries(types.toSorted().map((type) => [type, { schema: value }]));
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(own.length > 0 ? { parameters: own.map(parameter) } : {}),
    ...(body
      ? {
          requestBody: {
            content: content(consumes, { $ref: refTo(body.definition, 3) }),
            ...(body.required ? { required: true } : {}),
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        codes.map((code) => [code, { description: texts[code], content: content(produces, schema) }]),
      ),
      401: { description: texts[401] },
    },
    ...(action ? { "x-kubernetes-action": action } : {}),
    ...(kind ? { "x-kubernetes-group-version-kind": kind } : {}),
  };
}

export const texts = { 200: "OK", 201: "Created", 202: "Accepted", 401: "Unauthorized" } as const;
