/** The order of errors of a list, a watch or a read, as in Kubernetes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMap, failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const maps = "/api/v1/namespaces/default/configmaps";
before(async () => {
  h = await startHarness();
  for (const name of ["a", "b"]) await h.call("POST", maps, configMap(name));
});
after(() => h.close());

const unknown = '"x" is not a known field selector: only "metadata.name", "metadata.namespace"';
const refusal = async (query: string, code: number, path = maps): Promise<string> =>
  failure(await h.call("GET", `${path}?${query}`), code).message as string;

test("what cannot be parsed is told first, in the order of the options", async () => {
  const noNumber = (text: string): string => `strconv.ParseInt: parsing "${text}": invalid syntax`;
  assert.equal(await refusal("limit=x&timeoutSeconds=1.5&labelSelector=a%20b", 400), noNumber("1.5"));
  assert.equal(await refusal("limit=&labelSelector=a%20b", 400), noNumber(""));
  assert.equal(
    await refusal("sendInitialEvents=true&fieldSelector=a&labelSelector=a!b", 400),
    "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt",
  );
  assert.equal(
    await refusal("sendInitialEvents=true&fieldSelector=a%3Da%5Cb", 400),
    "invalid field selector: invalid escape sequence: \\b",
  );
});

test("then what may not stand together, unknown fields, and the beginning at last", async () => {
  assert.match(await refusal("sendInitialEvents=true&fieldSelector=x%3Dy", 422), /forbidden for list$/);
  assert.equal(await refusal("resourceVersion=x&fieldSelector=x%3Dy", 400), unknown);
  assert.match(await refusal("resourceVersion=x", 400), /^invalid resource version: /);
  assert.equal(
    await refusal("resourceVersion=5&continue=%21", 400),
    "invalid continue token: continue key is not valid: illegal base64 data at input byte 0",
  );
  const { body } = await h.call("GET", `${maps}?limit=1`);
  assert.equal(
    await refusal(`resourceVersion=5&continue=${body.metadata.continue}`, 400),
    "specifying resource version is not allowed when using continue",
  );
  const token = Buffer.from('{"v":"v2","rv":"5"}').toString("base64url");
  assert.equal(
    await refusal(`continue=${token}`, 400),
    "invalid continue token: continue key is not valid: json: cannot unmarshal string into Go struct field continueToken.rv of type int64",
  );
});

test("a token that is no text is told of by its bytes", async () => {
  const problem = "invalid continue token: continue key is not valid: invalid character";
  assert.equal(await refusal("continue=garbage", 400), `${problem} '\\u0081' looking for beginning of value`);
  assert.equal(await refusal("continue=6Q", 400), `${problem} 'é' looking for beginning of value`);
});

test("a watch looks at the columns and the encoding when everything else is well", async () => {
  const yaml = { accept: "application/yaml" };
  const message = ({ status, text }: { status: number; text: string }, code: number): string => {
    assert.equal(status, code, text);
    return /message: '?(.*)/.exec(text)?.[1] ?? "";
  };
  const watch = async (query: string, code: number): Promise<string> =>
    message(await h.call("GET", `${maps}?watch=1&${query}`, undefined, yaml), code);
  assert.match(await watch("fieldSelector=x%3Dy", 400), /is not a known field selector/);
  assert.match(await watch("resourceVersion=x", 500), /^resourceVersion: Invalid value/);
  assert.match(await watch("", 406), /application\/json;stream=watch/);
});

test("export is gone, and events tell of a wrong version in words of their own", async () => {
  assert.equal(
    await refusal("export=x", 400, `${maps}/none`),
    "the export parameter, deprecated since v1.14, is no longer supported",
  );
  assert.equal((await h.call("GET", `${maps}/a?export=false`)).status, 200);
  assert.match(await refusal("resourceVersion=x", 500, `${maps}/none`), /^resourceVersion: /);
  const events = "/api/v1/namespaces/default/events/none";
  assert.match(await refusal("resourceVersion=x", 400, events), /^invalid resource version: /);
});
