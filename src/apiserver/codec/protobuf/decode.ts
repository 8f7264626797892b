/** Decodes application/vnd.kubernetes.protobuf bodies, which typed Go clients send, into JSON objects. */
import { parseExact, setMember, jsonProblem } from "../../../machinery/index.ts";
import { magic } from "./envelope.ts";
import type { Field, Message, Messages } from "./messages.ts";
import { IllegalTagError, WireError, WireReader } from "./wire.ts";

const maxDepth = 100;

type Json = Record<string, unknown>;

/** An error in a body with a valid envelope. */
export class MessageError extends Error {
  override readonly name = "MessageError";
  readonly apiVersion: string;
  readonly kind: string;
  /** True for an unknown kind. */
  readonly unknown: boolean;

  constructor(apiVersion: string, kind: string, unknown: boolean, message: string) {
    super(message);
    this.apiVersion = apiVersion;
    this.kind = kind;
    this.unknown = unknown;
  }
}

/**
 * Decodes an object in its envelope. `expected`: the kind of bodies without one. Throws WireError without an envelope,
 * MessageError for invalid content.
 */
export function decodeObject(
  messages: Messages,
  body: Uint8Array,
  expected?: { apiVersion: string; kind: string },
): Json {
  const { raw, ...given } = readEnvelope(body);
  const apiVersion = given.apiVersion || (expected?.apiVersion ?? "");
  const kind = given.kind || (expected?.kind ?? "");
  const name = messages.nameOf(apiVersion, kind);
  if (!name) throw new MessageError(apiVersion, kind, true, `no kind "${kind}" in version "${apiVersion}"`);
  try {
    return { apiVersion, kind, ...decodeMessage(messages, name, raw) };
  } catch (cause) {
    if (cause instanceof WireError)
      throw new MessageError(apiVersion, kind, false, named(cause, kind).message);
    throw cause;
  }
}

const named = (error: WireError, message: string): WireError =>
  error instanceof IllegalTagError ? new WireError(`proto: ${message}: ${error.message}`) : error;

/** Throws WireError. */
function decodeMessage(messages: Messages, name: string, bytes: Uint8Array): Json {
  return new Decoder(messages, bytes).message(messages.get(name), 0, {});
}

/** The Go name of a field, sufficient for those that begin messages. */
function goName(name: string): string {
  if (name === "metadata") return "ObjectMeta";
  return name === "uid" ? "UID" : name.charAt(0).toUpperCase() + name.slice(1);
}

interface Envelope {
  apiVersion: string;
  kind: string;
  raw: Uint8Array;
}

function readEnvelope(body: Uint8Array): Envelope {
  if (body.length < 4 || magic.compare(body, 0, 4) !== 0) {
    throw new WireError(
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  }
  if (body.length === 4) throw new WireError("empty body");
  try {
    return envelopeIn(new WireReader(body.subarray(4)));
  } catch (error) {
    throw error instanceof WireError ? named(error, "Unknown") : error;
  }
}

function envelopeIn(reader: WireReader): Envelope {
  const found: Envelope = { apiVersion: "", kind: "", raw: new Uint8Array(0) };
  while (reader.next()) {
    if (reader.number === 2) found.raw = reader.bytes();
    else if (reader.number === 1) {
      const outer = reader.enter();
      while (reader.next()) {
        if (reader.number === 1) found.apiVersion = reader.text();
        else if (reader.number === 2) found.kind = reader.text();
        else reader.skip();
      }
      reader.leave(outer);
    } else reader.skip();
  }
  return found;
}

class Decoder {
  readonly #messages: Messages;
  readonly #reader: WireReader;

  constructor(messages: Messages, bytes: Uint8Array) {
    this.#messages = messages;
    this.#reader = new WireReader(bytes);
  }

  message(message: Message, depth: number, out: Json): Json {
    if (depth > maxDepth) throw new WireError("exceeded max depth");
    const reader = this.#reader;
    while (reader.next()) {
      const field = message.byNumber.get(reader.number);
      if (field) reader.what = goName(field.name);
      if (!field) reader.skip();
      else if (field.inline) {
        const outer = reader.enter();
        this.message(this.#messages.of(field), depth + 1, out);
        reader.leave(outer);
      } else if (field.map) this.#mapEntry(out, field, depth);
      else if (field.list) this.#element((out[field.name] ??= []) as unknown[], field, depth);
      else {
        const made = this.#value(field, depth);
        if (made !== undefined && !(field.omitEmpty && isZero(made))) out[field.name] = made;
      }
    }
    return out;
  }

  #element(list: unknown[], field: Field, depth: number): void {
    const reader = this.#reader;
    const packs = field.form === "int32" || field.form === "int64" || field.form === "bool";
    if (!packs || reader.wire !== 2) {
      list.push(this.#value(field, depth));
      return;
    }
    const packed = new WireReader(reader.bytes());
    while (packed.more) list.push(field.form === "bool" ? packed.int() !== 0 : packed.int());
  }

  #mapEntry(out: Json, field: Field, depth: number): void {
    const reader = this.#reader;
    let key = "";
    let made: unknown;
    const outer = reader.enter();
    while (reader.next()) {
      if (reader.number === 1) key = reader.text();
      else if (reader.number === 2) made = this.#value(field, depth);
      else reader.skip();
    }
    reader.leave(outer);
    if (made === undefined) made = emptyIn(field.form);
    setMember((out[field.name] ??= {}) as Json, key, made);
  }

  #value(field: Field, depth: number): unknown {
    const reader = this.#reader;
    switch (field.form) {
      case "string":
        return reader.text();
      case "bool":
        reader.expect(0, field.name);
        return reader.int() !== 0;
      case "int32":
        reader.expect(0, field.name);
        return Number(reader.int());
      case "int64":
        reader.expect(0, field.name);
        return reader.int();
      case "double":
        reader.expect(1, field.name);
        return reader.double();
      case "bytes":
        return reader.bytes().toString("base64");
      default: {
        const outer = reader.enter();
        const made = this.#wrapped(field, depth);
        reader.leave(outer);
        return made;
      }
    }
  }

  /** Decodes a value in a message of its own. */
  #wrapped(field: Field, depth: number): unknown {
    switch (field.form) {
      case "time":
        return this.#time(false);
      case "micro-time":
        return this.#time(true);
      case "quantity":
        return this.#firstText() ?? "0";
      case "duration":
        return duration(this.#firstNumber());
      case "int-or-string":
        return this.#intOrString();
      case "json": {
        const text = this.#firstText();
        return text ? embedded(text) : undefined;
      }
      case "strings":
        return this.#strings();
      case "or-bool":
      case "or-array":
      case "or-strings":
        return this.#alternative(field.form, depth);
      default:
        return this.message(this.#messages.of(field), depth + 1, {});
    }
  }

  #firstText(): string | undefined {
    const reader = this.#reader;
    let found: string | undefined;
    while (reader.next()) {
      if (reader.number === 1) found = reader.text();
      else reader.skip();
    }
    return found;
  }

  #firstNumber(): number {
    const reader = this.#reader;
    let found = 0;
    while (reader.next()) {
      if (reader.number === 1 && reader.wire === 0) found = Number(reader.int());
      else reader.skip();
    }
    return found;
  }

  #strings(): string[] {
    const reader = this.#reader;
    const found: string[] = [];
    while (reader.next()) {
      if (reader.number === 1) found.push(reader.text());
      else reader.skip();
    }
    return found;
  }

  #intOrString(): number | string {
    const reader = this.#reader;
    let isText = false;
    let number = 0;
    let text = "";
    while (reader.next()) {
      if (reader.number === 1 && reader.wire === 0) isText = reader.int() === 1;
      else if (reader.number === 2 && reader.wire === 0) number = Number(reader.int());
      else if (reader.number === 3) text = reader.text();
      else reader.skip();
    }
    return isText ? text : number;
  }

  /** An empty message is an absent time. */
  #time(micro: boolean): string | undefined {
    const reader = this.#reader;
    let seconds: number | undefined;
    let nanos = 0;
    while (reader.next()) {
      if (reader.number === 1 && reader.wire === 0) seconds = Number(reader.int());
      else if (reader.number === 2 && reader.wire === 0) nanos = Number(reader.int());
      else reader.skip();
    }
    if (seconds === undefined) return undefined;
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime())) throw new WireError("time out of range");
    const whole = date.toISOString().slice(0, -5);
    return micro ? `${whole}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z` : `${whole}Z`;
  }

  /** `JSONSchemaPropsOr...`: one of two in JSON. */
  #alternative(form: "or-bool" | "or-array" | "or-strings", depth: number): unknown {
    const reader = this.#reader;
    const props = this.#messages.schemaProps;
    const schemaAt = form === "or-bool" ? 2 : 1;
    let schema: Json | undefined;
    let allows = false;
    const list: unknown[] = [];
    while (reader.next()) {
      if (reader.wire !== 2) {
        if (reader.wire === 0 && form === "or-bool" && reader.number === 1) allows = reader.int() !== 0;
        else reader.skip();
      } else if (reader.number === 2 && form === "or-strings") list.push(reader.text());
      else if (reader.number === 1 || reader.number === 2) {
        const isSchema = reader.number === schemaAt;
        const outer = reader.enter();
        const made = this.message(props, depth + 1, {});
        reader.leave(outer);
        if (isSchema) schema = made;
        else list.push(made);
      } else reader.skip();
    }
    return schema ?? (form === "or-bool" ? allows : list);
  }
}

function embedded(text: string): unknown {
  try {
    return parseExact(text);
  } catch (cause) {
    throw new WireError(jsonProblem(text), { cause });
  }
}

/** The value of a map's entry without one on the wire. */
function emptyIn(form: Field["form"]): unknown {
  switch (form) {
    case "string":
    case "bytes":
      return "";
    case "time":
    case "micro-time":
    case "json":
      return null;
    default:
      return {};
  }
}

const isZero = (value: unknown): boolean => value === "" || value === 0 || value === false;

/** In Go's format, for durations of seconds and more, as in the API's types. */
function duration(nanos: number): string {
  if (nanos === 0) return "0s";
  const sign = nanos < 0 ? "-" : "";
  const seconds = Math.abs(nanos) / 1e9;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${+(seconds % 60).toFixed(9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${sign}${minutes}m${rest}` : sign + rest;
}
