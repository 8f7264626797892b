import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeOpenApi } from "./encode.ts";

/** The fields of a message, number by number, with lengths checked and texts read. */
function fields(bytes: Buffer): [number, Buffer | number][] {
  const found: [number, Buffer | number][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) found.push([tag >> 3, varint()]);
    else if ((tag & 7) === 1) {
      found.push([tag >> 3, bytes.readDoubleLE(at)]);
      at += 8;
    } else {
      const length = varint();
      found.push([tag >> 3, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  assert.equal(at, bytes.length);
  return found;
}

/** The value at a path of field numbers; the first of several. */
function at(bytes: Buffer, ...numbers: number[]): Buffer | number | undefined {
  let here: Buffer | number = bytes;
  for (const number of numbers) {
    const next: [number, Buffer | number] | undefined = fields(here as Buffer).find(
      ([each]) => each === number,
    );
    if (!next) return undefined;
    here = next[1];
  }
  return here;
}

const text = (bytes: Buffer, ...numbers: number[]): string | undefined => at(bytes, ...numbers)?.toString();

const pause = (): Promise<void> => Promise.resolve();

test("long maps are encoded in steps, and others have their turn in between", async () => {
  const many = (prefix: string) =>
    Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`${prefix}${i}`, { type: "object", description: `${i}` }]),
    );
  let pauses = 0;
  const bytes = await encodeOpenApi(2, { swagger: "2.0", definitions: many("a") }, () => {
    pauses++;
    return Promise.resolve();
  });
  assert.ok(pauses >= 3);
  const definitions = fields(at(bytes, 9) as Buffer).map(([, value]) => value as Buffer);
  assert.equal(definitions.length, 100);
  assert.deepEqual(
    [text(definitions[99] as Buffer, 1), text(definitions[99] as Buffer, 2, 4)],
    ["a99", "99"],
  );
});

test("version 2: maps are lists of named entries, extensions are YAML, bodies and queries their own messages", async () => {
  const kind = { group: "", kind: "Pod", version: "v1" };
  const bytes = await encodeOpenApi(
    2,
    {
      swagger: "2.0",
      info: { title: "T", version: "1" },
      paths: {
        "/a": {
          post: {
            operationId: "create",
            parameters: [
              { name: "body", in: "body", required: true, schema: { $ref: "#/definitions/A" } },
              { name: "q", in: "query", type: "string", uniqueItems: true },
              { $ref: "#/parameters/p" },
            ],
            responses: { 200: { description: "OK", schema: { $ref: "#/definitions/A" } } },
            "x-kubernetes-group-version-kind": kind,
          },
        },
      },
      definitions: { A: { type: "object", properties: { n: { type: "integer", minimum: 0.5 } } } },
      security: [{ BearerToken: [] }],
    },
    pause,
  );
  assert.deepEqual(
    fields(bytes).map(([number]) => number),
    [1, 2, 8, 9, 12],
  );
  const operation = at(bytes, 8, 2, 2, 4) as Buffer;
  assert.equal(text(bytes, 8, 2, 1), "/a");
  assert.equal(text(operation, 5), "create");
  const parameters = fields(operation)
    .filter(([number]) => number === 8)
    .map(([, value]) => value as Buffer);
  assert.equal(text(parameters[0] as Buffer, 1, 1, 5, 1), "#/definitions/A");
  assert.equal(text(parameters[1] as Buffer, 1, 2, 3, 4), "q");
  assert.equal(at(parameters[1] as Buffer, 1, 2, 3, 20), 1);
  assert.equal(text(parameters[2] as Buffer, 2, 1), "#/parameters/p");
  assert.equal(text(operation, 9, 1, 1), "200");
  assert.equal(text(operation, 9, 1, 2, 1, 2, 1, 1), "#/definitions/A");
  assert.equal(text(operation, 13, 2, 2), 'group: ""\nkind: Pod\nversion: v1\n');
  const schema = at(bytes, 9, 1, 2) as Buffer;
  assert.equal(text(schema, 22, 1), "object");
  assert.equal(at(schema, 25, 1, 2, 9), 0.5);
});

test("version 3: references and schemas are told apart, and an empty default is there", async () => {
  const bytes = await encodeOpenApi(
    3,
    {
      openapi: "3.0.0",
      components: {
        schemas: {
          A: {
            type: "object",
            properties: {
              a: { type: "string", default: "" },
              b: { $ref: "#/components/schemas/A" },
              c: { type: "array", items: { default: {}, allOf: [{ $ref: "#/components/schemas/A" }] } },
            },
            "x-list": ["p", "q"],
          },
        },
      },
    },
    pause,
  );
  const schema = at(bytes, 5, 1, 1, 2, 1) as Buffer;
  const [a, b, c] = fields(at(schema, 31) as Buffer).map(([, value]) => value as Buffer);
  assert.equal(text(a as Buffer, 2, 1, 33, 3), "");
  assert.equal(text(b as Buffer, 2, 2, 1), "#/components/schemas/A");
  assert.equal(text(c as Buffer, 2, 1, 30, 1, 1, 26, 2, 1), "#/components/schemas/A");
  assert.equal(text(schema, 36, 2, 2), "- p\n- q\n");
});
