/** OpenAPI documents in protocol buffers, byte for byte as in Kubernetes. */
import { isObject, mapInSteps, type Pause } from "../../../machinery/index.ts";
import { BackwardWriter } from "../protobuf/writer.ts";
import { anyYaml } from "./any-yaml.ts";
import { type Shape, shapesOf } from "./messages.ts";

type Json = Record<string, unknown>;

/** Encodes a document of OpenAPI 2 or 3. With thousands of kinds that takes seconds: `pause` is called repeatedly meanwhile. */
export async function encodeOpenApi(version: 2 | 3, document: object, pause: Pause): Promise<Buffer> {
  const encoder = new Encoder(shapesOf(version));
  for (const name of ["paths", "definitions"]) await encoder.prepare(document as Json, name, pause);
  return encoder.encode(document as Json);
}

class Encoder {
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #writer = new BackwardWriter();
  /** YAML of repeated values. */
  readonly #yaml = new Map<string, string>();
  /** Parts encoded in advance. */
  readonly #made = new Map<unknown, Buffer>();

  constructor(shapes: ReadonlyMap<string, Shape>) {
    this.#shapes = shapes;
  }

  encode(document: Json): Buffer {
    return this.#alone("Document", document);
  }

  /** Encodes the values of one map of the document in advance, in steps. */
  async prepare(document: Json, name: string, pause: Pause): Promise<void> {
    const map = this.#shapes.get("Document")?.members.find((member) => member.name === name);
    const type = this.#shapes.get(map?.type ?? "")?.entries?.type;
    const values = document[name];
    if (type === undefined || !isObject(values)) return;
    await mapInSteps(Object.values(values), pause, (value) => {
      if (isObject(value)) this.#made.set(value, this.#alone(type, value));
    });
  }

  #alone(name: string, value: Json): Buffer {
    this.#writer.reset();
    this.#message(name, value);
    return this.#writer.take();
  }

  #message(name: string, value: unknown): void {
    const made = this.#made.get(value);
    if (made) {
      this.#writer.bytes(made);
      return;
    }
    const shape = this.#shapes.get(name) as Shape;
    const { choices, list, entries, extension, members } = shape;
    if (choices) {
      const choice = choices.find(({ number }) => number === choose(name, value));
      if (choice) this.#field(choice.number, choice.type, value, true);
      return;
    }
    if (list) {
      const values = Array.isArray(value) ? value : [value];
      for (const each of values.toReversed()) this.#field(list.number, list.type, each, true);
      return;
    }
    const object = value as Json;
    // In maps fields are ordered by number; elsewhere unknown `x-` fields come last.
    const own = new Set(members.map((member) => member.name));
    const others = Object.entries(object).filter(([key]) => !own.has(key));
    const fields = members.map(({ number, name: key, type, list: many }) => ({
      number,
      write: () => {
        const given = object[key];
        if (given === undefined) return;
        if (!many) this.#field(number, type, given, false);
        else for (const each of (given as unknown[]).toReversed()) this.#field(number, type, each, true);
      },
    }));
    if (extension > 0)
      fields.push({
        number: extension,
        write: () => {
          for (const [key, each] of others.toReversed())
            if (key.startsWith("x-")) this.#named(extension, key, "any", each);
        },
      });
    if (entries)
      fields.push({
        number: entries.number,
        write: () => {
          for (const [key, each] of others.toReversed())
            if (extension === 0 || !key.startsWith("x-"))
              this.#named(entries.number, key, entries.type, each);
        },
      });
    for (const { write } of fields.sort((a, b) => b.number - a.number)) write();
  }

  /** An entry of a map: a message with a name and a value. */
  #named(number: number, name: string, type: string, value: unknown): void {
    const before = this.#writer.length;
    this.#field(2, type, value, false);
    this.#field(1, "s", name, false);
    this.#writer.close(number, before);
  }

  /** `always`: writes empty values, too. */
  #field(number: number, type: string, value: unknown, always: boolean): void {
    const writer = this.#writer;
    const before = writer.length;
    switch (type) {
      case "s":
        if (value === "" && !always) return;
        writer.text(String(value));
        writer.close(number, before);
        return;
      case "b":
        if (value !== true && !always) return;
        writer.varint(value === true ? 1 : 0);
        writer.tag(number, 0);
        return;
      case "i":
        if (value === 0 && !always) return;
        writer.signed(value as number);
        writer.tag(number, 0);
        return;
      case "d":
        if (value === 0 && !always) return;
        writer.double(Number(value));
        writer.tag(number, 1);
        return;
      case "any": {
        writer.text(this.#text(value));
        writer.close(2, before);
        writer.close(number, before);
        return;
      }
      default:
        this.#message(type, value);
        writer.close(number, before);
    }
  }

  #text(value: unknown): string {
    const key = JSON.stringify(value);
    let text = this.#yaml.get(key);
    if (text === undefined) {
      text = anyYaml(value);
      this.#yaml.set(key, text);
    }
    return text;
  }
}

/** The number of the choice that fits a value. */
function choose(name: string, value: unknown): number {
  const object = (typeof value === "object" && value !== null ? value : {}) as Json;
  switch (name) {
    case "Parameter":
      return object.in === "body" ? 1 : 2;
    case "NonBody":
      return ["header", "formData", "query", "path"].indexOf(object.in as string) + 1;
    case "SchemaOrFile":
      return object.type === "file" ? 2 : 1;
    case "Additional":
      return typeof value === "boolean" ? 2 : 1;
    case "Default":
      return ["number", "boolean", "string"].indexOf(typeof value) + 1;
    case "Security":
      return { basic: 1, apiKey: 2 }[object.type as string] ?? flows[object.flow as string] ?? 0;
    default:
      return "$ref" in object ? 2 : 1;
  }
}

const flows: Readonly<Record<string, number>> = { implicit: 3, password: 4, application: 5, accessCode: 6 };
