/** The path of a walk through an object, formatted only for errors. */
import type { TypeSchema } from "./schema.ts";

const only = (names: string): ((field: string) => boolean) => {
  const set = new Set(names.split(" "));
  return (field) => set.has(field);
};

/** Go types with embedded structs, whose names are part of error paths although they are not in JSON. */
const embedded: Readonly<Record<string, readonly (readonly [string, (field: string) => boolean])[]>> = {
  Volume: [["VolumeSource", (field) => field !== "name"]],
  PersistentVolumeSpec: [
    [
      "PersistentVolumeSource",
      only(
        "gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi cinder cephfs fc flocker flexVolume " +
          "azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO local storageos csi",
      ),
    ],
  ],
  Probe: [["ProbeHandler", only("exec httpGet tcpSocket grpc")]],
  EphemeralContainer: [["EphemeralContainerCommon", (field) => field !== "targetContainerName"]],
  IngressRule: [["IngressRuleValue", only("http")]],
  RuleWithOperations: [["Rule", (field) => field !== "operations"]],
  NamedRuleWithOperations: [
    ["RuleWithOperations", (field) => field !== "resourceNames"],
    ["Rule", (field) => field !== "resourceNames" && field !== "operations"],
  ],
  DeviceClaimConfiguration: [["DeviceConfiguration", only("opaque")]],
  DeviceClassConfiguration: [["DeviceConfiguration", only("opaque")]],
  DeviceAllocationConfiguration: [["DeviceConfiguration", only("opaque")]],
  ...Object.fromEntries(
    [
      "SecretProjection",
      "ConfigMapVolumeSource",
      "ConfigMapProjection",
      "ConfigMapKeySelector",
      "SecretKeySelector",
      "ConfigMapEnvSource",
      "SecretEnvSource",
    ].map((name) => [name, [["LocalObjectReference", only("name")] as const]]),
  ),
};

/** By the type's full name including its package. */
const embeddedOf = new Map<string, (typeof embedded)[string] | undefined>();

/** `VolumeSource.` for a Volume's embedded fields, and "" for others. */
function embeddedPath(type: string, field: string): string {
  let structs = embeddedOf.get(type);
  if (!structs && !embeddedOf.has(type)) {
    structs = embedded[type.slice(type.lastIndexOf(".") + 1)];
    embeddedOf.set(type, structs);
  }
  if (!structs) return "";
  return structs.map(([struct, has]) => (has(field) ? `${struct}.` : "")).join("");
}

export class Way {
  /** Member names and list indices. */
  readonly #steps: (string | number)[] = [];
  /** The types with these members as fields; undefined for map keys and indices. */
  readonly #types: (TypeSchema | undefined)[] = [];
  /** Whether the walk continues after wrong values, to find others. */
  goesOn = false;

  enter(step: string | number, type?: TypeSchema): void {
    this.#steps.push(step);
    this.#types.push(type);
  }

  leave(): void {
    this.#steps.pop();
    this.#types.pop();
  }

  get depth(): number {
    return this.#steps.length;
  }

  /** Leaves what was entered beyond this depth, after an error. */
  returnTo(depth: number): void {
    this.#steps.length = depth;
    this.#types.length = depth;
  }

  /** The path of a member, with indices: `spec.containers[0].image`. */
  path(member: string): string {
    let path = "";
    for (const step of [...this.#steps, member]) {
      if (typeof step === "number") path += `[${step}]`;
      else path += path === "" ? step : `.${step}`;
    }
    return path;
  }

  /** The path as in errors of Go's decoder: `spec.containers.image`. */
  get goPath(): string {
    const names: string[] = [];
    for (const [i, type] of this.#types.entries()) {
      const step = this.#steps[i];
      if (type && typeof step === "string") names.push(embeddedPath(type.name, step) + step);
    }
    return names.join(".");
  }
}
