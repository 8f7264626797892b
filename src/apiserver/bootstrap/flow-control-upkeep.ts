/** Maintains the default FlowSchemas and priority levels, and updates those that administrators have not taken over. */
import type { KubeObject } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";
import { updateObject } from "../verbs/update.ts";
import { flowControlProducer, flowSchemas, priorityLevels } from "./flow-control.ts";
import { quietly } from "./quietly.ts";
import { Repeated } from "./repeated.ts";
import { deleteAsServer, serverCall } from "./server-call.ts";

const group = "flowcontrol.apiserver.k8s.io";
const annotation = "apf.kubernetes.io/autoupdate-spec";
/** Always restored, whatever their annotation says. */
const mandatory = new Set(["exempt", "catch-all"]);
const everyMs = 60_000;
const retryMs = 1000;

type WithSpec = KubeObject & { spec?: { exempt?: object } };

/** The corrected object; undefined when it is correct. */
function revised(current: KubeObject, wanted: KubeObject): KubeObject | undefined {
  const { metadata = {} } = current;
  const said = asBoolean(metadata.annotations?.[annotation]);
  // Not changed since its creation.
  const updates = mandatory.has(metadata.name ?? "") || (said ?? metadata.generation === 1);
  const { spec } = wanted as WithSpec;
  const present = (current as WithSpec).spec;
  // Administrators may set the limits of the exempt level.
  const expected = spec?.exempt && present?.exempt ? { ...spec, exempt: present.exempt } : spec;
  const changes = updates && !deepEqual(expected, present);
  if (!changes && said === updates) return undefined;
  const annotations = { ...metadata.annotations, [annotation]: String(updates) };
  return { ...current, metadata: { ...metadata, annotations }, ...(changes ? { spec } : {}) } as KubeObject;
}

/** An object of a former version of the server, which administrators have not taken over. */
const isLeftOver = ({ metadata }: KubeObject, wanted: readonly KubeObject[]): boolean =>
  asBoolean(metadata?.annotations?.[annotation]) === true &&
  !wanted.some((each) => each.metadata?.name === metadata?.name);

const asBoolean = (text: string | undefined): boolean | undefined => {
  if (text === undefined) return undefined;
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
};

async function ensureFlowControl(core: Core): Promise<void> {
  for (const [plural, wanted] of [
    ["prioritylevelconfigurations", priorityLevels],
    ["flowschemas", flowSchemas],
  ] as const) {
    const resource = core.registry.find(group, "v1", plural);
    if (!resource) continue;
    const leftOver = resource.cache
      .list("")
      .map(({ object }) => object)
      .filter((object) => isLeftOver(object, wanted));
    await Promise.all([
      ...wanted.map((each) => ensure(core, resource, each)),
      ...leftOver.map(({ metadata }) =>
        quietly(() => deleteAsServer(core, resource, "", metadata?.name ?? "")),
      ),
    ]);
  }
}

/** Runs every minute, as in Kubernetes, and every second until it has succeeded. `done` is called after each success. */
export function keepFlowControl(core: Core, done: () => void): Repeated {
  return new Repeated(
    core.clock,
    everyMs,
    async () => {
      await ensureFlowControl(core);
      done();
    },
    (error) => core.log.warn("the default flow control objects could not be kept up", { error }),
    retryMs,
  );
}

async function ensure(core: Core, resource: ServedResource, wanted: KubeObject): Promise<void> {
  const name = wanted.metadata?.name ?? "";
  const entry = resource.cache.get(name);
  // Copied, since the lists are constants and writes change objects.
  if (!entry) await quietly(() => createObject(producerCall(core, resource, ""), structuredClone(wanted)));
  else if (revised(entry.object, wanted))
    await quietly(() =>
      updateObject(producerCall(core, resource, name), (present) => {
        const copy = present.copy();
        return revised(copy, structuredClone(wanted)) ?? copy;
      }),
    );
}

function producerCall(core: Core, resource: ServedResource, name: string) {
  const call = serverCall(core, resource, "", name);
  call.info.query.set("fieldManager", flowControlProducer);
  return call;
}
