import assert from "node:assert/strict";
import { test } from "node:test";
import { deepClone } from "../machinery/index.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { findKind, kinds } from "./kinds.ts";
import { schemaOf } from "./schema.ts";

// What a client sends is any JSON.
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

function kindOf(plural: string, group = ""): KindDefinition {
  const kind = kinds.find((each) => each.plural === plural && each.group === group);
  assert.ok(kind, plural);
  return kind;
}

/** What the server does with a new object, and what it finds wrong. */
function created(kind: KindDefinition, object: Any): { object: Any; errors: string[] } {
  const made = deepClone(object);
  made.metadata ??= {};
  made.metadata.name ??= "x";
  if (kind.namespaced) made.metadata.namespace ??= "default";
  kind.defaults?.(made);
  kind.strategy.prepareForCreate?.(made);
  return { object: made, errors: texts(kind.strategy.validate?.(made)) };
}

function updated(kind: KindDefinition, object: Any, old: Any): string[] {
  const made = deepClone(object);
  kind.defaults?.(made);
  kind.strategy.prepareForUpdate?.(made, old);
  return texts(kind.strategy.validateUpdate?.(made, old));
}

const texts = (errors: FieldError[] | undefined): string[] =>
  (errors ?? []).map((error) => `${error.field}: ${error.message}`);

const container = { name: "a", image: "nginx:1.25" };

test("every kind has a schema, a name column and names that agree", () => {
  for (const kind of kinds) {
    assert.ok(kind.schema && schemaOf(kind.schema), kind.kind);
    assert.ok(kind.columns.length > 0, kind.kind);
    assert.equal(findKind(kind.group, kind.version, kind.plural), kind);
  }
  const short = kinds.filter((kind) => !kind.storedAs).flatMap((kind) => kind.shortNames);
  assert.equal(new Set(short).size, short.length, "short names are unique");
});

test("a pod gets the defaults that kubectl get -o yaml shows", () => {
  const kind = kindOf("pods");
  const { object, errors } = created(kind, {
    spec: {
      containers: [
        {
          name: "a",
          image: "nginx",
          ports: [{ containerPort: 80 }],
          resources: { limits: { cpu: "1" } },
          livenessProbe: { httpGet: { port: 80 } },
          env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      ],
      volumes: [
        { name: "e" },
        { name: "c", configMap: { name: "c" } },
        { name: "h", hostPath: { path: "/h" } },
      ],
      serviceAccountName: "s",
    },
  });
  assert.deepEqual(errors, []);
  assert.deepEqual(object.spec, {
    containers: [
      {
        name: "a",
        image: "nginx",
        imagePullPolicy: "Always",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: { limits: { cpu: "1" }, requests: { cpu: "1" } },
        livenessProbe: {
          httpGet: { path: "/", port: 80, scheme: "HTTP" },
          failureThreshold: 3,
          periodSeconds: 10,
          successThreshold: 1,
          timeoutSeconds: 1,
        },
        env: [{ name: "N", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } }],
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ],
    volumes: [
      { name: "e", emptyDir: {} },
      { name: "c", configMap: { name: "c", defaultMode: 420 } },
      { name: "h", hostPath: { path: "/h", type: "" } },
    ],
    serviceAccountName: "s",
    serviceAccount: "s",
    dnsPolicy: "ClusterFirst",
    enableServiceLinks: true,
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  assert.deepEqual(object.status, { phase: "Pending", qosClass: "Burstable" });
  assert.equal(object.metadata.generation, 1);
});

test("defaults do not change what already has them", () => {
  for (const [plural, group, object] of [
    ["pods", "", { spec: { containers: [container], volumes: [{ name: "e" }] } }],
    ["services", "", { spec: { ports: [{ port: 80 }], type: "LoadBalancer" } }],
    ["deployments", "apps", deployment()],
    ["persistentvolumeclaims", "", { spec: { accessModes: ["ReadWriteOnce"] } }],
    ["jobs", "batch", { spec: { template: { spec: { containers: [container], restartPolicy: "Never" } } } }],
    ["secrets", "", { stringData: { a: "ä" } }],
  ] as const) {
    const kind = kindOf(plural, group);
    const once = created(kind, object).object;
    const twice = deepClone(once);
    kind.defaults?.(twice);
    assert.deepEqual(twice, once, plural);
  }
});

function deployment(): Any {
  return {
    spec: {
      selector: { matchLabels: { app: "x" } },
      template: { metadata: { labels: { app: "x" } }, spec: { containers: [container] } },
    },
  };
}

test("a deployment gets its defaults", () => {
  const { object, errors } = created(kindOf("deployments", "apps"), deployment());
  assert.deepEqual(errors, []);
  assert.equal(object.spec.replicas, 1);
  assert.deepEqual(object.spec.strategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" },
  });
  assert.equal(object.spec.revisionHistoryLimit, 10);
  assert.equal(object.spec.progressDeadlineSeconds, 600);
  assert.deepEqual(object.spec.template.spec.containers[0].resources, {});
  assert.equal(object.spec.template.spec.containers[0].imagePullPolicy, "IfNotPresent");
});

/** Kubernetes' own words, as its API server answers them. */
const wrong: readonly (readonly [plural: string, group: string, object: Any, errors: string[]])[] = [
  ["pods", "", { spec: {} }, ["spec.containers: Required value"]],
  [
    "pods",
    "",
    { metadata: { name: "Bad_Name" }, spec: { containers: [{ name: "A" }], restartPolicy: "Sometimes" } },
    [
      "metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "spec.containers[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      "spec.containers[0].image: Required value",
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
  ],
  [
    "pods",
    "",
    {
      spec: {
        containers: [
          {
            ...container,
            ports: [
              { containerPort: 70000, name: "web" },
              { containerPort: 80, name: "web" },
            ],
            resources: { requests: { cpu: "2" }, limits: { cpu: "1" } },
            volumeMounts: [{ name: "nope", mountPath: "/x" }],
            readinessProbe: {},
          },
          container,
        ],
      },
    },
    [
      "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      'spec.containers[0].ports[1].name: Duplicate value: "web"',
      'spec.containers[0].volumeMounts[0].name: Not found: "nope"',
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      "spec.containers[0].readinessProbe: Required value: must specify a handler type",
      'spec.containers[1].name: Duplicate value: "a"',
    ],
  ],
  [
    "pods",
    "",
    { spec: { containers: [container], tolerations: [{ key: "a", operator: "Exists", value: "b" }] } },
    ["spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'"],
  ],
  [
    "deployments",
    "apps",
    {
      spec: {
        selector: { matchLabels: { app: "y" } },
        template: { metadata: { labels: { app: "x" } }, spec: { containers: [container] } },
      },
    },
    [
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ],
  ],
  [
    "deployments",
    "apps",
    {
      spec: {
        template: { metadata: { labels: { app: "x" } }, spec: { containers: [container] } },
        strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } },
        replicas: -1,
      },
    },
    [
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      "spec.selector: Required value",
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
      "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ],
  ],
  ["services", "", { spec: {} }, ["spec.ports: Required value"]],
  [
    "services",
    "",
    { metadata: { name: "a.b" }, spec: { ports: [{ port: 80 }, { port: 80, nodePort: 30000, name: "b" }] } },
    [
      'metadata.name: Invalid value: "a.b": must not contain dots',
      "spec.ports[0].name: Required value",
      "spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    "persistentvolumeclaims",
    "",
    { spec: {} },
    [
      "spec.accessModes: Required value: at least 1 access mode is required",
      "spec.resources[storage]: Required value",
    ],
  ],
  [
    "persistentvolumes",
    "",
    { spec: {} },
    [
      "spec.accessModes: Required value",
      "spec.capacity: Required value",
      'spec.capacity: Unsupported value: null: supported values: "storage"',
      "spec: Required value: must specify a volume type",
    ],
  ],
  [
    "volumeattachments",
    "storage.k8s.io",
    {
      spec: {
        attacher: "a.example",
        nodeName: "n",
        source: { inlineVolumeSpec: { accessModes: ["ReadWriteOnce"], hostPath: { path: "../x" } } },
      },
    },
    [
      "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes",
      "spec.source.inlineVolumeSpec.hostPath.path: Invalid value: \"../x\": must not contain '..'",
    ],
  ],
  [
    "validatingwebhookconfigurations",
    "admissionregistration.k8s.io",
    {
      webhooks: [
        {
          name: "a.example.com",
          clientConfig: { url: "https://a:b:c" },
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ],
    },
    [
      'webhooks[0].clientConfig.url: Required value: url must be a valid URL: parse "https://a:b:c": invalid port ":b:c" after host; desired format: https://host[/path]',
    ],
  ],
  [
    "configmaps",
    "",
    { data: { "a b": "" } },
    [
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  [
    "secrets",
    "",
    { type: "kubernetes.io/tls" },
    ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
  ],
  [
    "rolebindings",
    "rbac.authorization.k8s.io",
    { roleRef: { kind: "Thing", name: "r" }, subjects: [{ kind: "User" }] },
    [
      'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"',
      "subjects[0].name: Required value",
    ],
  ],
  ["storageclasses", "storage.k8s.io", {}, ["provisioner: Required value"]],
  [
    "jobs",
    "batch",
    { metadata: { uid: "u" }, spec: { template: { spec: { containers: [container] } } } },
    ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
];

test("mistakes are named with Kubernetes' words, all at once", () => {
  for (const [plural, group, object, errors] of wrong) {
    assert.deepEqual(created(kindOf(plural, group), object).errors, errors, plural);
  }
});

test("a slice's generation counts what the client gave, also what is dropped; a CronJob's what is left", () => {
  const slices = kindOf("endpointslices", "discovery.k8s.io");
  const endpoints = [{ addresses: ["1.2.3.4"], deprecatedTopology: { zone: "z" } }];
  const { object } = created(slices, { addressType: "IPv4", endpoints });
  assert.equal(object.endpoints[0].deprecatedTopology, undefined);
  const again = deepClone(object);
  slices.strategy.prepareForUpdate?.(again, object);
  assert.equal(again.metadata.generation, 1);
  again.endpoints = deepClone(endpoints);
  slices.strategy.prepareForUpdate?.(again, object);
  assert.deepEqual([again.endpoints, again.metadata.generation], [object.endpoints, 2]);
  const jobs = kindOf("cronjobs", "batch");
  const stopping = { ...container, lifecycle: { stopSignal: "SIGTERM" } };
  const template = { spec: { containers: [stopping], restartPolicy: "Never" } };
  const cron = created(jobs, { spec: { schedule: "@daily", jobTemplate: { spec: { template } } } }).object;
  const same = deepClone(cron);
  same.spec.jobTemplate.spec.template.spec.containers[0].lifecycle = { stopSignal: "SIGTERM" };
  jobs.strategy.prepareForUpdate?.(same, cron);
  assert.equal(same.metadata.generation, 1);
});

test("what may not change after creation is refused", () => {
  const pods = kindOf("pods");
  const pod = created(pods, { spec: { containers: [container] } }).object;
  const change = (edit: (copy: Any) => void): string[] => {
    const copy = deepClone(pod);
    edit(copy);
    return updated(pods, copy, pod);
  };
  assert.deepEqual(
    change((copy) => (copy.spec.containers[0].image = "nginx:2")),
    [],
  );
  assert.deepEqual(
    change((copy) => (copy.spec.activeDeadlineSeconds = 5)),
    [],
  );
  assert.deepEqual(
    change((copy) => (copy.spec.tolerations = [{ key: "a", operator: "Exists" }])),
    [],
  );
  assert.match(
    change((copy) => (copy.spec.nodeName = "n"))[0] ?? "",
    /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,/,
  );
  assert.deepEqual(
    change((copy) => copy.spec.containers.push({ ...copy.spec.containers[0], name: "b" })),
    ["spec.containers: Forbidden: pod updates may not add or remove containers"],
  );
  const deployments = kindOf("deployments", "apps");
  const old = created(deployments, deployment()).object;
  const next = deepClone(old);
  next.spec.selector.matchLabels = { app: "x", b: "c" };
  next.spec.template.metadata.labels = { app: "x", b: "c" };
  assert.deepEqual(updated(deployments, next, old), [
    'spec.selector: Invalid value: {"matchLabels":{"app":"x","b":"c"}}: field is immutable',
  ]);
  const services = kindOf("services");
  const service = created(services, {
    spec: { ports: [{ port: 80 }], clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"] },
  }).object;
  const moved = deepClone(service);
  moved.spec.clusterIP = "10.0.0.2";
  moved.spec.clusterIPs = ["10.0.0.2"];
  assert.deepEqual(updated(services, moved, service), [
    'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
  ]);
  const config = kindOf("configmaps");
  const fixed = created(config, { data: { a: "1" }, immutable: true }).object;
  assert.deepEqual(updated(config, { ...fixed, data: { a: "2" } }, fixed), [
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
});

test("a Service keeps its addresses and ports when an update leaves them out", () => {
  const kind = kindOf("services");
  const old = created(kind, {
    spec: {
      type: "NodePort",
      ports: [{ port: 80, nodePort: 30001 }],
      clusterIP: "10.0.0.1",
      clusterIPs: ["10.0.0.1"],
    },
  }).object;
  const next: Any = { metadata: deepClone(old.metadata), spec: { type: "NodePort", ports: [{ port: 81 }] } };
  kind.defaults?.(next);
  kind.strategy.prepareForUpdate?.(next, old);
  assert.equal(next.spec.clusterIP, "10.0.0.1");
  assert.equal(next.spec.ports[0].nodePort, 30001);
  const plain: Any = {
    metadata: deepClone(old.metadata),
    spec: { ...deepClone(old.spec), type: "ClusterIP" },
  };
  kind.defaults?.(plain);
  kind.strategy.prepareForUpdate?.(plain, old);
  assert.equal(plain.spec.ports[0].nodePort, undefined);
  assert.deepEqual(texts(kind.strategy.validateUpdate?.(plain, old)), []);
});

test("generation counts changes of the spec, and each endpoint keeps what belongs to the other", () => {
  const kind = kindOf("deployments", "apps");
  const old = created(kind, deployment()).object;
  const same: Any = deepClone(old);
  same.metadata.labels = { a: "b" };
  same.status = { replicas: 9 };
  kind.strategy.prepareForUpdate?.(same, old);
  assert.equal(same.metadata.generation, 1);
  assert.deepEqual(same.status, {});
  const scaled: Any = deepClone(old);
  scaled.spec.replicas = 5;
  kind.strategy.prepareForUpdate?.(scaled, old);
  assert.equal(scaled.metadata.generation, 2);
  const status: Any = deepClone(old);
  status.spec.replicas = 7;
  status.status = { replicas: 3 };
  kind.status?.prepareForUpdate?.(status, old);
  assert.equal(status.spec.replicas, 1);
  assert.deepEqual(status.status, { replicas: 3 });
});

test("events are one thing in two spellings", () => {
  const kind = kindOf("events", "events.k8s.io");
  const event: Any = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "e", namespace: "default" },
    regarding: { kind: "Pod", name: "p", namespace: "default" },
    note: "hello",
    reason: "R",
    reportingController: "c",
  };
  const before = deepClone(event);
  kind.storedAs?.toStored(event);
  assert.equal(event.message, "hello");
  assert.equal(event.involvedObject.name, "p");
  kind.storedAs?.fromStored(event);
  assert.deepEqual(event, { ...before, deprecatedSource: {} });
});

test("autoscalers in the older spelling are stored in the newer one and come back the same", () => {
  const kind = findKind("autoscaling", "v1", "horizontalpodautoscalers");
  const scaler: Any = {
    apiVersion: "autoscaling/v1",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h", namespace: "default" },
    spec: {
      maxReplicas: 3,
      minReplicas: 1,
      scaleTargetRef: { kind: "Deployment", name: "d" },
      targetCPUUtilizationPercentage: 70,
    },
  };
  const before = deepClone(scaler);
  kind?.storedAs?.toStored(scaler);
  kind?.defaults?.(scaler);
  assert.deepEqual(scaler.spec.metrics, [
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
  ]);
  kind?.storedAs?.fromStored(scaler);
  assert.deepEqual(scaler, before);
});
