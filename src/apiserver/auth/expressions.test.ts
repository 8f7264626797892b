import assert from "node:assert/strict";
import { test } from "node:test";
import { expressionCompiler } from "./expressions.ts";

const compile = await expressionCompiler();

test("claims are JSON as Go decodes it: numbers are floating-point ones, names may be escaped at every depth", () => {
  const claims = { n: 3, "a.b": { "c-d": [{ "e/f": "deep" }] }, class: "c", __x: 1 };
  for (const [expression, value] of [
    ["claims.n > 2", true],
    ["type(claims.n) == double", true],
    ["claims.a__dot__b.c__dash__d[0].e__slash__f", "deep"],
    ["has(claims.a__dot__b) && !has(claims.a__dot__c)", true],
    ["claims.class", "c"],
    ["claims.__x == 1.0", true],
  ] as const)
    assert.equal(compile(expression, "claims", "any")(claims), value, expression);
});

test("an expression may not cost more than others", () => {
  const list = Array.from({ length: 200 }, (_, i) => i);
  const run = compile(
    "claims.l.all(a, claims.l.all(b, claims.l.all(c, a + b + c >= 0.0)))",
    "claims",
    "bool",
  );
  assert.throws(() => run({ l: list }), /resulted in error: .*cost limit exceeded/);
});

test("which fields an expression speaks of", () => {
  const reads = (expression: string): boolean => compile(expression, "claims", "any").reads("email");
  for (const yes of [
    "claims.email",
    "claims['email']",
    "[1].exists(i, claims.?email.hasValue())",
    "{'a': claims.email}",
  ])
    assert.ok(reads(yes), yes);
  for (const no of ["claims.emails", "'email'", "claims.a.email", "claims.all(claims, claims == '')"])
    assert.ok(!reads(no), no);
});
