import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Facts } from "./facts.ts";
import { definitionNames, protobufTable, readModel, shapes } from "./models.ts";

const directory = "node_modules/@kubernetes/client-node/dist/gen/models";
const facts = JSON.parse(readFileSync("src/api/facts/kubernetes.json", "utf8")) as Facts;
const names = [
  "V1Service",
  "V1ServiceSpec",
  "V1ServicePort",
  "V1Volume",
  "CoreV1Event",
  "EventsV1Event",
  "V1LimitRangeItem",
];
const models = names.map((name) => readModel(directory, name));
const definitions = definitionNames(models, facts);

test("models find their Go package, also where two have a type of that name", () => {
  assert.equal(definitions.get("V1Service"), "io.k8s.api.core.v1.Service");
  assert.equal(definitions.get("CoreV1Event"), "io.k8s.api.core.v1.Event");
  assert.equal(definitions.get("EventsV1Event"), "io.k8s.api.events.v1.Event");
});

test("fields carry their JSON name, type, need and text", () => {
  const item = models.find((model) => model.name === "V1LimitRangeItem");
  const fields = Object.fromEntries((item?.fields ?? []).map((field) => [field.name, field]));
  assert.equal(fields["default"]?.type, "{ [key: string]: string; }");
  assert.equal(fields["type"]?.required, true);
  assert.equal(fields["max"]?.required, false);
  assert.match(fields["type"]?.description ?? "", /^Type of resource/);
});

test("facts and models make one shape: merge keys, enums, quantities, embedded structs", () => {
  const values = ["ClusterIP", "cluster signing"];
  const table = shapes(models, facts, definitions, { "io.k8s.api.core.v1.ServiceSpec": { type: values } });
  const spec = table["io.k8s.api.core.v1.ServiceSpec"];
  assert.equal(spec?.["ports"], "[@ServicePort o key=port patch=merge list=map keys=port,protocol");
  assert.equal(spec?.["type"], "s o go=v1.ServiceType enum=ClusterIP|cluster\u00a0signing");
  assert.equal(table["io.k8s.api.core.v1.LimitRangeItem"]?.["max"], "{q o go=v1.ResourceList");
  assert.equal(table["io.k8s.api.core.v1.ServicePort"]?.["targetPort"], "ios o w");
  assert.equal(protobufTable(facts)["io.k8s.api.core.v1.Volume"]?.["(VolumeSource)"], "2 VolumeSource !");
});
