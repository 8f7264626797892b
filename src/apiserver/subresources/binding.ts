import type { KubeObject, ObjectMeta, Pod } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import { type Call, nowTime, writeObject } from "../core.ts";
import { topologyLabels } from "../admission/pod-node.ts";
import { badRequest, conflict, notFound } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";
import { type Answer, jsonAnswer } from "../response.ts";
import { readSpecial } from "../verbs/input.ts";
import { notMeant, uidProblem } from "../verbs/update.ts";
import { admitSubresource } from "./admit.ts";

interface Binding extends KubeObject {
  target?: { kind?: string; name?: string };
}

const bindingKind = { group: "", version: "v1", kind: "Binding", plural: "bindings" };

const source = { ...bindingKind, namespaced: true, schema: "io.k8s.api.core.v1.Binding" };

const read = ({ core, request, info, warnings }: Call): Binding =>
  readSpecial(core.registry, source, request, info, warnings) as Binding;

/** `pods/NAME/binding` */
export async function bindPod(call: Call): Promise<Answer> {
  const binding = read(call);
  return bind(call, call.resource, binding, () => {
    if (binding.metadata?.name !== call.info.name)
      throw badRequest("name in URL does not match name in Binding object");
    checkTarget(binding);
  });
}

/** The same through the older `bindings`. */
export async function createBinding(call: Call): Promise<Answer> {
  const binding = read(call);
  checkTarget(binding);
  const { name, uid: _ignored, ...metadata } = binding.metadata as ObjectMeta;
  if (!name) throw badRequest("Name parameter required.");
  const pods = call.core.registry.find("", "v1", "pods") as ServedResource;
  const meant = { ...binding, metadata: { ...metadata, name } };
  return bind({ ...call, info: { ...call.info, name } }, pods, meant);
}

/** Throws 500 with the bare errors, as Kubernetes does. */
function checkTarget({ target }: Binding): void {
  const mistakes: string[] = [];
  if (target?.kind && target.kind !== "Node") {
    const { kind } = target;
    mistakes.push(
      `target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`,
    );
  }
  if (!target?.name) mistakes.push("target.name: Required value");
  if (mistakes.length === 0) return;
  const text = mistakes.length === 1 ? mistakes[0] : `[${mistakes.join(", ")}]`;
  throw new StatusError("", text as string, { code: 500 });
}

/** Throws 409 when uid or resourceVersion of the Binding do not match the pod. */
function checkMeant(call: Call, { uid, resourceVersion }: ObjectMeta, existing: Entry): void {
  const actual = existing.object.metadata?.uid ?? "";
  const refused = (problem: string): StatusError =>
    conflict(call.resource.def, existing.name, notMeant(call, existing.key, problem));
  if (uid && uid !== actual) throw refused(uidProblem(uid, actual));
  const revision = String(existing.revision);
  if (resourceVersion && resourceVersion !== revision) {
    const what = `ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${revision}`;
    throw refused(`Precondition failed: ${what}`);
  }
}

/** Why the pod cannot be bound. */
function obstacle({ metadata, spec }: Pod): string | undefined {
  const name = metadata?.name;
  if (metadata?.deletionTimestamp) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (spec?.nodeName) return `pod ${name} is already assigned to node "${spec.nodeName}"`;
  if ((spec?.schedulingGates?.length ?? 0) > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

/** Binds a pod to a node: the only way to set spec.nodeName after creation. */
async function bind(
  call: Call,
  resource: ServedResource,
  binding: Binding,
  check?: () => void,
): Promise<Answer> {
  const { info, core } = call;
  const given = binding.metadata as ObjectMeta;
  const node = binding.target?.name as string;
  const key = resource.keyOf(info);
  await admitSubresource(call, binding, bindingKind, check);
  const labels = { ...given.labels, ...topologyLabels(core.caches, node) };
  for (;;) {
    const existing = resource.cache.get(key);
    if (!existing) throw notFound(resource.def, info.name);
    checkMeant({ ...call, resource }, given, existing);
    const pod = existing.copy() as Pod;
    const meta = pod.metadata as ObjectMeta;
    const why = obstacle(pod);
    if (why !== undefined) throw conflict({ ...resource.def, plural: "pods/binding" }, info.name, why);
    if (pod.spec) pod.spec.nodeName = node;
    if (Object.keys(labels).length > 0) meta.labels = { ...meta.labels, ...labels };
    if (given.annotations) meta.annotations = { ...meta.annotations, ...given.annotations };
    const conditions = (pod.status?.conditions ?? []).filter((each) => each.type !== "PodScheduled");
    conditions.push({
      type: "PodScheduled",
      status: "True",
      lastProbeTime: null as unknown as string,
      lastTransitionTime: nowTime(core.clock),
    });
    pod.status = { ...pod.status, conditions };
    // The nomination is no longer needed (ClearingNominatedNodeNameAfterBinding, KEP-5278).
    delete pod.status.nominatedNodeName;
    if (call.dryRun) break;
    const result = await writeObject(core, resource, key, pod, existing, call.request);
    if (result.done) break;
  }
  return jsonAnswer(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}
