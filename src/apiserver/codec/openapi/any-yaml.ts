/** YAML in the format of Go's yaml.v3: keys in the given order, indentation by four. */
import { yamlKey, yamlText } from "../../../machinery/index.ts";

const step = 4;

/** Any value as a field of a message: a block of YAML with a line feed. */
export const anyYaml = (value: unknown): string => `${block(value, 0)}\n`;

const isFilled = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.keys(value).length > 0;

/** Begins at a column, ends without a line feed. */
function block(value: unknown, column: number): string {
  if (!isFilled(value)) return scalar(value, column);
  const next = `\n${" ".repeat(column)}`;
  if (Array.isArray(value)) return value.map((each) => `- ${block(each, column + 2)}`).join(next);
  const inner = step * Math.floor((column + step) / step);
  return Object.entries(value)
    .map(([key, each]) => {
      const name = yamlKey(key, column);
      return isFilled(each)
        ? `${name}\n${" ".repeat(inner)}${block(each, inner)}`
        : `${name} ${scalar(each, column + name.length + 1)}`;
    })
    .join(next);
}

function scalar(value: unknown, column: number): string {
  if (typeof value === "string") return yamlText(value, column, step);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[]" : "{}";
  return String(value);
}
