import assert from "node:assert/strict";
import { test } from "node:test";
import { type HttpAnswer, readAnswer, WebhookCallError } from "./answers.ts";

const answer = (
  status: number,
  text: string,
  contentType: string | undefined = "text/plain",
): HttpAnswer => ({
  status,
  contentType,
  retryAfter: undefined,
  body: Buffer.from(text),
});

const problem = (given: HttpAnswer): string => {
  try {
    readAnswer(given);
  } catch (error) {
    if (error instanceof WebhookCallError) return error.message;
    throw error;
  }
  return "";
};

test("an answer is read as what it is, whatever its content type says", () => {
  assert.deepEqual(readAnswer(answer(200, '{"a": 1}')), { a: 1 });
  assert.deepEqual(readAnswer(answer(206, "a: 1\n", "application/json")), { a: 1 });
  assert.equal(readAnswer(answer(200, "null")), null);
});

test("what is no JSON, in Go's words", () => {
  const prefix = "couldn't get version/kind; json parse error: ";
  assert.equal(problem(answer(200, '{"a"')), `${prefix}unexpected end of JSON input`);
  assert.equal(problem(answer(200, "{} x")), `${prefix}invalid character 'x' after top-level value`);
  assert.equal(
    problem(answer(204, "", "application/json")),
    "0-length response with status code: 204 and content type: application/json",
  );
  assert.equal(
    problem(answer(200, "", "")),
    "0-length response with status code: 200 and content type: application/json",
  );
});

test("what is too deep, or is YAML and too long, is not read", () => {
  const prefix = "couldn't get version/kind; json parse error: ";
  const deep = (depth: number, more = ""): string => `{"a":${"[".repeat(depth)}1${"]".repeat(depth)}${more}}`;
  assert.equal(problem(answer(200, deep(999, ',"b":1e3'))), "");
  for (const more of ["", ',"b":1e3'])
    assert.equal(problem(answer(200, deep(20_000, more))), `${prefix}exceeded max depth`);
  assert.equal(problem(answer(200, "- a\n".repeat(10_000))), "");
  assert.equal(
    problem(answer(200, "- a\n".repeat(20_000))),
    `${prefix}invalid character ' ' in numeric literal`,
  );
});

test("refusals in client-go's words; redirects are refusals", () => {
  const texts: [number, string][] = [
    [299, "the server responded with the status code 299 but did not return more information"],
    [302, "the server responded with the status code 302 but did not return more information"],
    [400, "the server rejected our request for an unknown reason"],
    [401, "the server has asked for the client to provide credentials"],
    [403, "said"],
    [404, "the server could not find the requested resource"],
    [406, "said"],
    [409, "the server reported a conflict"],
    [415, "said"],
    [418, "the server responded with the status code 418 but did not return more information"],
    [429, "the server has received too many requests and has asked us to try again later"],
    [500, 'an error on the server ("said") has prevented the request from succeeding'],
    [503, "the server is currently unable to handle the request"],
  ];
  for (const [status, text] of texts) assert.equal(problem(answer(status, " said\n")), text);
  assert.equal(
    problem(answer(500, '{"a":1}', "application/json")),
    'an error on the server ("unknown") has prevented the request from succeeding',
  );
  assert.match(problem(answer(500, "x".repeat(5000))), /^an error on the server \("x{2048}"\)/);
  assert.equal(
    problem(answer(406, "{}", "application/json")),
    "the server was unable to respond with a content type that the client supports",
  );
});

test("a Status says itself what failed", () => {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", message: "my own words" };
  assert.equal(problem(answer(400, JSON.stringify(status), "application/json")), "my own words");
  const success = JSON.stringify({ ...status, status: "Success" });
  assert.equal(
    problem(answer(400, success, "application/json")),
    "the server rejected our request for an unknown reason",
  );
});
