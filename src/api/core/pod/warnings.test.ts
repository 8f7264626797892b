import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment, Pod } from "../../generated/types.ts";
import { profilesFromAnnotations, profileWarnings } from "./app-armor.ts";
import { podWarnings, workloadWarnings } from "./warnings.ts";

const pod = (spec: object, annotations: Record<string, string> = {}, name = "p"): Pod => ({
  metadata: { name, annotations },
  spec: { containers: [{ name: "c", image: "i" }], ...spec },
});
const box = (more: object, name = "c") => ({ name, image: "i", ...more });

const cases: [string, Pod, string[]][] = [
  ["nothing", pod({}), []],
  [
    "a name that is no label",
    pod({}, {}, "a.b"),
    [
      `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]`,
    ],
  ],
  [
    "an old label",
    pod({ nodeSelector: { "beta.kubernetes.io/os": "linux" } }),
    ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
  ],
  [
    "half a byte",
    pod({ containers: [box({ resources: { limits: { memory: "100m" }, requests: { memory: "1Ei" } } })] }),
    [
      'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
      'spec.containers[0].resources.requests[memory]: fractional byte value "1Ei" is invalid, must be an integer',
    ],
  ],
  [
    "more bytes than can be counted in thousandths: where the count comes to a whole number nothing is said",
    pod({
      containers: [
        box({ resources: { limits: { memory: "10P" }, requests: { memory: "2Ei" } } }),
        box({
          resources: {
            limits: { memory: "9223372036854775807" },
            requests: { memory: "12345678901234567e3", "ephemeral-storage": "1e30" },
          },
        }),
      ],
    }),
    [
      'spec.containers[1].resources.requests[memory]: fractional byte value "12345678901234567e3" is invalid, must be an integer',
    ],
  ],
  [
    "variables that hide others",
    pod({
      containers: [
        box({
          env: [
            { name: "A", value: "1" },
            { name: "A", value: "$(A)2" },
            { name: "A", value: "3" },
          ],
        }),
      ],
    }),
    ['spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'],
  ],
  [
    "ports twice",
    pod({
      containers: [
        box({ ports: [{ name: "web", containerPort: 80, protocol: "TCP" }] }),
        box({ ports: [{ name: "web", containerPort: 80, protocol: "TCP", hostPort: 8080 }] }, "d"),
      ],
    }),
    [
      "spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
      'spec.containers[1].ports[0]: duplicate port name "web" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]',
    ],
  ],
  [
    "nobody is selected",
    pod({
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "k" }] } },
    }),
    [
      "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod",
    ],
  ],
  [
    "what is gone",
    pod({ volumes: [{ name: "v", gitRepo: { repository: "r" } }], terminationGracePeriodSeconds: -1 }),
    [
      "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
      "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    ],
  ],
];

for (const [name, given, expected] of cases) {
  test(`warns of ${name}`, () => {
    assert.deepEqual(podWarnings(given), expected);
    assert.deepEqual(podWarnings(given, given), []);
  });
}

test("a workload warns of its template when that is new, and says where", () => {
  const made = (generation: number): Deployment =>
    ({
      metadata: { name: "d", generation },
      spec: {
        template: pod(
          { imagePullSecrets: [{ name: "" }] },
          { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" },
        ),
      },
    }) as unknown as Deployment;
  const expected = [
    'spec.template.spec.imagePullSecrets[0].name: invalid empty name ""',
    'spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead',
  ];
  assert.deepEqual(workloadWarnings(made(1)), expected);
  assert.deepEqual(workloadWarnings(made(2), made(1)), expected);
  assert.deepEqual(workloadWarnings(made(1), made(1)), []);
});

test("a new pod's AppArmor annotations become fields, with a word about that", () => {
  const key = "container.apparmor.security.beta.kubernetes.io/c";
  const given = pod({}, { [key]: "localhost/x" });
  profilesFromAnnotations(given);
  assert.deepEqual(given.spec?.containers[0]?.securityContext, {
    appArmorProfile: { type: "Localhost", localhostProfile: "x" },
  });
  assert.deepEqual(profileWarnings(given), [
    `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
  ]);
  const both = pod(
    { containers: [box({ securityContext: { appArmorProfile: { type: "RuntimeDefault" } } })] },
    { [key]: "runtime/default" },
  );
  profilesFromAnnotations(both);
  assert.deepEqual(profileWarnings(both), []);
  for (const wrong of ["localhost/", "localhost/ x", `localhost/${"x".repeat(4096)}`, "nothing"]) {
    const kept = pod({}, { [key]: wrong });
    profilesFromAnnotations(kept);
    assert.equal(kept.spec?.containers[0]?.securityContext, undefined, wrong);
    assert.equal(profileWarnings(kept).length, 1, wrong);
  }
});
