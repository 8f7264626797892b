import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { KubeObject } from "../../../api/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../../flags.ts";

/** Builds the object of `kubectl create KIND NAME`; pure except for the files that the user names. */
export interface Generator {
  usage: string;
  flags: readonly FlagSpec[];
  /** `rest`: the arguments after `--`. */
  make(
    name: string,
    flags: Flags,
    rest: readonly string[],
    more: readonly string[],
  ): KubeObject & Record<string, unknown>;
}

const fromFlags: readonly FlagSpec[] = [
  { long: "from-literal", type: "list", help: "KEY=VALUE" },
  { long: "from-file", type: "list", help: "[KEY=]FILE or a folder" },
  { long: "from-env-file", type: "list", help: "a file of KEY=VALUE lines" },
];

/** Data of ConfigMaps and Secrets from the `--from-*` flags. */
function dataOf(flags: Flags): Map<string, Buffer> {
  const data = new Map<string, Buffer>();
  const put = (key: string, value: Buffer): void => {
    if (!/^[-._a-zA-Z0-9]+$/.test(key))
      throw new Error(
        `"${key}" is not a valid key name: a valid config key must consist of alphanumeric characters, '-', '_' or '.'`,
      );
    if (data.has(key)) throw new Error(`cannot add key ${key}, another key by that name already exists`);
    data.set(key, value);
  };
  for (const literal of flags.list("from-literal")) {
    const equals = literal.indexOf("=");
    if (equals <= 0) throw new Error(`invalid literal source ${literal}, expected key=value`);
    put(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1)));
  }
  for (const source of flags.list("from-file")) {
    const equals = source.indexOf("=");
    const path = source.slice(equals + 1);
    if (equals < 0 && statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (statSync(join(path, name)).isFile()) put(name, readFileSync(join(path, name)));
      }
    } else put(equals < 0 ? basename(path) : source.slice(0, equals), readFileSync(path));
  }
  for (const file of flags.list("from-env-file")) {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      const text = line.trimStart();
      if (text === "" || text.startsWith("#")) continue;
      const equals = text.indexOf("=");
      if (equals < 0) put(text, Buffer.from(process.env[text] ?? ""));
      else put(text.slice(0, equals), Buffer.from(text.slice(equals + 1)));
    }
  }
  return data;
}

const isText = (value: Buffer): boolean => Buffer.from(value.toString("utf8"), "utf8").equals(value);

function pairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    texts
      .flatMap((text) => text.split(","))
      .map((text) => {
        const equals = text.indexOf("=");
        if (equals <= 0) throw new UsageError(`--${flag} wants KEY=VALUE, got "${text}"`);
        return [text.slice(0, equals), text.slice(equals + 1)];
      }),
  );
}

/** `PORT[:TARGET]` of `create service --tcp`. */
function servicePorts(flags: Flags): object[] {
  return flags.list("tcp").map((text) => {
    const [port = "", target = port] = text.split(":");
    if (!/^\d+$/.test(port)) throw new UsageError(`--tcp wants PORT:TARGET, got "${text}"`);
    return {
      name: text.replace(":", "-"),
      port: Number(port),
      protocol: "TCP",
      targetPort: /^\d+$/.test(target) ? Number(target) : target,
    };
  });
}

function service(type: string): Generator {
  return {
    usage: `service ${type.toLowerCase()} NAME [--tcp=PORT:TARGET]`,
    flags: [
      { long: "tcp", type: "list", help: "PORT:TARGET" },
      { long: "clusterip", type: "string", help: "a fixed address, or None" },
      { long: "node-port", type: "int", help: "a fixed node port" },
      { long: "external-name", type: "string", help: "for externalname" },
    ],
    make(name, flags) {
      const ports = servicePorts(flags).map((port) => ({
        ...port,
        ...(flags.int("node-port") ? { nodePort: flags.int("node-port") } : {}),
      }));
      return {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, labels: { app: name } },
        spec: {
          type,
          selector: { app: name },
          ...(ports.length > 0 ? { ports } : {}),
          ...(flags.has("clusterip") ? { clusterIP: flags.text("clusterip") } : {}),
          ...(flags.has("external-name") ? { externalName: flags.text("external-name") } : {}),
        },
      };
    },
  };
}

function role(kind: "Role" | "ClusterRole"): Generator {
  return {
    usage: `${kind.toLowerCase()} NAME --verb=VERB --resource=RESOURCE[.GROUP]`,
    flags: [
      { long: "verb", type: "list", help: "verbs, with commas" },
      { long: "resource", type: "list", help: "resources as plural[.group], with commas" },
      { long: "resource-name", type: "list", help: "only these objects" },
      { long: "non-resource-url", type: "list", help: "paths (ClusterRole)" },
    ],
    make(name, flags) {
      const verbs = flags.list("verb").flatMap((text) => text.split(","));
      if (verbs.length === 0) throw new UsageError("at least one verb must be specified");
      const byGroup = new Map<string, string[]>();
      for (const text of flags.list("resource").flatMap((list) => list.split(","))) {
        const [resource = "", ...group] = text.split(".");
        byGroup.set(group.join("."), [...(byGroup.get(group.join(".")) ?? []), resource]);
      }
      const names = flags.list("resource-name");
      const rules: object[] = [...byGroup].map(([group, resources]) => ({
        apiGroups: [group],
        resources,
        verbs,
        ...(names.length > 0 ? { resourceNames: names } : {}),
      }));
      const urls = flags.list("non-resource-url");
      if (urls.length > 0) rules.push({ nonResourceURLs: urls, verbs });
      if (rules.length === 0) throw new UsageError("at least one resource must be specified");
      return { apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata: { name }, rules };
    },
  };
}

function binding(kind: "RoleBinding" | "ClusterRoleBinding"): Generator {
  return {
    usage: `${kind.toLowerCase()} NAME --clusterrole=NAME [--user=U] [--group=G] [--serviceaccount=NS:NAME]`,
    flags: [
      { long: "clusterrole", type: "string", help: "the ClusterRole" },
      { long: "role", type: "string", help: "the Role (RoleBinding)" },
      { long: "user", type: "list", help: "users" },
      { long: "group", type: "list", help: "groups" },
      { long: "serviceaccount", type: "list", help: "NAMESPACE:NAME" },
    ],
    make(name, flags) {
      const clusterRole = flags.text("clusterrole");
      const ref = clusterRole ?? flags.text("role");
      if (!ref) throw new UsageError("exactly one of clusterrole or role must be specified");
      const apiGroup = "rbac.authorization.k8s.io";
      return {
        apiVersion: `${apiGroup}/v1`,
        kind,
        metadata: { name },
        roleRef: { apiGroup, kind: clusterRole ? "ClusterRole" : "Role", name: ref },
        subjects: [
          ...flags.list("user").map((user) => ({ apiGroup, kind: "User", name: user })),
          ...flags.list("group").map((group) => ({ apiGroup, kind: "Group", name: group })),
          ...flags.list("serviceaccount").map((text) => {
            const [namespace = "", account = ""] = text.split(":");
            if (!namespace || !account) throw new UsageError("serviceaccount must be <namespace>:<name>");
            return { kind: "ServiceAccount", name: account, namespace };
          }),
        ],
      };
    },
  };
}

export const generators: Record<string, Generator> = {
  namespace: {
    usage: "namespace NAME",
    flags: [],
    make: (name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  },
  serviceaccount: {
    usage: "serviceaccount NAME",
    flags: [],
    make: (name) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } }),
  },
  configmap: {
    usage: "configmap NAME [--from-literal=K=V] [--from-file=[K=]FILE] [--from-env-file=FILE]",
    flags: fromFlags,
    make(name, flags) {
      const entries = [...dataOf(flags)];
      const text = entries
        .filter(([, value]) => isText(value))
        .map(([key, value]) => [key, value.toString("utf8")]);
      const binary = entries
        .filter(([, value]) => !isText(value))
        .map(([key, value]) => [key, value.toString("base64")]);
      return {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name },
        ...(text.length > 0 ? { data: Object.fromEntries(text) } : {}),
        ...(binary.length > 0 ? { binaryData: Object.fromEntries(binary) } : {}),
      };
    },
  },
  "secret generic": {
    usage: "secret generic NAME [--from-literal=K=V] [--from-file=[K=]FILE] [--type=TYPE]",
    flags: [...fromFlags, { long: "type", type: "string", help: "the Secret's type" }],
    make: (name, flags) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name },
      ...(flags.has("type") ? { type: flags.text("type") } : {}),
      data: Object.fromEntries([...dataOf(flags)].map(([key, value]) => [key, value.toString("base64")])),
    }),
  },
  "secret docker-registry": {
    usage:
      "secret docker-registry NAME --docker-username=U --docker-password=P [--docker-server=S] [--docker-email=E]",
    flags: [
      { long: "docker-server", type: "string", help: "the registry, default https://index.docker.io/v1/" },
      { long: "docker-username", type: "string", help: "the user" },
      { long: "docker-password", type: "string", help: "the password" },
      { long: "docker-email", type: "string", help: "an address for mail" },
    ],
    make(name, flags) {
      const username = flags.text("docker-username");
      const password = flags.text("docker-password");
      if (!username || !password)
        throw new UsageError("--docker-username and --docker-password must be given");
      const server = flags.text("docker-server") ?? "https://index.docker.io/v1/";
      const email = flags.text("docker-email");
      const auth = Buffer.from(`${username}:${password}`).toString("base64");
      const login = { username, password, ...(email ? { email } : {}), auth };
      const config = JSON.stringify({ auths: { [server]: login } });
      return {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name },
        type: "kubernetes.io/dockerconfigjson",
        data: { ".dockerconfigjson": Buffer.from(config).toString("base64") },
      };
    },
  },
  poddisruptionbudget: {
    usage: "poddisruptionbudget NAME --selector=K=V (--min-available=N | --max-unavailable=N)",
    flags: [
      { long: "selector", type: "string", help: "labels of the pods" },
      { long: "min-available", type: "string", help: "pods that must stay, a number or a percentage" },
      { long: "max-unavailable", type: "string", help: "pods that may go, a number or a percentage" },
    ],
    make(name, flags) {
      const min = flags.text("min-available");
      const max = flags.text("max-unavailable");
      if (!flags.text("selector")) throw new UsageError("a selector must be specified");
      if ((min === undefined) === (max === undefined)) {
        throw new UsageError("one of min-available or max-unavailable must be specified");
      }
      const amount = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);
      const matchLabels = pairs([flags.text("selector") ?? ""], "selector");
      return {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name },
        spec: {
          ...(min === undefined ? { maxUnavailable: amount(max ?? "") } : { minAvailable: amount(min) }),
          selector: { matchLabels },
        },
      };
    },
  },
  "secret tls": {
    usage: "secret tls NAME --cert=FILE --key=FILE",
    flags: [
      { long: "cert", type: "string", help: "PEM certificate" },
      { long: "key", type: "string", help: "PEM key" },
    ],
    make(name, flags) {
      const read = (flag: string): string => {
        const file = flags.text(flag);
        if (!file) throw new UsageError(`${flag} must be specified`);
        return readFileSync(file).toString("base64");
      };
      return {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name },
        type: "kubernetes.io/tls",
        data: { "tls.crt": read("cert"), "tls.key": read("key") },
      };
    },
  },
  deployment: {
    usage: "deployment NAME --image=IMAGE [--replicas=N] [--port=P] [-- COMMAND ARG...]",
    flags: [
      { long: "image", type: "list", help: "image to run; several make several containers" },
      { long: "replicas", short: "r", type: "int", help: "how many pods" },
      { long: "port", type: "int", help: "the port the container exposes" },
    ],
    make(name, flags, rest) {
      const images = flags.list("image");
      if (images.length === 0) throw new UsageError('required flag(s) "image" not set');
      const containers = images.map((image) => ({
        name: (basename(image).split(/[:@]/)[0] ?? "").replace(/[^a-z0-9-]/g, "-"),
        image,
        ...(rest.length > 0 ? { command: [...rest] } : {}),
        ...(flags.int("port") ? { ports: [{ containerPort: flags.int("port") }] } : {}),
      }));
      return {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, labels: { app: name } },
        spec: {
          replicas: flags.int("replicas") ?? 1,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers } },
        },
      };
    },
  },
  job: {
    usage: "job NAME --image=IMAGE [-- COMMAND ARG...]",
    flags: [{ long: "image", type: "list", help: "image to run" }],
    make(name, flags, rest) {
      const [image] = flags.list("image");
      if (!image) throw new UsageError("either --image or --from must be specified");
      const container = { name, image, ...(rest.length > 0 ? { command: [...rest] } : {}) };
      return {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name },
        spec: { template: { spec: { containers: [container], restartPolicy: "Never" } } },
      };
    },
  },
  cronjob: {
    usage: "cronjob NAME --image=IMAGE --schedule='0/5 * * * ?' [-- COMMAND ARG...]",
    flags: [
      { long: "image", type: "list", help: "image to run" },
      { long: "schedule", type: "string", help: "when, in cron's form" },
      { long: "restart", type: "string", help: "OnFailure or Never" },
    ],
    make(name, flags, rest) {
      const container = {
        name,
        image: flags.list("image")[0] ?? "",
        ...(rest.length > 0 ? { command: [...rest] } : {}),
      };
      const restartPolicy = flags.text("restart") ?? "OnFailure";
      return {
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name },
        spec: {
          schedule: flags.text("schedule") ?? "",
          jobTemplate: {
            metadata: { name },
            spec: { template: { spec: { containers: [container], restartPolicy } } },
          },
        },
      };
    },
  },
  priorityclass: {
    usage: "priorityclass NAME --value=N [--global-default]",
    flags: [
      { long: "value", type: "int", help: "the priority" },
      { long: "global-default", type: "boolean", help: "for pods that name none" },
      { long: "description", type: "string", help: "what it is for" },
    ],
    make: (name, flags) => ({
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name },
      value: flags.int("value") ?? 0,
      globalDefault: flags.on("global-default"),
      description: flags.text("description") ?? "",
    }),
  },
  quota: {
    usage: "quota NAME --hard=cpu=1,pods=2",
    flags: [{ long: "hard", type: "list", help: "RESOURCE=AMOUNT, with commas" }],
    make: (name, flags) => ({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name },
      spec: { hard: pairs(flags.list("hard"), "hard") },
    }),
  },
  "service clusterip": service("ClusterIP"),
  "service nodeport": service("NodePort"),
  "service loadbalancer": service("LoadBalancer"),
  "service externalname": service("ExternalName"),
  role: role("Role"),
  clusterrole: role("ClusterRole"),
  rolebinding: binding("RoleBinding"),
  clusterrolebinding: binding("ClusterRoleBinding"),
};

/** Aliases of the generator. */
export const generatorAliases: Record<string, string> = {
  ns: "namespace",
  sa: "serviceaccount",
  cm: "configmap",
  deploy: "deployment",
  cj: "cronjob",
  pc: "priorityclass",
  pdb: "poddisruptionbudget",
  resourcequota: "quota",
};
