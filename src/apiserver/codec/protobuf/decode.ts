/** application/vnd.kubernetes.protobuf bodies to the JSON objects they stand for. Typed Go clients send them. */
import { loadProtobufTable } from "../../../api/index.ts";
import { badRequest } from "../../errors.ts";
import { readFields, readPacked, WireError } from "./wire.ts";

export const protobufType = "application/vnd.kubernetes.protobuf";

/** `k8s` and a zero byte, then a runtime.Unknown: 1 TypeMeta, 2 the object, 3 encoding, 4 content type. */
const magic = Buffer.from("k8s\0");
const maxDepth = 100;

type Json = Record<string, unknown>;

interface Field {
  name: string;
  /** Type of the value, or of the elements. */
  type: string;
  list: boolean;
  map: boolean;
  inline: boolean;
  /** Go writes the zero value on the wire and leaves it out of JSON: it says nothing. */
  omitEmpty: boolean;
}

type Message = ReadonlyMap<number, Field>;

/** Decodes bodies once its table is loaded. */
export class ProtobufDecoder {
  readonly #table: Record<string, Record<string, string>>;
  readonly #messages = new Map<string, Message>();

  constructor(table: Record<string, Record<string, string>>) {
    this.#table = table;
  }

  /** Throws StatusError BadRequest. */
  decode(body: Uint8Array): Json {
    try {
      return this.#envelope(body);
    } catch (cause) {
      if (cause instanceof WireError) throw badRequest(`error decoding protobuf: ${cause.message}`, cause);
      throw cause;
    }
  }

  #envelope(body: Uint8Array): Json {
    if (body.length < 4 || magic.compare(body, 0, 4) !== 0) {
      throw new WireError("provided data does not appear to be a protobuf message");
    }
    let apiVersion = "";
    let kind = "";
    let raw: Uint8Array = new Uint8Array(0);
    for (const { number, value } of readFields(body.subarray(4))) {
      if (!(value instanceof Uint8Array)) continue;
      if (number === 2) raw = value;
      if (number !== 1) continue;
      for (const part of readFields(value)) {
        if (part.number === 1) apiVersion = text(part.value);
        if (part.number === 2) kind = text(part.value);
      }
    }
    const name = this.#definition(apiVersion, kind);
    if (!name) throw new WireError(`no kind "${kind}" is registered for version "${apiVersion}"`);
    return { apiVersion, kind, ...this.#message(name, raw, 0) };
  }

  /** Name of a kind's type in the table. */
  #definition(apiVersion: string, kind: string): string | undefined {
    const meta = `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;
    if (kind.endsWith("Options") && this.#table[meta]) return meta;
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    const name = `io.k8s.api.${group === "" ? "core" : group.split(".")[0]}.${version}.${kind}`;
    return this.#table[name] ? name : this.#table[meta] ? meta : undefined;
  }

  #message(name: string, bytes: Uint8Array, depth: number): Json {
    if (depth > maxDepth) throw new WireError("exceeded max depth");
    const message = this.#fields(name);
    const out: Json = {};
    for (const { number, value } of readFields(bytes)) {
      const field = message.get(number);
      if (!field) continue;
      if (field.inline) {
        Object.assign(out, this.#message(field.type, asBytes(value), depth + 1));
      } else if (field.map) this.#mapEntry(out, field, asBytes(value), depth);
      else if (field.list) {
        const list = (out[field.name] ??= []) as unknown[];
        const packed = value instanceof Uint8Array && ["int32", "int64", "bool"].includes(field.type);
        if (packed) for (const each of readPacked(value)) list.push(this.#value(field.type, each, depth));
        else list.push(this.#value(field.type, value, depth));
      } else {
        const made = this.#value(field.type, value, depth);
        const says = made !== undefined && !(field.omitEmpty && isZero(made));
        if (says) out[field.name] = made;
      }
    }
    return out;
  }

  #mapEntry(out: Json, field: Field, bytes: Uint8Array, depth: number): void {
    let key = "";
    let made: unknown;
    for (const { number, value } of readFields(bytes)) {
      if (number === 1) key = text(value);
      if (number === 2) made = this.#value(field.type, value, depth);
    }
    made ??= field.type === "string" || field.type === "bytes" ? "" : {};
    const map = (out[field.name] ??= {}) as Json;
    Object.defineProperty(map, key, { value: made, writable: true, enumerable: true, configurable: true });
  }

  #value(type: string, value: bigint | Uint8Array, depth: number): unknown {
    switch (type) {
      case "string":
        return text(value);
      case "bool":
        return value !== 0n;
      case "int32":
      case "int64":
        return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0;
      case "double": {
        const bits = new DataView(new ArrayBuffer(8));
        bits.setBigUint64(0, typeof value === "bigint" ? value : 0n);
        return bits.getFloat64(0);
      }
      case "bytes":
        return Buffer.from(asBytes(value)).toString("base64");
    }
    const bytes = asBytes(value);
    switch (type.slice(type.lastIndexOf(".") + 1)) {
      case "Time":
        return time(bytes, false);
      case "MicroTime":
        return time(bytes, true);
      case "Quantity":
        return scalar(bytes, 1) ?? "0";
      case "IntOrString": {
        const parts = [...readFields(bytes)];
        const number = (at: number): bigint => parts.find((part) => part.number === at)?.value as bigint;
        const string = parts.find((part) => part.number === 3)?.value;
        return number(1) === 1n
          ? text(string ?? new Uint8Array(0))
          : Number(BigInt.asIntN(64, number(2) ?? 0n));
      }
      case "RawExtension":
      case "FieldsV1":
      case "JSON": {
        const json = scalar(bytes, 1);
        if (!json) return undefined;
        try {
          return JSON.parse(json) as unknown;
        } catch (cause) {
          throw badRequest("error decoding protobuf: an embedded object is not JSON", cause);
        }
      }
      case "ExtraValue":
      case "Verbs":
        return [...readFields(bytes)].map((part) => text(part.value));
    }
    return this.#message(type, bytes, depth + 1);
  }

  #fields(name: string): Message {
    let message = this.#messages.get(name);
    if (!message) {
      const made = new Map<number, Field>();
      const prefix = name.slice(0, name.lastIndexOf("."));
      for (const [json, notation] of Object.entries(this.#table[name] ?? {})) {
        const [number = "0", given = "", ...flags] = notation.split(" ");
        const list = given.startsWith("[]");
        const map = given.startsWith("map<");
        const bare = list ? given.slice(2) : map ? given.slice(4, -1) : given;
        const type = bare.startsWith(".")
          ? `io.k8s${bare}`
          : /^[A-Z]/.test(bare)
            ? `${prefix}.${bare}`
            : bare;
        made.set(Number(number), {
          name: json,
          type,
          list,
          map,
          inline: json.startsWith("("),
          omitEmpty: flags.length === 0,
        });
      }
      message = made;
      this.#messages.set(name, message);
    }
    return message;
  }
}

let decoder: Promise<ProtobufDecoder> | undefined;

/** Loads the table at the first use. */
export function protobufDecoder(): Promise<ProtobufDecoder> {
  decoder ??= loadProtobufTable().then((table) => new ProtobufDecoder(table));
  return decoder;
}

const asBytes = (value: bigint | Uint8Array): Uint8Array => {
  if (value instanceof Uint8Array) return value;
  throw new WireError("wrong wireType for a message");
};

const text = (value: bigint | Uint8Array): string =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : "";

function scalar(bytes: Uint8Array, number: number): string | undefined {
  for (const part of readFields(bytes)) if (part.number === number) return text(part.value);
  return undefined;
}

const isZero = (value: unknown): boolean => value === "" || value === 0 || value === false;

/** metav1.Time: seconds and nanoseconds; an empty message is no time. */
function time(bytes: Uint8Array, micro: boolean): string | undefined {
  let seconds: bigint | undefined;
  let nanos = 0n;
  for (const { number, value } of readFields(bytes)) {
    if (number === 1) seconds = BigInt.asIntN(64, value as bigint);
    if (number === 2) nanos = value as bigint;
  }
  if (seconds === undefined) return undefined;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return micro ? `${whole}.${String(nanos / 1000n).padStart(6, "0")}Z` : `${whole}Z`;
}
