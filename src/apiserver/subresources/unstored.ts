/** Resources of the core group that are not stored: Bindings and ComponentStatuses. */
import type { KubeObject } from "../../api/index.ts";
import { Entry } from "../cache/entry.ts";
import type { Call } from "../core.ts";
import { notFound } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { Answer } from "../response.ts";
import { readListOptions } from "../verbs/list-options.ts";
import { answerList } from "../verbs/list.ts";
import { objectAnswer } from "../verbs/output.ts";
import { createBinding } from "./binding.ts";

type Verbs = Readonly<Record<string, (call: Call) => Promise<Answer>>>;

async function components({ core, resource }: Call): Promise<Entry[]> {
  const states = await core.components();
  return states.map(({ name, error }) => {
    const condition =
      error === undefined
        ? { type: "Healthy", status: "True", message: "ok" }
        : { type: "Healthy", status: "False", message: error };
    const object = {
      kind: resource.def.kind,
      apiVersion: resource.apiVersion,
      metadata: { name },
      conditions: [condition],
    };
    return new Entry(name, 0, Buffer.from(JSON.stringify(object)), object as KubeObject);
  });
}

const componentStatuses: Verbs = {
  async get(call) {
    const found = (await components(call)).find(({ name }) => name === call.info.name);
    if (!found) throw notFound({ ...call.resource.def, plural: "componentstatus" }, call.info.name);
    return objectAnswer(call, 200, found);
  },
  async list(call) {
    const { selection } = readListOptions(call);
    const found = (await components(call)).filter((entry) => selection.all || selection.matches(entry));
    return answerList(call, found, {});
  },
};

const bindings: Verbs = { create: createBinding };

/** The verbs of a resource that is not stored; undefined for stored ones. */
export function unstoredVerbs({ def }: ServedResource): Verbs | undefined {
  if (def.group !== "") return undefined;
  if (def.plural === "componentstatuses") return componentStatuses;
  return def.plural === "bindings" ? bindings : undefined;
}
