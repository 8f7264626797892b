import { type KubeObject, schemaLookupFor } from "../../api/index.ts";
import { type ApiTransport, readJson } from "../../client/index.ts";
import {
  createThreeWayMergePatch,
  createThreeWayStrategicPatch,
  isReason,
  StatusError,
} from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";
import { type Manifest, type Served, ServedKinds } from "./manifest.ts";

/** kubectl's annotation of the last applied configuration, so that both can continue from each other. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
const query = "?fieldManager=wherry-up&fieldValidation=Strict";

/** The build of each image that a workload's pods run. Separate from kubectl's annotation, so that kubectl leaves it alone. */
const builtImages = "wherry.dev/images";

/** An image built for these manifests. */
export interface BuiltFor {
  /** Its name in the manifests. */
  image: string;
  id: string;
}

export interface Applied {
  object: KubeObject;
  outcome: "created" | "configured" | "unchanged";
}

/** `deployment.apps/frontend`, as kubectl names objects. */
export function label(object: KubeObject): string {
  const group = object.apiVersion?.includes("/") ? `.${object.apiVersion.split("/")[0]}` : "";
  return `${object.kind?.toLowerCase()}${group}/${object.metadata?.name}`;
}

/** Kinds that others depend on. */
const first = ["Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "ServiceAccount"];
const order = (manifest: Manifest): number => {
  const at = first.indexOf(manifest.object.kind ?? "");
  return at < 0 ? first.length : at;
};

/**
 * Applies manifests, as `kubectl apply` does. A dry run of all comes first, so that a mistake in one leaves nothing half done,
 * except for objects whose namespace is created by the same manifests.
 */
export async function applyManifests(
  api: ApiTransport,
  manifests: readonly Manifest[],
  images: readonly BuiltFor[] = [],
): Promise<Applied[]> {
  const kinds = new ServedKinds(api);
  const definitions = manifests.some((m) => m.object.kind === "CustomResourceDefinition");
  const fresh = new Set(
    manifests.filter((m) => m.object.kind === "Namespace").map((m) => m.object.metadata?.name ?? ""),
  );
  const results = await Promise.allSettled(
    manifests.map(async (manifest) => {
      if (fresh.has(manifest.object.metadata?.namespace ?? "")) return;
      try {
        await applyOne(api, await kinds.find(manifest), manifest, images, true);
      } catch (error) {
        if (definitions && error instanceof ClusterError) return; // may be a kind that is defined here
        throw error;
      }
    }),
  );
  const failed = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  if (failed.length > 0) throw failed.length === 1 ? failed[0] : together(failed);
  const applied: Applied[] = [];
  const sorted = [...manifests].sort((a, b) => order(a) - order(b));
  for (let stage = 0; stage <= first.length; stage++) {
    const now = sorted.filter((manifest) => order(manifest) === stage);
    applied.push(
      ...(await Promise.all(
        now.map(async (manifest) => applyOne(api, await kinds.find(manifest), manifest, images, false)),
      )),
    );
  }
  return applied;
}

function together(errors: readonly unknown[]): ClusterError {
  return new ClusterError(errors.map((e) => (e instanceof Error ? e.message : String(e))).join("\n"));
}

async function applyOne(
  api: ApiTransport,
  served: Served,
  manifest: Manifest,
  images: readonly BuiltFor[],
  dry: boolean,
): Promise<Applied> {
  const { object } = manifest;
  const name = object.metadata?.name ?? "";
  const namespace = served.namespaced ? (object.metadata?.namespace ?? "default") : undefined;
  const collection = `${served.base}${namespace === undefined ? "" : `/namespaces/${namespace}`}/${served.plural}`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  const wanted = withImages(annotated(object, namespace), images);
  const dryRun = dry ? "&dryRun=All" : "";
  const send = async (
    method: "POST" | "PATCH",
    at: string,
    type: string,
    body: unknown,
  ): Promise<KubeObject> =>
    readJson<KubeObject>(
      await api.request({
        method,
        path: `${at}${query}${dryRun}`,
        headers: { "content-type": type },
        body: Buffer.from(JSON.stringify(body)),
      }),
    );
  try {
    for (;;) {
      const current = await existing(api, path);
      if (!current) {
        try {
          return { object: await send("POST", collection, "application/json", wanted), outcome: "created" };
        } catch (error) {
          if (isReason(error, "AlreadyExists")) continue; // made meanwhile
          throw error;
        }
      }
      const { patch, type } = patchFor(current, wanted);
      if (Object.keys(patch).length === 0) return { object: current, outcome: "unchanged" };
      const changed = await send("PATCH", path, type, patch);
      const same = changed.metadata?.resourceVersion === current.metadata?.resourceVersion;
      return { object: changed, outcome: same ? "unchanged" : "configured" };
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new ClusterError(`${manifest.source}: ${label(object)}: ${error.message}`, { cause: error });
  }
}

async function existing(api: ApiTransport, path: string): Promise<KubeObject | undefined> {
  try {
    return await readJson<KubeObject>(await api.request({ method: "GET", path }));
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

function annotated(object: KubeObject, namespace: string | undefined): KubeObject {
  const { [lastApplied]: _, ...annotations } = object.metadata?.annotations ?? {};
  const plain: KubeObject = {
    ...object,
    metadata: { ...object.metadata, ...(namespace === undefined ? {} : { namespace }), annotations },
  };
  const note = `${JSON.stringify(plain)}\n`;
  return { ...plain, metadata: { ...plain.metadata, annotations: { ...annotations, [lastApplied]: note } } };
}

interface Workload extends KubeObject {
  spec?: {
    template?: {
      metadata?: { annotations?: Record<string, string> };
      spec?: { containers?: { image?: string }[]; initContainers?: { image?: string }[] };
    };
  };
}

/** An image rebuilt under the same name changes the pod template, so that its pods are replaced. */
function withImages(object: KubeObject, images: readonly BuiltFor[]): KubeObject {
  const { spec } = object as Workload;
  const template = spec?.template;
  const containers = [...(template?.spec?.initContainers ?? []), ...(template?.spec?.containers ?? [])];
  const used = images.filter(({ image }) => containers.some((container) => container.image === image));
  if (!template || used.length === 0) return object;
  const text = used.map(({ image, id }) => `${image}=${id.replace("sha256:", "").slice(0, 12)}`).join(",");
  const annotations = { ...template.metadata?.annotations, [builtImages]: text };
  return {
    ...object,
    spec: { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
  } as KubeObject;
}

function patchFor(current: KubeObject, wanted: KubeObject): { patch: object; type: string } {
  const note = current.metadata?.annotations?.[lastApplied];
  const original = note === undefined ? {} : (JSON.parse(note) as object);
  const [group, version] = wanted.apiVersion?.includes("/")
    ? wanted.apiVersion.split("/")
    : ["", wanted.apiVersion];
  const schema = schemaLookupFor(group ?? "", version ?? "", wanted.kind ?? "");
  return schema
    ? {
        patch: createThreeWayStrategicPatch(original, wanted, current, schema),
        type: "application/strategic-merge-patch+json",
      }
    : { patch: createThreeWayMergePatch(original, wanted, current), type: "application/merge-patch+json" };
}
