import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, PodSpec } from "../../api/index.ts";
import { parseResolvConf, podDns } from "./dns.ts";
import { podHostname } from "./hostname.ts";
import { podHostsFile } from "./hosts-file.ts";
import { portMappings } from "./sandbox-config.ts";

const pod = (spec: Partial<PodSpec>): Pod => ({
  metadata: { name: "p", namespace: "ns" },
  spec: spec as PodSpec,
});
const cluster = { servers: ["10.96.0.10"], domain: "cluster.local" };
const host = parseResolvConf("# c\nnameserver 192.0.2.53\nsearch example.org.\noptions timeout:2\n");

test("resolv.conf by dnsPolicy and dnsConfig", () => {
  const first = podDns(pod({}), cluster, host);
  assert.deepEqual(first, {
    servers: ["10.96.0.10"],
    searches: ["ns.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org"],
    options: ["ndots:5"],
  });
  assert.deepEqual(podDns(pod({ hostNetwork: true }), cluster, host), host);
  assert.deepEqual(
    podDns(pod({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }), cluster, host),
    first,
  );
  const none = pod({
    dnsPolicy: "None",
    dnsConfig: {
      nameservers: ["1.1.1.1"],
      searches: ["a.b"],
      options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
    },
  });
  assert.deepEqual(podDns(none, cluster, host), {
    servers: ["1.1.1.1"],
    searches: ["a.b"],
    options: ["ndots:2", "edns0"],
  });
});

test("hostname and /etc/hosts", () => {
  const named = pod({ hostname: "web-0", subdomain: "web" });
  const { hostname, fqdn, kernel } = podHostname(named, "cluster.local", "node");
  assert.equal(kernel, "web-0");
  assert.equal(fqdn, "web-0.web.ns.svc.cluster.local");
  const file = podHostsFile(["10.0.0.2"], hostname, fqdn, [{ ip: "1.2.3.4", hostnames: ["a", "b"] }]);
  assert.match(file, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
  assert.match(file, /\n10\.0\.0\.2\tweb-0\.web\.ns\.svc\.cluster\.local\tweb-0\n/);
  assert.match(file, /\n# Entries added by HostAliases\.\n1\.2\.3\.4\ta\tb\n$/);
  assert.equal(
    podHostname(pod({ hostname: "h", subdomain: "s", setHostnameAsFQDN: true }), "c.l", "n").kernel,
    "h.s.ns.svc.c.l",
  );
  assert.equal(podHostname(pod({ hostNetwork: true }), "c.l", "n").kernel, "n");
});

test("host ports", () => {
  const ports = [
    { containerPort: 80, hostPort: 8080 },
    { containerPort: 53, hostPort: 53, protocol: "UDP", hostIP: "127.0.0.1" },
    { containerPort: 1 },
  ];
  assert.deepEqual(portMappings(pod({ containers: [{ name: "a", ports }] })), [
    { protocol: "TCP", containerPort: 80, hostPort: 8080, hostIp: "" },
    { protocol: "UDP", containerPort: 53, hostPort: 53, hostIp: "127.0.0.1" },
  ]);
  assert.deepEqual(portMappings(pod({ hostNetwork: true, containers: [{ name: "a", ports }] })), []);
});
