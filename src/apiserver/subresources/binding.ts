import type { KubeObject, ObjectMeta, Pod } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { readBody } from "../codec/decode.ts";
import { type Call, nowTime } from "../core.ts";
import { topologyLabels } from "../admission/pod-node.ts";
import { badRequest, conflict, notFound } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";
import { type Answer, jsonAnswer } from "../response.ts";
import { writeObject } from "../core.ts";
import { admitSubresource } from "./admit.ts";

interface Binding extends KubeObject {
  target?: { kind?: string; name?: string };
}

const bindingKind = { group: "", version: "v1", kind: "Binding", plural: "bindings" };

/** `pods/NAME/binding` */
export async function bindPod(call: Call): Promise<Answer> {
  const binding = read(call);
  if (binding.metadata?.name !== call.info.name)
    throw badRequest("name in URL does not match name in Binding object");
  checkTarget(binding);
  return bind(call, call.resource, binding);
}

/** The same by the way of `bindings`, which came first. */
export async function createBinding(call: Call): Promise<Answer> {
  const binding = read(call);
  checkTarget(binding);
  const { name } = binding.metadata as ObjectMeta;
  if (!name) throw badRequest("Name parameter required.");
  const pods = call.core.registry.find("", "v1", "pods") as ServedResource;
  return bind({ ...call, info: { ...call.info, name } }, pods, binding);
}

const read = ({ core, request }: Call): Binding =>
  readBody(request.body, request.headers?.["content-type"], {
    ...bindingKind,
    known: (apiVersion, kind) => core.registry.knows(apiVersion, kind),
  }).object as Binding;

/** Throws 500 with the bare mistakes, as the original does. */
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

/** Puts a pod on a node: the one way spec.nodeName is set after creation. */
async function bind(call: Call, resource: ServedResource, binding: Binding): Promise<Answer> {
  const { info, core } = call;
  const given = binding.metadata as ObjectMeta;
  const node = binding.target?.name as string;
  const key = resource.key(info.namespace, info.name);
  await admitSubresource(call, binding, bindingKind);
  const labels = { ...given.labels, ...topologyLabels(core.caches, node) };
  for (;;) {
    const existing = resource.cache.get(key);
    if (!existing) throw notFound(resource.def, info.name);
    const pod = existing.copy() as Pod;
    const meta = pod.metadata as ObjectMeta;
    if (given.uid && given.uid !== meta.uid) {
      throw conflict(
        resource.def,
        info.name,
        `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${meta.uid}`,
      );
    }
    if (meta.deletionTimestamp) {
      throw conflict(
        resource.def,
        info.name,
        `pod ${info.name} is being deleted, cannot be assigned to a host`,
      );
    }
    if (pod.spec?.nodeName) {
      throw conflict(
        resource.def,
        info.name,
        `pod ${info.name} is already assigned to node "${pod.spec.nodeName}"`,
      );
    }
    if ((pod.spec?.schedulingGates?.length ?? 0) > 0) {
      throw conflict(resource.def, info.name, `pod ${info.name} has non-empty .spec.schedulingGates`);
    }
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
    // The room is taken now: a nomination would only mislead (ClearingNominatedNodeNameAfterBinding, KEP-5278).
    delete pod.status.nominatedNodeName;
    if (call.dryRun) break;
    const result = await writeObject(core, resource, key, pod, existing);
    if (result.done) break;
  }
  return jsonAnswer(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}
