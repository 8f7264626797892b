import { formatYaml, stringifyExact } from "../../machinery/index.ts";
import type { Target } from "./negotiate.ts";
import { encodeObject, protobufType } from "./protobuf/envelope.ts";
import { messages } from "./protobuf/messages.ts";

export const mediaTypes: Readonly<Record<Target["format"], string>> = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: protobufType,
};

/** Encodes an object with a kind; JSON ends with a line feed unless it is indented. */
export function encodedBytes(value: object, format: Target["format"], pretty: boolean): Buffer {
  if (format === "yaml") return Buffer.from(formatYaml(value));
  if (format === "protobuf") return encodeObject(messages(), value);
  return Buffer.from(pretty ? stringifyExact(value, 2) : `${stringifyExact(value)}\n`);
}
