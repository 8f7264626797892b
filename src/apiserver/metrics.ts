import type { RequestInfo } from "./contract.ts";

const bucketSeconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 30, 60];

interface Series {
  labels: string;
  count: number;
  sumSeconds: number;
  buckets: number[];
}

/** Request counts and durations under Kubernetes' names, as Prometheus text. */
export class Metrics {
  readonly #series = new Map<string, Series>();
  readonly #gauges = new Map<string, { help: string; read: () => number }>();

  observe(method: string, info: RequestInfo | undefined, code: number, ms: number): void {
    const verb = info?.isResource ? info.verb.toUpperCase() : method;
    const key = `${verb}|${info?.apiGroup ?? ""}|${info?.apiVersion ?? ""}|${info?.resource ?? ""}|${info?.subresource ?? ""}|${code}`;
    let series = this.#series.get(key);
    if (!series) {
      // Unknown paths must not make the table grow for ever.
      if (this.#series.size > 5000) return;
      const [, group, version, resource, subresource] = key.split("|");
      const labels = `verb="${verb}",group="${group}",version="${version}",resource="${resource}",subresource="${subresource}",code="${code}"`;
      series = { labels, count: 0, sumSeconds: 0, buckets: bucketSeconds.map(() => 0) };
      this.#series.set(key, series);
    }
    const seconds = ms / 1000;
    series.count++;
    series.sumSeconds += seconds;
    for (let i = bucketSeconds.length - 1; i >= 0 && seconds <= (bucketSeconds[i] as number); i--) {
      series.buckets[i] = (series.buckets[i] as number) + 1;
    }
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, { help, read });
  }

  text(): string {
    const lines = [
      "# HELP apiserver_request_total Requests by verb, resource and code.",
      "# TYPE apiserver_request_total counter",
    ];
    for (const { labels, count } of this.#series.values()) {
      lines.push(`apiserver_request_total{${labels}} ${count}`);
    }
    lines.push(
      "# HELP apiserver_request_duration_seconds Time until the answer began, in seconds.",
      "# TYPE apiserver_request_duration_seconds histogram",
    );
    for (const { labels, count, sumSeconds, buckets } of this.#series.values()) {
      for (const [i, bound] of bucketSeconds.entries()) {
        lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${bound}"} ${buckets[i]}`);
      }
      lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`apiserver_request_duration_seconds_sum{${labels}} ${sumSeconds}`);
      lines.push(`apiserver_request_duration_seconds_count{${labels}} ${count}`);
    }
    for (const [name, { help, read }] of this.#gauges) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    }
    return `${lines.join("\n")}\n`;
  }
}
