/** The encoded events of a watch. Watches with the same form share them. */
import { fillWritten, type KubeObject, typeOfKind } from "../../api/index.ts";
import { stringifyExact } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Change } from "../cache/watch-cache.ts";
import { encodeObject, enveloped, watchFrame } from "../codec/protobuf/envelope.ts";
import { messages } from "../codec/protobuf/messages.ts";
import type { Call } from "../core.ts";
import { includeOf, tableOf } from "../tables/render.ts";
import { goTypeOf } from "../registry/go-type.ts";
import { shaped } from "./output.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

const addedHead = Buffer.from('{"type":"ADDED","object":');
const eventTail = Buffer.from("}\n");

export class EventFrames {
  readonly #call: Call;
  readonly #look: string;
  /** Only the first event of a table has columns. */
  #columnsTold = false;

  constructor(call: Call) {
    this.#call = call;
    const { target, info, resource } = call;
    const encoding = target.format === "protobuf" ? "protobuf " : "";
    this.#look =
      encoding +
      (target.as === "object"
        ? resource.def.storedAs
          ? resource.apiVersion
          : ""
        : `${resource.apiVersion} ${target.as} ${target.asVersion} ${info.query.get("includeObject") ?? ""}`);
  }

  /** `keep`: for other watches with the same form. */
  of(change: Change, type: EventType, keep: boolean): Uint8Array {
    const key = `${type}${this.#look}${this.#withColumns() ? " columns" : ""}`;
    let frame = change.frames?.get(key);
    if (!frame) {
      // An object that ceases to match is shown in its last matching state, at the revision of the change.
      const left = type === "DELETED" && change.type !== "deleted" && change.previous;
      frame = this.#encode(type, left ? this.#call.resource.at(left, change.revision) : change.entry);
      if (keep) {
        change.frames ??= new Map();
        change.frames.set(key, frame);
      }
    }
    this.#columnsTold = true;
    return frame;
  }

  /** One initial object, in parts: not copied, since it is not shared. */
  added(entry: Entry): Uint8Array[] {
    const { target, resource } = this.#call;
    if (target.as === "object" && target.format === "json")
      return [addedHead, resource.json(entry), eventTail];
    const frame = this.#encode("ADDED", entry);
    this.#columnsTold = true;
    return [frame];
  }

  #withColumns(): boolean {
    return this.#call.target.as === "table" && !this.#columnsTold;
  }

  #encode(type: EventType, entry: Entry): Uint8Array {
    const { target, resource } = this.#call;
    if (target.as === "object" && target.format === "protobuf") {
      const bytes = enveloped(resource.apiVersion, resource.def.kind, resource.message(entry));
      return watchFrame(type, bytes);
    }
    if (target.as === "object") {
      const json = resource.json(entry);
      const head = `{"type":"${type}","object":`;
      const out = Buffer.allocUnsafe(head.length + json.length + 2);
      out.write(head, 0, "latin1");
      json.copy(out, head.length);
      out.write("}\n", head.length + json.length, "latin1");
      return out;
    }
    return this.event(type, this.#transformed(resource.object(entry)));
  }

  #transformed(object: KubeObject): object {
    const { target, resource, core, info } = this.#call;
    const { def } = resource;
    const look = { def, query: info.query, now: core.clock.now() };
    if (target.as !== "table") return shaped(object, target, goTypeOf(def), look);
    return this.#table([object], includeOf(info.query), object);
  }

  #table(objects: readonly KubeObject[], include: string, { metadata }: KubeObject): object {
    const { resource, core, target } = this.#call;
    return tableOf(resource.def, objects, {
      version: target.asVersion,
      include,
      now: core.clock.now(),
      metadata: { resourceVersion: metadata?.resourceVersion },
      withColumns: this.#withColumns(),
    });
  }

  /** `initialEnd`: the one that ends the initial events. */
  bookmark(initialEnd: boolean, revision: number): Uint8Array {
    const { resource, target } = this.#call;
    const metadata = {
      resourceVersion: String(revision),
      ...(initialEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    };
    const { kind } = resource.def;
    const object = { kind, apiVersion: resource.apiVersion, metadata } as KubeObject;
    if (target.as === "object") {
      const type = resource.def.type ? undefined : typeOfKind(resource.def);
      if (type) fillWritten(type, object as Record<string, unknown>);
      return this.event("BOOKMARK", object);
    }
    if (target.as !== "table") return this.event("BOOKMARK", this.#transformed(object));
    return this.event("BOOKMARK", this.#bookmarkTable(object));
  }

  /** A bookmark is an empty object in Go, so it has a row; columns without a value for it are omitted. */
  #bookmarkTable(object: KubeObject): object {
    const empty = { ...object, spec: {}, status: {}, roleRef: {}, involvedObject: {} } as KubeObject;
    try {
      return this.#transformed(empty);
    } catch {
      return this.#table([], "None", object);
    }
  }

  event(type: EventType, object: object): Uint8Array {
    return this.#call.target.format === "protobuf"
      ? watchFrame(type, encodeObject(messages(), object))
      : Buffer.from(`{"type":"${type}","object":${stringifyExact(object)}}\n`);
  }
}
