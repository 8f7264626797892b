/** Pods for benchmarks. */

/** The body of a POST. About 3.7 KB when stored, of which 1.5 are managedFields. `key`: for its name. */
export const podBody = (key: "name" | "generateName", value: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      [key]: value,
      labels: { app: "load", tier: "backend", version: "v1" },
      annotations: { note: "a pod of ordinary size" },
    },
    spec: {
      schedulerName: "nobody",
      containers: [
        {
          name: "c1",
          image: "registry.example/app:v1",
          command: ["/bin/app", "--flag=1"],
          env: [
            { name: "A", value: "1" },
            { name: "B", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          ],
          resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "200m", memory: "128Mi" } },
          ports: [{ containerPort: 8080, name: "http" }],
          livenessProbe: { httpGet: { path: "/healthz", port: "http" } },
          readinessProbe: { httpGet: { path: "/ready", port: "http" } },
          volumeMounts: [{ name: "v", mountPath: "/data" }],
        },
      ],
      volumes: [{ name: "v", emptyDir: {} }],
    },
  });

/** Likewise, about 2.5 KB when stored. */
export const plainPodBody = (name: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "load", tier: "backend" } },
    spec: {
      schedulerName: "nobody",
      containers: [
        {
          name: "c1",
          image: "registry.example/app:v1",
          env: [
            { name: "A", value: "1" },
            { name: "B", value: "2" },
          ],
          resources: { requests: { cpu: "100m", memory: "64Mi" } },
          ports: [{ containerPort: 8080, name: "http" }],
        },
      ],
    },
  });
