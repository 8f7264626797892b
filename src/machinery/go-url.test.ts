import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoUrl } from "./go-url.ts";

test("a URL comes apart as Go takes it apart", () => {
  assert.deepEqual(parseGoUrl("HTTPS://u:p@a.example:80/x%20y?q=1#f"), {
    scheme: "https",
    user: "u:p",
    host: "a.example:80",
    path: "/x%20y",
    query: "q=1",
  });
  assert.deepEqual(parseGoUrl("mailto:a@b"), {
    scheme: "mailto",
    user: undefined,
    host: "",
    path: "",
    query: "",
  });
});

test("what is no URL is told in Go's words", () => {
  const problems = {
    "https://a:b:c": 'invalid port ":b:c" after host',
    "https://[::1": "missing ']' in host",
    "https://[::1]x": 'invalid port "x" after host',
    "https://a b/": 'invalid character " " in host name',
    "https://u<@a/": "net/url: invalid userinfo",
    "https://a/%zz": 'invalid URL escape "%zz"',
    "a:b/c": undefined,
    "1a:b/c": "first path segment in URL cannot contain colon",
    ":a": "missing protocol scheme",
    "https://a/\n": "net/url: invalid control character in URL",
    "": undefined,
  };
  for (const [text, why] of Object.entries(problems)) {
    const found = parseGoUrl(text);
    if (why === undefined) assert.equal(typeof found, "object", text);
    else assert.equal(found, `parse ${JSON.stringify(text)}: ${why}`);
  }
});

test("the URI of a request is absolute", () => {
  assert.equal(parseGoUrl("", { request: true }), 'parse "": empty url');
  assert.equal(parseGoUrl("a/b", { request: true }), 'parse "a/b": invalid URI for request');
});
