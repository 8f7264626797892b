/** ImagePolicyWebhook: asks a webhook whether the images of a pod may run. */
import type { Pod } from "../../../../api/index.ts";
import { WebhookCallError } from "../../../webhooks/answers.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../../chain.ts";
import type { PluginContext } from "../../context.ts";
import { refuse } from "../../refuse.ts";
import { askAboutImages } from "./ask.ts";
import { type ImageReviewStatus, reviewOf, specOf, statusOf } from "./review.ts";
import { imagePolicySettings } from "./settings.ts";
import { Verdicts } from "./verdicts.ts";

const auditPrefix = "imagepolicywebhook.image-policy.k8s.io/";

export function imagePolicyWebhook({ clock, random, configuration, log }: PluginContext): AdmissionPlugin {
  const settings = imagePolicySettings(configuration?.get("ImagePolicyWebhook"));
  const { allowMs, denyMs, defaultAllow } = settings;
  const ask = askAboutImages(settings.kubeconfig, { clock, random, retryMs: settings.retryMs });
  const verdicts = new Verdicts(clock, { allowMs, denyMs });
  const asked = async (request: AdmissionRequest, pod: Pod): Promise<ImageReviewStatus> => {
    const spec = specOf(pod, request.namespace, request.subresource !== "");
    const key = JSON.stringify(spec);
    const known = verdicts.get(key);
    if (known) return known;
    const status = statusOf(await ask(reviewOf(spec)));
    verdicts.add(key, status);
    return status;
  };
  const judge = async (request: AdmissionRequest, pod: Pod): Promise<void> => {
    let status: ImageReviewStatus;
    try {
      status = await asked(request, pod);
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      if (!defaultAllow) throw refuse(request, error.message);
      log.warn("images were let in, since nobody said whether they may run", { error: error.message });
      request.audit?.annotate(`${auditPrefix}failed-open`, "true");
      return;
    }
    const { allowed = false, reason = "", auditAnnotations } = status;
    for (const [key, value] of Object.entries(auditAnnotations ?? {}))
      request.audit?.annotate(`${auditPrefix}${key}`, value);
    if (allowed) return;
    throw refuse(
      request,
      reason === ""
        ? "one or more images rejected by webhook backend"
        : `image policy webhook backend denied one or more images: ${reason}`,
    );
  };
  return {
    name: "ImagePolicyWebhook",
    validate(request) {
      const { resource, subresource, operation, object } = request;
      if (operation !== "CREATE" && operation !== "UPDATE") return undefined;
      if (resource.def.group !== "" || resource.def.plural !== "pods") return undefined;
      if (subresource !== "" && subresource !== "ephemeralcontainers") return undefined;
      return judge(request, object as Pod);
    },
  };
}
