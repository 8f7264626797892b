/** The protobuf messages of the API's types, built from a table when they are first used. */
import { loadProtobufTable } from "../../../api/index.ts";

export type ProtobufTable = Record<string, Record<string, string>>;

/** How a value is encoded. Types whose JSON is not an object of their fields have forms of their own. */
export type Form =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "double"
  | "bytes"
  | "message"
  | "time"
  | "micro-time"
  | "duration"
  | "quantity"
  | "int-or-string"
  /** JSON text in field 1 of a message: RawExtension, FieldsV1, JSON. */
  | "json"
  /** A list of strings in field 1 of a message. */
  | "strings"
  /** `JSONSchemaPropsOr...`: one of two in JSON. */
  | "or-bool"
  | "or-array"
  | "or-strings";

export interface Field {
  number: number;
  /** Member in JSON. */
  name: string;
  /** Form of the value, or of the elements. */
  form: Form;
  /** Name of the message. */
  type: string;
  list: boolean;
  map: boolean;
  /** An embedded struct: its fields are part of the parent's JSON. */
  inline: boolean;
  /** Absent differs from empty: absent values are not written. */
  pointer: boolean;
  /** Go leaves the empty value out of JSON. */
  omitEmpty: boolean;
  /** Of form `message`; looked up at the first use, since messages contain themselves. */
  message: Message | undefined;
}

export interface Message {
  name: string;
  byNumber: ReadonlyMap<number, Field>;
  /** From the last field number to the first: the order of writing backwards. */
  backwards: readonly Field[];
}

const scalars = new Set(["string", "bool", "int32", "int64", "double", "bytes"]);

const forms: Record<string, Form> = {
  Time: "time",
  MicroTime: "micro-time",
  Duration: "duration",
  Quantity: "quantity",
  IntOrString: "int-or-string",
  RawExtension: "json",
  FieldsV1: "json",
  JSON: "json",
  ExtraValue: "strings",
  Verbs: "strings",
  JSONSchemaPropsOrBool: "or-bool",
  JSONSchemaPropsOrArray: "or-array",
  JSONSchemaPropsOrStringArray: "or-strings",
};

const metaPrefix = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const extensionsPrefix = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

export class Messages {
  readonly #table: ProtobufTable;
  readonly #made = new Map<string, Message>();
  readonly #names = new Map<string, string>();

  constructor(table: ProtobufTable) {
    this.#table = table;
    // `GROUP/VERSION/KIND` of packages whose names do not say the whole group.
    for (const name of Object.keys(table)) {
      const parts = name.split(".");
      const [kind = "", version = "", group = ""] = parts.reverse();
      const key = `${group}/${version}/${kind}`;
      if (!this.#names.has(key)) this.#names.set(key, name);
    }
  }

  /** A message by its definition's name. Throws for an unknown name. */
  get(name: string): Message {
    let message = this.#made.get(name);
    if (!message) {
      message = this.#make(name);
      this.#made.set(name, message);
    }
    return message;
  }

  /** The message of a field of form `message`. */
  of(field: Field): Message {
    field.message ??= this.get(field.type);
    return field.message;
  }

  /** The definition of a kind; undefined without one, as for custom resources. */
  nameOf(apiVersion: string, kind: string): string | undefined {
    // Options of requests belong to every group.
    if (kind.endsWith("Options") && this.#table[metaPrefix + kind]) return metaPrefix + kind;
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    if (group === "meta.k8s.io" || group === "") {
      const core = `io.k8s.api.core.${version}.${kind}`;
      if (group === "" && this.#table[core]) return core;
      return this.#table[metaPrefix + kind] ? metaPrefix + kind : undefined;
    }
    return this.#names.get(`${group.split(".")[0]}/${version}/${kind}`);
  }

  #make(name: string): Message {
    const row = this.#table[name];
    if (!row) throw new Error(`no protobuf message ${name}`);
    const prefix = name.slice(0, name.lastIndexOf("."));
    const fields: Field[] = [];
    for (const [json, notation] of Object.entries(row)) {
      const [number = "0", given = "", ...flags] = notation.split(" ");
      const list = given.startsWith("[]");
      const map = given.startsWith("map<");
      const bare = list ? given.slice(2) : map ? given.slice(4, -1) : given;
      const type = bare.startsWith(".") ? `io.k8s${bare}` : scalars.has(bare) ? bare : `${prefix}.${bare}`;
      const last = type.slice(type.lastIndexOf(".") + 1);
      fields.push({
        number: Number(number),
        name: json,
        type,
        form: scalars.has(type) ? (type as Form) : (forms[last] ?? "message"),
        list,
        map,
        inline: json.startsWith("("),
        pointer: flags.includes("*"),
        omitEmpty: flags.length === 0,
        message: undefined,
      });
    }
    return {
      name,
      byNumber: new Map(fields.map((field) => [field.number, field])),
      backwards: fields.toSorted((a, b) => b.number - a.number),
    };
  }

  /** The schema's own message, for the three types that are a schema or something else. */
  get schemaProps(): Message {
    return this.get(`${extensionsPrefix}JSONSchemaProps`);
  }
}

let loading: Promise<Messages> | undefined;
let loaded: Messages | undefined;

/** Loads the table at the first use. */
export function loadMessages(): Promise<Messages> {
  loading ??= loadProtobufTable().then((table) => (loaded = new Messages(table)));
  return loading;
}

/** Requires that `loadMessages` has completed: requests with protobuf wait for it first. */
export function messages(): Messages {
  if (!loaded) throw new Error("the table of protobuf messages is not loaded");
  return loaded;
}
