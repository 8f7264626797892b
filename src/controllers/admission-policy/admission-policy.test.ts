import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from "../../api/index.ts";
import { startBench } from "../testing/bench.ts";
import { runAdmissionPolicyStatus } from "./index.ts";

test("a policy's status says which generation has been seen", async () => {
  const bench = await startBench(runAdmissionPolicyStatus);
  const policies = bench.client.resource<ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    false,
  );
  const made = await policies.create(undefined, {
    metadata: { name: "p" },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] },
        ],
      },
      validations: [{ expression: "true" }],
    },
  });
  await bench.settle();
  const seen = await policies.get(undefined, "p");
  assert.deepEqual(seen.status, { observedGeneration: 1, typeChecking: {} });
  await policies.update(undefined, {
    ...seen,
    spec: { ...made.spec, validations: [{ expression: "false" }] },
  });
  await bench.settle();
  assert.equal((await policies.get(undefined, "p")).status?.observedGeneration, 2);
  await bench.stop();
});

test("a policy's status warns of what its expressions get wrong about the kinds that it matches", async () => {
  const bench = await startBench(runAdmissionPolicyStatus);
  const policies = bench.client.resource<ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "validatingadmissionpolicies",
    false,
  );
  const definitions = bench.client.resource<CustomResourceDefinition>(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    false,
  );
  const properties = {
    size: { type: "integer" },
    in: { type: "string" },
    open: { "x-kubernetes-preserve-unknown-fields": true },
  };
  const spec = { type: "object", properties };
  await definitions.create(undefined, {
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
        },
      ],
    },
  });
  const warningsOf = async (name: string, more: Partial<ValidatingAdmissionPolicy["spec"]>) => {
    await policies.create(undefined, {
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ["apps", "example.com"],
              apiVersions: ["v1"],
              operations: ["CREATE"],
              resources: ["deployments", "deployments/scale", "things"],
            },
          ],
        },
        ...more,
      },
    });
    await bench.settle();
    const { status } = await policies.get(undefined, name);
    return (status?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }) => [
      fieldRef,
      warning.replaceAll(/\n \|[^\n]*/g, "").trim(),
    ]);
  };
  assert.deepEqual(
    await warningsOf("p", {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      variables: [{ name: "spec", expression: "object.spec" }],
      validations: [
        {
          expression:
            "object.metadata.namespace != '' && variables.spec.anything == 1 && has(oldObject.spec)",
        },
        { expression: "object.spec.size > 1", messageExpression: "'x' + params.data" },
        {
          expression:
            "object.spec.open == 1 || object.spec.__in__ == ''.trim() || object.spec.replicas > '1'",
        },
      ],
    }),
    [
      [
        "spec.validations[1].expression",
        "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'size'",
      ],
      [
        "spec.validations[1].messageExpression",
        [
          "apps/v1, Kind=Deployment: ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, map(string, string))'",
          "",
          "example.com/v1, Kind=Thing: ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, map(string, string))'",
        ].join("\n"),
      ],
      [
        "spec.validations[2].expression",
        [
          "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'open'",
          "ERROR: <input>:1:37: undefined field '__in__'",
          "ERROR: <input>:1:82: found no matching overload for '_>_' applied to '(int, string)'",
          "",
          "example.com/v1, Kind=Thing: ERROR: <input>:1:12: undefined field 'open'",
          "ERROR: <input>:1:72: undefined field 'replicas'",
        ].join("\n"),
      ],
    ],
  );
  // Quantities have no type in the published schemas.
  const quantity = "object.spec.template.spec.containers[0].resources.limits['cpu'] != ''";
  assert.match(
    (await warningsOf("q", { validations: [{ expression: quantity }] }))[0]?.[1] ?? "",
    /Kind=Deployment: .* undefined field 'limits'/,
  );
  await bench.stop();
});
