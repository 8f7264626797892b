/**
 * Families as io.prometheus.client.MetricFamily (client_model's metrics.proto): delimited binary, or protobuf's text formats.
 * Pure.
 */
import { delimited, encodeMember } from "../codec/protobuf/plain-message.ts";
import { type Family, type Series, escaped } from "./family.ts";
import { goFloat } from "../../machinery/index.ts";
import { Histogram } from "./values.ts";

/** A field of a message: name, number and value. */
type Member = readonly [name: string, number: number, value: MemberValue];
type MemberValue =
  | { text: string }
  /** A non-negative integer. */
  | { integer: number; word?: string }
  | { double: number }
  | { message: readonly Member[] };

const types = { counter: [0, 3], gauge: [1, 2], histogram: [4, 7] } as const;

const timestamp = (ms: number): Member[] => [
  ["seconds", 1, { integer: Math.floor(ms / 1000) }],
  ["nanos", 2, { integer: Math.floor((ms % 1000) * 1e6) }],
];

function histogramMembers({ bounds, counts, sum }: Histogram, created: number): Member[] {
  let total = 0;
  // The last bucket is the total count.
  const buckets = bounds.map((bound, i): Member => {
    total += counts[i] as number;
    return [
      "bucket",
      3,
      {
        message: [
          ["cumulative_count", 1, { integer: total }],
          ["upper_bound", 2, { double: bound }],
        ],
      },
    ];
  });
  return [
    ["sample_count", 1, { integer: total + (counts.at(-1) as number) }],
    ["sample_sum", 2, { double: sum }],
    ...buckets,
    ["created_timestamp", 15, { message: timestamp(created) }],
  ];
}

function metricMembers(type: Family["type"], { pairs, value, created }: Series): Member[] {
  const labels = pairs.map(
    ([name, text]): Member => [
      "label",
      1,
      {
        message: [
          ["name", 1, { text: name }],
          ["value", 2, { text }],
        ],
      },
    ],
  );
  const held: Member[] =
    value instanceof Histogram ? histogramMembers(value, created) : [["value", 1, { double: value.value }]];
  if (type === "counter") held.push(["created_timestamp", 3, { message: timestamp(created) }]);
  return [...labels, [type, types[type][1], { message: held }]];
}

const familyMembers = (family: Family): Member[] => [
  ["name", 1, { text: family.name }],
  ["help", 2, { text: family.help }],
  ["type", 3, { integer: types[family.type][0], word: family.type.toUpperCase() }],
  ...family.sorted().map((series): Member => ["metric", 4, { message: metricMembers(family.type, series) }]),
];

const filled = (families: Iterable<Family>): Family[] => [...families].filter(({ size }) => size > 0);

/** Zero fields are written, since in proto2 they differ from absent ones. */
const binary = (members: readonly Member[]): Buffer =>
  Buffer.concat(members.map(([, number, value]) => encodeMember(number, heldBy(value))));

function heldBy(value: MemberValue): Uint8Array | string | number | bigint {
  if ("text" in value) return value.text;
  if ("integer" in value) return value.integer;
  return "double" in value ? doubleBits(value.double) : binary(value.message);
}

function doubleBits(value: number): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.readBigUInt64LE();
}

/** Each family prefixed by its length, as a varint. */
export const delimitedOfFamilies = (families: Iterable<Family>): Buffer =>
  Buffer.concat(filled(families).map((family) => delimited(binary(familyMembers(family)))));

const doubleText = (value: number): string =>
  Number.isFinite(value) ? goFloat(value) : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

function scalarText(value: Exclude<MemberValue, { message: unknown }>): string {
  if ("text" in value) return `"${escaped(value.text)}"`;
  return "integer" in value ? (value.word ?? String(value.integer)) : doubleText(value.double);
}

/** One family per line. */
export function compactTextOfFamilies(families: Iterable<Family>): string {
  const compact = (members: readonly Member[]): string =>
    members
      .map(([name, , value]) =>
        "message" in value ? `${name}:{${compact(value.message)}}` : `${name}:${scalarText(value)}`,
      )
      .join(" ");
  return filled(families)
    .map((family) => `${compact(familyMembers(family))}\n`)
    .join("");
}

/** One field per line, and an empty line after each family. */
export function protoTextOfFamilies(families: Iterable<Family>): string {
  const lines: string[] = [];
  const write = (members: readonly Member[], indent: string): void => {
    for (const [name, , value] of members) {
      if (!("message" in value)) {
        lines.push(`${indent}${name}: ${scalarText(value)}`);
        continue;
      }
      lines.push(`${indent}${name}: {`);
      write(value.message, `${indent}  `);
      lines.push(`${indent}}`);
    }
  };
  for (const family of filled(families)) {
    write(familyMembers(family), "");
    lines.push("");
  }
  return lines.map((line) => `${line}\n`).join("");
}
