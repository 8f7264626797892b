/** OpenAPI 2: one document for everything, for older clients. */
import { mapInSteps, type Pause } from "../../machinery/index.ts";
import type { KindDefinition } from "../definition.ts";
import { loadDescriptions } from "../schema.ts";
import { arrange, sorted } from "./arrange.ts";
import { addSharedKinds, allVersions } from "./group-versions.ts";
import { addKindSchemas } from "./kind-schemas.ts";
import type { Gvk, Json, Operation, Parameter } from "./model.ts";
import { operationsOf } from "./operations.ts";
import { groupPage, pages, resourcesPage } from "./pages.ts";
import { Parameters } from "./parameters.ts";
import { grouped, pathItem } from "./paths.ts";
import { refTo, SchemaBuilder } from "./schemas.ts";
import { SharedParameters } from "./shared-parameters.ts";
import { texts } from "./version3.ts";

/** The document of all kinds. With thousands this takes seconds: `pause` is called regularly. */
export async function openApiV2(
  kinds: Iterable<KindDefinition>,
  pause: Pause = () => Promise.resolve(),
): Promise<object> {
  const parameters = await Parameters.load();
  const builder = new SchemaBuilder(2, await loadDescriptions());
  const operations: Operation[] = Object.values(pages);
  const groups = new Set<string>();
  await mapInSteps(kinds, pause, (kind) => {
    addKindSchemas(builder, kind);
    operations.push(...operationsOf(kind, parameters));
    if (!kind.openApi) groups.add(`${kind.group}/${kind.version}`);
  });
  for (const each of groups) {
    const [group = "", version = ""] = each.split("/");
    operations.push(resourcesPage(group, version));
  }
  for (const group of new Set([...groups].map((each) => each.split("/")[0] ?? "")))
    if (group !== "") operations.push(groupPage(group));
  for (const { result, body } of operations) {
    if (result) builder.add(result);
    if (body) builder.add(body.definition);
  }
  addSharedKinds(builder, allVersions);
  const shared = new SharedParameters();
  const paths = await mapInSteps(grouped(operations), pause, (each): [string, Json] => {
    const { path, shared: all, operations: own } = pathItem(each);
    const item = {
      ...Object.fromEntries(own.map((one) => [one.operation.method, operation(one, shared)])),
      ...(all.length > 0 ? { parameters: all.map((one) => shared.use(parameter(one))) } : {}),
    };
    return [path, item];
  });
  const schemas = await mapInSteps(Object.entries(builder.schemas), pause, ([name, each]) => [
    name,
    arrange(each),
  ]);
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: "1.36" },
    paths: Object.fromEntries(paths),
    definitions: sorted(Object.fromEntries(schemas)),
    parameters: shared.all(),
    securityDefinitions: {
      BearerToken: {
        description: "Bearer Token authentication",
        type: "apiKey",
        name: "authorization",
        in: "header",
      },
    },
    security: [{ BearerToken: [] }],
  };
}

const parameter = ({ name, in: where, description, required, type }: Parameter): Json => ({
  uniqueItems: true,
  type,
  ...(description === undefined ? {} : { description }),
  name,
  in: where,
  ...(required ? { required } : {}),
});

function operation(
  { operation: each, own }: { operation: Operation; own: readonly Parameter[] },
  shared: SharedParameters,
): Json {
  const { description, consumes, produces, tag, id, body, codes, result, action, kind } = each;
  const given = own.map(parameter);
  if (body)
    given.push({
      name: "body",
      in: "body",
      ...(body.required ? { required: true } : {}),
      schema: { $ref: refTo(body.definition, 2) },
    });
  given.sort((a, b) => ((a.name as string) < (b.name as string) ? -1 : 1));
  const answers = codes.map((code) => {
    const schema = result === undefined ? { type: "string" } : { $ref: refTo(result, 2) };
    return [code, { description: texts[code], schema }];
  });
  return {
    description,
    ...(consumes.length > 0 ? { consumes } : {}),
    produces,
    schemes: ["https"],
    tags: [tag],
    operationId: id,
    ...(given.length > 0 ? { parameters: given.map((one) => shared.use(one)) } : {}),
    responses: { ...Object.fromEntries(answers), 401: { description: texts[401] } },
    ...(action ? { "x-kubernetes-action": action } : {}),
    ...(kind ? { "x-kubernetes-group-version-kind": inOrder(kind) } : {}),
  };
}

/** In Kubernetes another server describes the group of APIServices, and does not sort. */
const inOrder = ({ group, version, kind }: Gvk): Json =>
  group === "apiregistration.k8s.io" ? { group, version, kind } : { group, kind, version };
