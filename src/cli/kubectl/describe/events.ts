import type { CoreV1Event, KubeObject } from "../../../api/index.ts";
import { lastSeen, timeOf } from "../commands/events.ts";
import type { Session } from "../session.ts";
import type { Writer } from "./writer.ts";

export async function eventsOf(session: Session, object: KubeObject): Promise<CoreV1Event[]> {
  const { name = "", namespace, uid } = object.metadata ?? {};
  const path = namespace ? `/api/v1/namespaces/${namespace}/events` : "/api/v1/events";
  const fieldSelector = [
    `involvedObject.name=${name}`,
    ...(object.kind ? [`involvedObject.kind=${object.kind}`] : []),
    // Events about nodes have the node's name as UID.
    ...(uid && object.kind !== "Node" ? [`involvedObject.uid=${uid}`] : []),
  ].join(",");
  const list = await session.get<{ items: CoreV1Event[] }>(path, { fieldSelector });
  return list.items.sort((a, b) => timeOf(a) - timeOf(b));
}

export function writeEvents(out: Writer, events: readonly CoreV1Event[]): void {
  if (events.length === 0) {
    out.field(0, "Events", "<none>");
    return;
  }
  out.line(0, "Events:");
  out.line(1, "Type", "Reason", "Age", "From", "Message");
  out.line(1, "----", "------", "----", "----", "-------");
  for (const event of events) {
    const from = event.source?.component || event.reportingComponent || "";
    out.line(1, event.type ?? "", event.reason ?? "", lastSeen(event), from, (event.message ?? "").trim());
  }
}
