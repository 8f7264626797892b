import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { EndpointSlice, Service } from "../../api/index.ts";
import { renderChange, renderTable, type TablePlan } from "../nft/table-plan.ts";
import { servicePorts } from "./service-model.ts";
import { renderPorts, type RulesConfig } from "./service-rules.ts";

const config: RulesConfig = {
  table: "wherry-test",
  nodeName: "here",
  podCidrs: ["10.244.0.0/16"],
  serviceCidrs: ["10.96.0.0/16"],
};

function service(name: string, spec: Service["spec"], status: Service["status"] = {}): Service {
  return { metadata: { name, namespace: "default" }, spec, status };
}

type Endpoint = NonNullable<EndpointSlice["endpoints"]>[number];
const here = (address: string, conditions: Endpoint["conditions"] = { ready: true }): Endpoint => ({
  addresses: [address],
  nodeName: "here",
  conditions,
});
const there = (address: string): Endpoint => ({ addresses: [address], nodeName: "there" });

function slice(name: string, endpoints: Endpoint[], change: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { name: `${name}-x`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints,
    ...change,
  };
}

function render(services: Service[], slices: EndpointSlice[], change: Partial<RulesConfig> = {}): TablePlan {
  const of = (key: string): EndpointSlice[] =>
    slices.filter((one) => `default/${one.metadata?.labels?.["kubernetes.io/service-name"]}` === key);
  const rules = { ...config, ...change };
  return renderPorts(servicePorts(services, of, rules), rules);
}

/** Elements of a map with the chain's rules in place of its name. */
function resolved(plan: TablePlan, map: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, verdict] of plan.sets.get(map)?.elements ?? []) {
    const chain = /^goto (.*)$/.exec(verdict)?.[1];
    out[key] = chain && chain !== "no-endpoints" ? rulesOf(plan, chain) : verdict;
  }
  return out;
}

function rulesOf(plan: TablePlan, chain: string): string {
  return (plan.chains.get(chain)?.rules ?? [])
    .map((rule) => rule.replace(/goto ((svc|local)-\S+)/, (_, to: string) => `[${rulesOf(plan, to)}]`))
    .join("; ");
}

/** Compares with the file, or writes it when the environment says so; then look at the difference. */
function golden(name: string, text: string): void {
  const file = new URL(`testdata/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
}

const web = service("web", {
  type: "NodePort",
  clusterIPs: ["10.96.0.10"],
  ports: [{ port: 80, nodePort: 30080, protocol: "TCP" }],
});
const two = slice("web", [here("10.244.0.5"), here("10.244.0.6")]);

test("the whole table for two endpoints", () => {
  const dns = { clusterIp: "10.96.0.2", address: "10.244.0.1", port: 53 };
  golden("two-endpoints.nft", renderTable(render([web], [two], { dns })));
});

test("the change from two endpoints to one, and to none", () => {
  const before = render([web], [two]);
  const one = render([web], [slice("web", [here("10.244.0.6")])]);
  const none = render([web], []);
  golden("two-to-one.nft", renderChange(before, one));
  golden("one-to-none.nft", renderChange(one, none));
  assert.equal(renderChange(before, render([web], [two])), "");
});

test("the same input in another order gives the same table", () => {
  const reversed = slice("web", [...(two.endpoints ?? [])].reverse());
  assert.equal(renderTable(render([web], [two])), renderTable(render([web], [reversed])));
});

test("only ready endpoints get traffic; when all are going, those that still serve", () => {
  const going = { ready: false, serving: true, terminating: true };
  const ready = render([web], [slice("web", [here("10.244.0.5", going), here("10.244.0.6")])]);
  assert.deepEqual(resolved(ready, "services4"), {
    "10.96.0.10 . tcp . 80": "meta l4proto tcp dnat ip to 10.244.0.6:8080",
  });
  const leaving = render(
    [web],
    [slice("web", [here("10.244.0.5", going), here("10.244.0.6", { ready: false, serving: false })])],
  );
  assert.deepEqual(resolved(leaving, "services4"), {
    "10.96.0.10 . tcp . 80": "meta l4proto tcp dnat ip to 10.244.0.5:8080",
  });
});

test("a Service without endpoints is refused on every address it has", () => {
  const plan = render([web], [slice("web", [here("10.244.0.5", { ready: false })])]);
  assert.equal(plan.sets.get("services4")?.elements?.size, 0);
  assert.deepEqual(resolved(plan, "refused-services4"), { "10.96.0.10 . tcp . 80": "goto no-endpoints" });
  assert.deepEqual(resolved(plan, "refused-ports4"), { "tcp . 30080": "goto no-endpoints" });
});

test("what should have been rewritten is dropped, unless it asks for the endpoint itself", () => {
  const own: Service = { ...web, spec: { ...web.spec, externalIPs: ["192.0.2.9", "192.0.2.10"] } };
  const plan = render(
    [own],
    [slice("web", [here("192.0.2.9")], { ports: [{ name: "", port: 80, protocol: "TCP" }] })],
  );
  assert.deepEqual(resolved(plan, "refused-services4"), {
    "10.96.0.10 . tcp . 80": "drop",
    "192.0.2.10 . tcp . 80": "drop",
  });
  assert.deepEqual(resolved(plan, "refused-ports4"), { "tcp . 30080": "drop" });
});

test("headless and ExternalName Services have no rules", () => {
  const plan = render(
    [
      service("headless", { clusterIP: "None", clusterIPs: ["None"], ports: [{ port: 80 }] }),
      service("alias", { type: "ExternalName", externalName: "example.com" }),
    ],
    [slice("headless", [here("10.244.0.5")])],
  );
  assert.equal(renderTable(plan), renderTable(render([], [])));
});

test("named ports and several slices", () => {
  const many = service("many", {
    clusterIPs: ["10.96.0.11"],
    ports: [
      { name: "a", port: 80 },
      { name: "b", port: 53, protocol: "UDP" },
    ],
  });
  const plan = render(
    [many],
    [
      slice("many", [here("10.244.0.5")], {
        ports: [
          { name: "a", port: 8080, protocol: "TCP" },
          { name: "b", port: 5353, protocol: "UDP" },
        ],
      }),
      slice("many", [here("10.244.0.6"), here("10.244.0.5")], { ports: [{ name: "a", port: 8080 }] }),
    ],
  );
  assert.deepEqual(resolved(plan, "services4"), {
    "10.96.0.11 . tcp . 80":
      "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.0.5 . 8080, 1 : 10.244.0.6 . 8080 }",
    "10.96.0.11 . udp . 53": "meta l4proto udp dnat ip to 10.244.0.5:5353",
  });
});

test("load balancer and external addresses; source ranges guard only the former", () => {
  const plan = render(
    [
      service(
        "lb",
        {
          type: "LoadBalancer",
          clusterIPs: ["10.96.0.12"],
          ports: [{ port: 80 }],
          externalIPs: ["203.0.113.5"],
          loadBalancerSourceRanges: ["198.51.100.0/24"],
        },
        { loadBalancer: { ingress: [{ ip: "192.0.2.2" }, { ip: "192.0.2.3", ipMode: "Proxy" }] } },
      ),
    ],
    [slice("lb", [here("10.244.0.5")])],
  );
  const dnat = "meta l4proto tcp dnat ip to 10.244.0.5:8080";
  assert.deepEqual(resolved(plan, "services4"), {
    "10.96.0.12 . tcp . 80": dnat,
    "192.0.2.2 . tcp . 80": dnat,
    "203.0.113.5 . tcp . 80": dnat,
  });
  assert.deepEqual(resolved(plan, "guarded4"), {
    "192.0.2.2 . tcp . 80": "ip saddr != { 198.51.100.0/24 } drop",
  });
});

test("load balancers answer on the machine's other addresses unless the port is someone else's there", () => {
  const lb = service(
    "lb",
    { type: "LoadBalancer", clusterIPs: ["10.96.0.12"], ports: [{ port: 80 }] },
    { loadBalancer: { ingress: [{ ip: "10.244.0.1" }] } },
  );
  const balancer = { address: "10.244.0.1", aliases: ["127.0.0.1", "192.0.2.2"] };
  const taken = new Set(["tcp/192.0.2.2/80"]);
  const plan = render([lb], [slice("lb", [here("10.244.0.5")])], { balancer, taken });
  assert.deepEqual(Object.keys(resolved(plan, "services4")), [
    "10.96.0.12 . tcp . 80",
    "10.244.0.1 . tcp . 80",
    "127.0.0.1 . tcp . 80",
  ]);
});

test("endpoints on other nodes: clients from outside are masqueraded", () => {
  const plan = render([web], [slice("web", [there("10.244.1.5")])]);
  assert.equal(
    resolved(plan, "node-ports4")["tcp . 30080"],
    "meta mark set meta mark or 0x4000; [ip saddr != 10.244.0.0/16 fib saddr type != local meta mark set meta mark or 0x4000; meta l4proto tcp dnat ip to 10.244.1.5:8080]",
  );
});

test("externalTrafficPolicy Local: pods and the node reach all, others the local ones or nothing", () => {
  const local: Service = { ...web, spec: { ...web.spec, externalTrafficPolicy: "Local" } };
  const both = render([local], [slice("web", [here("10.244.0.5"), there("10.244.1.5")])]);
  const rules = resolved(both, "node-ports4")["tcp . 30080"] ?? "";
  assert.match(
    rules,
    /^ip saddr 10\.244\.0\.0\/16 \[.*mod 2.*\];.*fib saddr type local \[.*\]; \[meta l4proto tcp dnat ip to 10\.244\.0\.5:8080\]$/,
  );
  const remote = render([local], [slice("web", [there("10.244.1.5")])]);
  assert.deepEqual(resolved(remote, "refused-ports4"), { "tcp . 30080": "drop" });
});

test("internalTrafficPolicy Local", () => {
  const local = service("local", {
    clusterIPs: ["10.96.0.13"],
    internalTrafficPolicy: "Local",
    ports: [{ port: 80 }],
  });
  const plan = render([local], [slice("local", [here("10.244.0.5"), there("10.244.1.5")])]);
  assert.match(resolved(plan, "services4")["10.96.0.13 . tcp . 80"] ?? "", /dnat ip to 10\.244\.0\.5:8080$/);
  const none = render([local], [slice("local", [there("10.244.1.5")])]);
  assert.deepEqual(resolved(none, "refused-services4"), { "10.96.0.13 . tcp . 80": "drop" });
});

test("session affinity remembers a client for the time it says, and survives changes of others", () => {
  const sticky: Service = {
    ...web,
    spec: {
      ...web.spec,
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    },
  };
  const before = render([sticky], [two]);
  golden("sticky.nft", renderTable(before));
  const after = render(
    [sticky],
    [slice("web", [here("10.244.0.5"), here("10.244.0.6"), here("10.244.0.7")])],
  );
  assert.doesNotMatch(renderChange(before, after), /(delete|flush) set/);
});

test("IPv6 and dual stack", () => {
  const dual = service("dual", { clusterIPs: ["10.96.0.14", "fd00:96::14"], ports: [{ port: 80 }] });
  const plan = render(
    [dual],
    [
      slice("dual", [here("10.244.0.5")]),
      slice("dual", [here("fd00:244::5"), here("fd00:244::6")], { addressType: "IPv6" }),
    ],
  );
  assert.equal(
    resolved(plan, "services4")["10.96.0.14 . tcp . 80"],
    "meta l4proto tcp dnat ip to 10.244.0.5:8080",
  );
  assert.equal(
    resolved(plan, "services6")["fd00:96::14 . tcp . 80"],
    "meta l4proto tcp dnat ip6 to numgen random mod 2 map { 0 : fd00:244::5 . 8080, 1 : fd00:244::6 . 8080 }",
  );
});

test("a node port that another program has stays with it", () => {
  const plan = render([web], [two], { taken: new Set(["tcp/0.0.0.0/30080"]) });
  assert.equal(plan.sets.get("node-ports4")?.elements?.size, 0);
  assert.equal(plan.sets.get("services4")?.elements?.size, 1);
});

test("chain names fit into the kernel however long the Service's name is", () => {
  const long = "a".repeat(63);
  const plan = render(
    [{ metadata: { name: long, namespace: long }, spec: { ...web.spec, sessionAffinity: "ClientIP" } }],
    [],
  );
  for (const name of [...plan.chains.keys(), ...plan.sets.keys()]) assert.ok(name.length < 128, name);
});
