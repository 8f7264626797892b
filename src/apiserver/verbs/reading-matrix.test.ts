/** resourceVersion x resourceVersionMatch x limit x continue x sendInitialEvents, by KEP-2340, 2523 and 3157. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMap, failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const maps = "/api/v1/namespaces/default/configmaps";
/** The list's resource version when there were three, four objects. */
let three = 0;
let four = 0;
let token = "";

before(async () => {
  h = await startHarness();
  for (const name of ["a", "b", "c"]) await h.call("POST", maps, configMap(name));
  three = h.store.revision;
  token = (await h.call("GET", `${maps}?limit=2`)).body.metadata.continue;
  await h.call("POST", maps, configMap("d"));
  four = h.store.revision;
});
after(() => h.close());

const names = async (query: string): Promise<string> => {
  const { body, status } = await h.call("GET", `${maps}?${query}`);
  assert.equal(status, 200, query);
  const { remainingItemCount: rest, continue: more } = body.metadata;
  const items = body.items.map((item: { metadata: { name: string } }) => item.metadata.name).join("");
  return items + (more ? `+${rest}` : "");
};
const refusal = async (query: string, code: number): Promise<string> =>
  failure(await h.call("GET", `${maps}?${query}`), code).message as string;

const match = "resourceVersionMatch";

test("what lists answer", async () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", "abcd"],
    ["limit=2", "ab+2"],
    ["limit=4", "abcd"],
    ["limit=-1", "abcd"],
    ["resourceVersion=0", "abcd"],
    ["resourceVersion=0&limit=2", "abcd"],
    [`resourceVersion=0&${match}=NotOlderThan`, "abcd"],
    [`resourceVersion=${three}`, "abcd"],
    [`resourceVersion=${three}&${match}=NotOlderThan&limit=3`, "abc+1"],
    [`resourceVersion=${three}&${match}=Exact`, "abc"],
    [`resourceVersion=${three}&limit=2`, "ab+1"],
    [`resourceVersion=${three}&${match}=Exact&limit=2`, "ab+1"],
    [`resourceVersion=${four}&${match}=Exact`, "abcd"],
    [`continue=${token}`, "c"],
    [`resourceVersion=0&continue=${token}`, "c"],
    ["labelSelector=none%3D1&limit=1", ""],
    ["fieldSelector=metadata.name%3Db", "b"],
    ["fieldSelector=metadata.name!%3Db&limit=1", "a+undefined"],
  ];
  for (const [query, expected] of rows) assert.equal(await names(query), expected, query);
});

test("continue tokens name the place behind the last object, relative to what is listed", async () => {
  const read = (text: string): unknown => JSON.parse(Buffer.from(text, "base64url").toString());
  assert.deepEqual(read(token), { v: "meta.k8s.io/v1", rv: three, start: "b\0" });
  const everywhere = (await h.call("GET", "/api/v1/configmaps?limit=1")).body.metadata;
  assert.deepEqual(read(everywhere.continue), { v: "meta.k8s.io/v1", rv: four, start: "/default/a\0" });
  const cluster = (await h.call("GET", "/api/v1/namespaces?limit=1")).body.metadata;
  assert.deepEqual(read(cluster.continue), { v: "meta.k8s.io/v1", rv: four, start: "/default\0" });
  // A page does not show objects created after the first page.
  assert.equal(await names(`continue=${token}&limit=1`), "c");
});

test("combinations that lists refuse, all mistakes at once", async () => {
  const invalid = (text: string): string => `ListOptions.meta.k8s.io "" is invalid: ${text}`;
  const needsVersion = `${match}: Forbidden: ${match} is forbidden unless resourceVersion is provided`;
  const noContinue = `${match}: Forbidden: ${match} is forbidden when continue is provided`;
  const unknown = `${match}: Unsupported value: "Bad": supported values: "Exact", "NotOlderThan", ""`;
  const rows: readonly (readonly [string, string])[] = [
    [`${match}=Exact`, needsVersion],
    [`${match}=Bad&continue=${token}`, `[${needsVersion}, ${noContinue}, ${unknown}]`],
    [
      `resourceVersion=0&${match}=Exact`,
      `${match}: Forbidden: ${match} "exact" is forbidden for resourceVersion "0"`,
    ],
    [`resourceVersion=${three}&${match}=Exact&continue=${token}`, noContinue],
    [`resourceVersion=abc&${match}=Bad`, unknown],
    ["sendInitialEvents=false", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"],
  ];
  for (const [query, text] of rows) assert.equal(await refusal(query, 422), invalid(text), query);
  const parse = (text: string, why: string): string => `strconv.ParseUint: parsing "${text}": ${why}`;
  const version = 'invalid resource version: resourceVersion: Invalid value: "';
  const plain: readonly (readonly [string, string])[] = [
    [
      `resourceVersion=${three}&continue=${token}`,
      "specifying resource version is not allowed when using continue",
    ],
    [
      `resourceVersion=abc&continue=${token}`,
      "specifying resource version is not allowed when using continue",
    ],
    ["resourceVersion=abc", `${version}abc": ${parse("abc", "invalid syntax")}`],
    [
      "resourceVersion=18446744073709551616",
      `${version}18446744073709551616": ${parse("18446744073709551616", "value out of range")}`,
    ],
    ["limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'],
    ["limit=99999999999999999999", 'strconv.ParseInt: parsing "99999999999999999999": value out of range'],
    ["timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'],
  ];
  for (const [query, text] of plain) assert.equal(await refusal(query, 400), text, query);
});

test("combinations that watches refuse", async () => {
  const rows: readonly (readonly [string, string])[] = [
    [
      "sendInitialEvents=true",
      `${match}: Forbidden: sendInitialEvents requires setting ${match} to NotOlderThan`,
    ],
    [
      `${match}=NotOlderThan`,
      `${match}: Forbidden: ${match} is forbidden for watch unless sendInitialEvents is provided`,
    ],
    [
      `sendInitialEvents=true&${match}=Exact`,
      `[${match}: Forbidden: sendInitialEvents requires setting ${match} to NotOlderThan, ${match}: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
    ],
  ];
  for (const [query, text] of rows) {
    assert.equal(
      await refusal(`watch=1&${query}`, 422),
      `ListOptions.meta.k8s.io "" is invalid: ${text}`,
      query,
    );
  }
});

test("continue tokens that nobody gave out", async () => {
  const made = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const v = "meta.k8s.io/v1";
  const rows: readonly (readonly [string, string])[] = [
    ["x", ": illegal base64 data at input byte 0"],
    ["!!", ": illegal base64 data at input byte 0"],
    [made({ v: "v2", rv: 1, start: "a" }), ": server does not recognize this encoded version v2"],
    [made({ v, rv: 0, start: "a" }), ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"],
    [made({ v, rv: 1, start: "" }), ": encoded start key empty (version meta.k8s.io/v1)"],
    [made({ v, rv: 1, start: "../a" }), ": ../a"],
  ];
  for (const [text, why] of rows) {
    const message = `invalid continue token: continue key is not valid${why}`;
    assert.equal(await refusal(`continue=${encodeURIComponent(text)}`, 400), message);
  }
});

test("selectors that cannot be read, in Kubernetes' words", async () => {
  const key =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  const rows: readonly (readonly [string, string])[] = [
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["=", "found '=', expected: !, identifier, or 'end of string'"],
    ["a==b==c", "found '==', expected: ',' or 'end of string'"],
    ["a=b,", "found '', expected: identifier after ','"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["-a=b", `unable to parse requirement: <nil>: Invalid value: "-a": name part ${key}`],
    [
      "a/b/c=d",
      `unable to parse requirement: <nil>: Invalid value: "a/b/c": a valid label key ${key} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ],
    [
      "p>x",
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
  ];
  for (const [text, message] of rows) {
    assert.equal(await refusal(`labelSelector=${encodeURIComponent(text)}`, 400), message, text);
  }
  const fields: readonly (readonly [string, string])[] = [
    ["a", "invalid selector: 'a'; can't understand 'a'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["metadata.name=\\m", "invalid field selector: invalid escape sequence: \\m"],
    ["x=1", '"x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  ];
  for (const [text, message] of fields) {
    assert.equal(await refusal(`fieldSelector=${encodeURIComponent(text)}`, 400), message, text);
  }
  const unknown = async (path: string): Promise<string> =>
    failure(await h.call("GET", `${path}?fieldSelector=x%3D1`), 400).message as string;
  assert.equal(await unknown("/apis/batch/v1/jobs"), 'field label "x" not supported for Job');
  assert.equal(await unknown("/api/v1/pods"), "field label not supported: x");
});

test("a watch that names no version begins with the state, and says where it ends", async () => {
  for (const query of [
    "",
    "&resourceVersion=0",
    "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
  ]) {
    const reader = await h.watch(`${maps}?watch=1&allowWatchBookmarks=true${query}`);
    for (const name of "abcd") assert.equal((await reader.next())?.object.metadata.name, name);
    const mark = await reader.next();
    assert.deepEqual(
      [mark?.type, mark?.object.metadata],
      [
        "BOOKMARK",
        { resourceVersion: String(h.store.revision), annotations: { "k8s.io/initial-events-end": "true" } },
      ],
    );
    reader.close();
  }
});

test("a watch from the future waits for it", async () => {
  const reader = await h.watch(`${maps}?watch=1&resourceVersion=${h.store.revision + 1}`);
  const merge = { "content-type": "application/merge-patch+json" };
  await h.call("PATCH", `${maps}/a`, { data: { n: "1" } }, merge);
  await h.call("PATCH", `${maps}/a`, { data: { n: "2" } }, merge);
  assert.equal((await reader.next())?.object.data.n, "2");
  reader.close();
});

test("the columns of a table stand in a watch's first event alone", async () => {
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const stop = new AbortController();
  const { body } = await h.server.handle({
    method: "GET",
    path: `${maps}?watch=1&allowWatchBookmarks=true&labelSelector=!none`,
    headers: { accept },
    peer: { address: "127.0.0.1", certificate: { commonName: "admin", organizations: ["system:masters"] } },
    signal: stop.signal,
  });
  let text = "";
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString();
    if (text.includes("BOOKMARK")) break;
  }
  stop.abort();
  const events = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ type, object }) => [
      type,
      object.columnDefinitions?.length,
      object.rows[0].object.metadata.name,
    ]),
    [
      ["ADDED", 3, "a"],
      ["ADDED", undefined, "b"],
      ["ADDED", undefined, "c"],
      ["ADDED", undefined, "d"],
      ["BOOKMARK", undefined, undefined],
    ],
  );
});
