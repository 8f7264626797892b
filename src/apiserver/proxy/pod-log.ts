import { StatusError } from "../../machinery/index.ts";
import type { SpecialHandler } from "../contract.ts";
import { failureOf, type KubeletClient } from "./kubelet-client.ts";
import { containerOf, kubeletOfPod, podOf } from "./kubelet-location.ts";

const passedOn = [
  "follow",
  "previous",
  "sinceSeconds",
  "sinceTime",
  "timestamps",
  "tailLines",
  "limitBytes",
  "stream",
];

function validate(query: URLSearchParams, name: string): void {
  const causes: { reason: string; message: string; field: string }[] = [];
  const check = (field: string, least: number): void => {
    const text = query.get(field);
    if (text === null) return;
    const value = Number(text);
    if (!Number.isInteger(value))
      throw new StatusError("BadRequest", `strconv.ParseInt: parsing "${text}": invalid syntax`);
    if (value < least)
      causes.push({
        reason: "FieldValueInvalid",
        message: `Invalid value: ${value}: must be greater than ${least === 0 ? "or equal to 0" : "0"}`,
        field,
      });
  };
  check("tailLines", 0);
  check("limitBytes", 1);
  check("sinceSeconds", 1);
  if (query.has("sinceSeconds") && query.has("sinceTime"))
    causes.push({
      reason: "FieldValueForbidden",
      message: "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
      field: "",
    });
  const [cause] = causes;
  if (!cause) return;
  const path = cause.field === "" ? "" : `${cause.field}: `;
  throw new StatusError("Invalid", `PodLogOptions "${name}" is invalid: ${path}${cause.message}`, {
    details: { name, kind: "PodLogOptions", causes },
  });
}

/** `pods/log`: the kubelet's answer, passed through as it comes. */
export function podLogHandler(kubelet: KubeletClient): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: "Pod",
    namespaced: true,
    verbs: ["get"],
    async handle({ info, objects, request }) {
      const { query } = info;
      const pod = podOf(objects, info.namespace, info.name);
      validate(query, info.name);
      const container = containerOf(pod, query.get("container") ?? "");
      const location = kubeletOfPod(objects, pod);
      const wanted = new URLSearchParams();
      for (const name of passedOn) {
        const value = query.get(name);
        if (value !== null) wanted.set(name, value);
      }
      const path = `/containerLogs/${[info.namespace, info.name, container].map(encodeURIComponent).join("/")}?${wanted}`;
      const answer = await kubelet.get(location, path, request.signal);
      if (answer.statusCode !== 200) throw await failureOf(answer, path);
      return { status: 200, headers: { "content-type": "text/plain" }, body: answer };
    },
  };
}
