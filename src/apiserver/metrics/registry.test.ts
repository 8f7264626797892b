import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricsRegistry } from "./registry.ts";
import { exponentialBounds } from "./values.ts";

test("families come by name, series by labels, labels in alphabetical order and escaped", async () => {
  const registry = new MetricsRegistry();
  const b = registry.counter({ name: "b_total", help: "Bs.", stability: "STABLE", labels: ["verb", "code"] });
  registry.gauge({ name: "a", help: "As.", stability: "" }).with().set(7);
  registry.counter({ name: "unused_total", help: "Nothing.", stability: "ALPHA", labels: ["x"] });
  b.with("GET", "404").add();
  b.with("GET", "200").add(2);
  b.with('a"\\\n', "200").add();
  assert.equal(
    await registry.text(),
    `# HELP a As.
# TYPE a gauge
a 7
# HELP b_total [STABLE] Bs.
# TYPE b_total counter
b_total{code="200",verb="GET"} 2
b_total{code="200",verb="a\\"\\\\\\n"} 1
b_total{code="404",verb="GET"} 1
`,
  );
  assert.throws(() => registry.gauge({ name: "a", help: "", stability: "" }), /defined twice/);
});

test("histograms add up from bucket to bucket; a bound belongs to its bucket", async () => {
  const registry = new MetricsRegistry();
  const sizes = registry.histogram({
    name: "sizes",
    help: "Sizes.",
    stability: "ALPHA",
    bounds: exponentialBounds(1000, 10, 3),
  });
  for (const size of [1, 1000, 1001, 99_999, 1e9]) sizes.with().observe(size);
  assert.deepEqual((await registry.text()).split("\n").slice(2, -1), [
    'sizes_bucket{le="1000"} 2',
    'sizes_bucket{le="10000"} 3',
    'sizes_bucket{le="100000"} 4',
    'sizes_bucket{le="+Inf"} 5',
    "sizes_sum 1.000102001e+09",
    "sizes_count 5",
  ]);
});

test("a timing histogram counts nanoseconds", async () => {
  const registry = new MetricsRegistry();
  const use = registry.timingHistogram({ name: "use", help: "Use.", stability: "ALPHA", bounds: [0, 0.5] });
  const series = use.with();
  series.passed(2);
  series.set(0.25);
  series.passed(1);
  series.set(3);
  series.passed(4);
  assert.deepEqual((await registry.text()).split("\n").slice(0, -1), [
    "# HELP use EXPERIMENTAL: [ALPHA] Use.",
    "# TYPE use histogram",
    'use_bucket{le="0"} 2e+06',
    'use_bucket{le="0.5"} 3e+06',
    'use_bucket{le="+Inf"} 7e+06',
    "use_sum 1.225e+07",
    "use_count 7e+06",
  ]);
  // Integers, since no format has fractions of nanoseconds.
  series.passed(0.123_456_789);
  assert.deepEqual([...series.counts], [2e6, 1e6, 4e6 + 123_457]);
});

test("a reset begins at zero, but what is, stays", async () => {
  const registry = new MetricsRegistry();
  const total = registry.counter({ name: "total", help: "", stability: "" }).with();
  const now = registry.gauge({ name: "now", help: "", stability: "" }).with();
  let refreshed = 0;
  registry.beforeReading(() => void refreshed++);
  total.add();
  now.set(3);
  registry.reset();
  assert.deepEqual([total.value, now.value], [0, 3]);
  await registry.text();
  assert.equal(refreshed, 1);
});
