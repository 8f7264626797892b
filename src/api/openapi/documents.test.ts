import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResourceDefinitionSpec } from "../generated/types.ts";
import { customKinds } from "../custom/definition.ts";
import { kinds } from "../kinds.ts";
import { groupName, groupTag } from "./operations.ts";
import { openApiV2 } from "./version2.ts";
import { openApiV3 } from "./version3.ts";

type Json = Record<string, unknown>;

/** Every `$ref` below a value. */
function references(value: unknown, found: string[] = []): string[] {
  if (value === null || typeof value !== "object") return found;
  for (const [name, item] of Object.entries(value)) {
    if (name === "$ref" && typeof item === "string") found.push(item);
    else references(item, found);
  }
  return found;
}

test("every reference of every document leads somewhere", async () => {
  const groups = new Set(kinds.map((kind) => `${kind.group}/${kind.version}`));
  for (const each of groups) {
    const [group = "", version = ""] = each.split("/");
    const document = (await openApiV3(group, version, kinds)) as {
      components: { schemas: Json };
      paths: Json;
    };
    assert.ok(Object.keys(document.paths).length > 0, each);
    for (const target of references(document)) {
      assert.ok(
        document.components.schemas[target.replace("#/components/schemas/", "")],
        `${each}: ${target}`,
      );
    }
  }
  let pauses = 0;
  const pause = (): Promise<void> => {
    pauses++;
    return Promise.resolve();
  };
  const all = (await openApiV2(kinds, pause)) as { definitions: Json; parameters: Json };
  assert.ok(pauses > Object.keys(all.definitions).length / 32, "others have their turn meanwhile");
  // Their names have a hash of all that is said of them: these are kube-apiserver's.
  for (const name of ["allowWatchBookmarks-HC2hJt-J", "command-Py3eQybp", "fieldManager-7c6nTn1T"])
    assert.ok(all.parameters[name], name);
  for (const target of references(all)) {
    const [, part, name = ""] = target.split("/");
    assert.ok((part === "parameters" ? all.parameters : all.definitions)[name], target);
  }
});

test("what kubectl looks for is there: kinds at operations and schemas, patch types, merge keys", async () => {
  const document = (await openApiV3("apps", "v1", kinds)) as {
    components: { schemas: Record<string, Json> };
    paths: Record<string, Record<string, Json>>;
  };
  const kind = { group: "apps", version: "v1", kind: "Deployment" };
  const path = document.paths["/apis/apps/v1/namespaces/{namespace}/deployments"];
  assert.deepEqual(path?.["get"]?.["x-kubernetes-group-version-kind"], kind);
  const patch = document.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.["patch"];
  const body = patch?.["requestBody"] as { content: Json };
  assert.ok(body.content["application/strategic-merge-patch+json"]);
  const parameters = (patch?.["parameters"] ?? []) as { name: string }[];
  const names = parameters.map((parameter) => parameter.name);
  assert.ok(names.includes("fieldValidation") && names.includes("dryRun"));
  const { schemas } = document.components;
  assert.deepEqual(schemas["io.k8s.api.apps.v1.Deployment"]?.["x-kubernetes-group-version-kind"], [kind]);
  const spec = schemas["io.k8s.api.core.v1.PodSpec"]?.["properties"] as Record<string, Json>;
  assert.equal(spec["containers"]?.["x-kubernetes-patch-merge-key"], "name");
  assert.match(String(spec["containers"]?.["description"]), /List of containers/);
});

test("names of operations have no dashes of the group, nor a digit in front", () => {
  const named = (group: string): string[] => [groupName(group), groupTag(group, "v1")];
  assert.deepEqual(named("acme.cert-manager.io"), ["AcmeCertManagerIo", "acmeCertManagerIo_v1"]);
  assert.deepEqual(named("33scale.net"), ["3scaleNet", "3scaleNet_v1"]);
  assert.deepEqual(named("3scale.net"), ["ScaleNet", "ScaleNet_v1"]);
  assert.deepEqual(named("rbac.authorization.k8s.io"), ["RbacAuthorization", "rbacAuthorization_v1"]);
  assert.deepEqual(named(""), ["Core", "core_v1"]);
});

test("OpenAPI 2 leaves out of what can be null its type and properties alone, and that it is required", async () => {
  const text = { type: "string" };
  const spec = {
    group: "g.example.com",
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing", listKind: "ThingList", singular: "thing" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["map", "open"],
            properties: {
              map: { type: "object", nullable: true, additionalProperties: text },
              one: { type: "object", nullable: true, required: ["a"], properties: { a: text } },
              open: { type: "object", "x-kubernetes-preserve-unknown-fields": true, required: ["a"] },
            },
          },
        },
      },
    ],
  };
  const all = (await openApiV2(customKinds(spec as unknown as CustomResourceDefinitionSpec))) as {
    definitions: Record<string, { required?: string[]; properties: Record<string, Json> }>;
  };
  const { required, properties } = all.definitions["com.example.g.v1.Thing"] ?? {};
  assert.deepEqual(required, ["open"]);
  assert.deepEqual(properties?.["map"], { additionalProperties: text });
  assert.deepEqual(properties?.["one"], { required: ["a"] });
  assert.deepEqual(properties?.["open"], { required: ["a"], "x-kubernetes-preserve-unknown-fields": true });
});
