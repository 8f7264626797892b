import assert from "node:assert/strict";
import { test } from "node:test";
import { apiRegistrationKinds } from "./api-registration.ts";
import type { KindDefinition } from "./definition.ts";
import type { APIService } from "./generated/types.ts";
import type { KubeObject } from "./meta.ts";

const kind = apiRegistrationKinds[0] as KindDefinition;

const mistakes = (object: object): string[] => {
  kind.defaults?.(object as KubeObject);
  return (kind.strategy.validate?.(object as KubeObject) ?? []).map(
    ({ field, message }) => `${field}: ${message}`,
  );
};

test("an APIService's mistakes are all named", () => {
  assert.deepEqual(
    mistakes({
      metadata: { name: "v1.a" },
      spec: {
        group: "A",
        version: "V",
        groupPriorityMinimum: 0,
        versionPriority: 1001,
        insecureSkipTLSVerify: true,
      },
    }).map((line) => line.split(";")[0]?.slice(0, 90)),
    [
      'metadata.name: Invalid value: "v1.a": must be `spec.version+"."+spec.group`: "V.A"',
      'spec.group: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric'.slice(
        0,
        90,
      ),
      'spec.version: Invalid value: "V": a DNS-1035 label must consist of lower case alphanumeric'.slice(
        0,
        90,
      ),
      "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
      "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
      "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVer".slice(
        0,
        90,
      ),
    ],
  );
  assert.deepEqual(
    mistakes({
      metadata: { name: "v1.a" },
      spec: {
        group: "a",
        version: "v1",
        groupPriorityMinimum: 1,
        versionPriority: 1,
        insecureSkipTLSVerify: true,
        caBundle: "YWJj",
        service: { port: 70000 },
      },
    }),
    [
      "spec.service.namespace: Required value",
      "spec.service.name: Required value",
      "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
      "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
    ],
  );
});

test("one without a Service is served here and available from the start, and the table says so", () => {
  const made: APIService = {
    metadata: { name: "v1.a", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { group: "a", version: "v1", groupPriorityMinimum: 1, versionPriority: 1 },
  };
  kind.strategy.prepareForCreate?.(made);
  const cells = (object: APIService) => kind.columns.slice(0, 3).map(({ cell }) => cell(object, 0));
  assert.deepEqual(made.status?.conditions?.[0], {
    type: "Available",
    status: "True",
    lastTransitionTime: "2026-01-01T00:00:00Z",
    reason: "Local",
    message: "Local APIServices are always available",
  });
  assert.deepEqual(cells(made), ["v1.a", "Local", "True"]);
  const remote: APIService = {
    metadata: { name: "v1.b" },
    spec: { groupPriorityMinimum: 1, versionPriority: 1, service: { namespace: "n", name: "s" } },
    status: { conditions: [{ type: "Available", status: "False", reason: "MissingEndpoints" }] },
  };
  assert.deepEqual(cells(remote), ["v1.b", "n/s", "False (MissingEndpoints)"]);
  kind.strategy.prepareForCreate?.(remote);
  assert.deepEqual(cells(remote), ["v1.b", "n/s", "Unknown"]);
});

test("/status leaves the metadata as it is", () => {
  const old = { metadata: { name: "v1.a", labels: { a: "b" } }, spec: {} } as KubeObject;
  const made = { metadata: { name: "v1.a", annotations: { x: "y" } }, spec: {} } as KubeObject;
  kind.status?.prepareForUpdate?.(made, old);
  assert.deepEqual(made.metadata, { name: "v1.a", labels: { a: "b" } });
});
