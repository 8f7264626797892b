/** Server-side apply of a large Helm chart's objects, compared with their creation. */
import { drive, median } from "./client.ts";
import { processorTime } from "./process.ts";
import { makeNamespace, removeNamespace, type Server } from "./servers.ts";
import type { Row } from "./table.ts";

const count = 500;
const clients = 8;
const rounds = 3;

interface ChartObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string> };
  [field: string]: unknown;
}

/** Five objects per part of the release. */
function part(i: number): { plural: string; object: ChartObject }[] {
  const name = `release-part-${i}`;
  const labels = {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/instance": "release",
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": "chart-1.2.3",
  };
  const metadata = { name, labels };
  const selector = { "app.kubernetes.io/name": name, "app.kubernetes.io/instance": "release" };
  const probe = { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 10 };
  const container = {
    name: "app",
    image: "registry.example/app:1.2.3",
    ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
    env: Array.from({ length: 6 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}` })),
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "500m", memory: "256Mi" } },
    livenessProbe: probe,
    readinessProbe: probe,
    volumeMounts: [{ name: "config", mountPath: "/etc/app" }],
  };
  const template = {
    metadata: { labels },
    spec: {
      serviceAccountName: name,
      containers: [container],
      volumes: [{ name: "config", configMap: { name } }],
    },
  };
  const rules = [{ apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["get", "list", "watch"] }];
  const ports = [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }];
  const data = Object.fromEntries(
    Array.from({ length: 10 }, (_, n) => [`key-${n}`, `value ${n}\n`.repeat(5)]),
  );
  return [
    { plural: "serviceaccounts", object: { apiVersion: "v1", kind: "ServiceAccount", metadata } },
    { plural: "configmaps", object: { apiVersion: "v1", kind: "ConfigMap", metadata, data } },
    {
      plural: "services",
      object: { apiVersion: "v1", kind: "Service", metadata, spec: { selector, ports } },
    },
    {
      plural: "roles",
      object: { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules },
    },
    {
      plural: "deployments",
      object: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        // None, to avoid work of a peer's controllers.
        spec: { replicas: 0, selector: { matchLabels: selector }, template },
      },
    },
  ];
}

const chart = Array.from({ length: count / 5 }, (_, i) => part(i)).flat();

function pathOf(namespace: string, { plural, object }: (typeof chart)[number]): string {
  const { apiVersion } = object;
  return `${apiVersion.includes("/") ? "/apis" : "/api"}/${apiVersion}/namespaces/${namespace}/${plural}`;
}

type Each = (server: Server, path: string, object: ChartObject) => Promise<unknown>;

const create: Each = ({ client }, path, object) => client.ok("POST", path, JSON.stringify(object));
const apply: Each = ({ client }, path, object) =>
  client.ok(
    "PATCH",
    `${path}/${object.metadata.name}?fieldManager=helm`,
    JSON.stringify(object),
    "application/apply-patch+yaml",
  );

/** Microseconds of processor time per object. */
async function cost(server: Server, namespace: string, each: Each): Promise<number> {
  const before = processorTime(server.pids);
  await drive(count, clients, (_, i) => {
    const piece = chart[i] as (typeof chart)[number];
    return each(server, pathOf(namespace, piece), piece.object);
  });
  return (processorTime(server.pids) - before) / count;
}

interface Costs {
  created: number;
  applied: number;
  again: number;
}

async function costs(server: Server): Promise<Costs> {
  const found: Costs[] = [];
  // The first round is for warm-up.
  for (let round = 0; round <= rounds; round++) {
    const spaces = [`bench-create-${round}`, `bench-apply-${round}`] as const;
    for (const namespace of spaces) await makeNamespace(server, namespace);
    found.push({
      created: await cost(server, spaces[0], create),
      applied: await cost(server, spaces[1], apply),
      again: await cost(server, spaces[1], apply),
    });
    for (const namespace of spaces) await removeNamespace(server, namespace);
  }
  const middle = (of: (each: Costs) => number): number => median(found.slice(1).map(of));
  return {
    created: middle((each) => each.created),
    applied: middle((each) => each.applied),
    again: middle((each) => each.again),
  };
}

export async function run(servers: readonly Server[]): Promise<Row[]> {
  const ours = await costs(servers[0] as Server);
  const theirs = servers[1] && (await costs(servers[1]));
  const row = (what: string, of: (each: Costs) => number, unit = "us CPU", goal?: number): Row => ({
    what: `a chart of ${count} objects: ${what}`,
    unit,
    goal,
    wherry: of(ours),
    peer: theirs && of(theirs),
  });
  return [
    row("an object created", (each) => each.created),
    row("an object applied, new", (each) => each.applied),
    row("an object applied again, unchanged", (each) => each.again),
    row("applied over created", (each) => each.applied / each.created, "times", 2),
  ];
}
