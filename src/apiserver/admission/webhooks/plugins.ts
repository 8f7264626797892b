/** MutatingAdmissionWebhook and ValidatingAdmissionWebhook. */
import { WebhookCallError } from "../../webhooks/answers.ts";
import { webhookCredentials } from "../../webhooks/credentials.ts";
import { ReviewClient } from "../../webhooks/review-client.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { ask, uncalled, wants } from "./ask.ts";
import { type Called, Hooks } from "./hooks.ts";
import { type Asking, mutate } from "./mutate.ts";
import { HookWatch } from "./watch-hook.ts";

export function admissionWebhooks(
  context: PluginContext,
): [mutating: AdmissionPlugin, validating: AdmissionPlugin] {
  const { caches, registry, log, random, authorizer, clock, metrics, configuration } = context;
  const admitting = new HookWatch(clock, metrics, "admit");
  const judging = new HookWatch(clock, metrics, "validate");
  const clientOf = (plugin: string): ReviewClient =>
    new ReviewClient(
      caches,
      random,
      { now: () => clock.monotonic(), meters: metrics.restClient },
      webhookCredentials(configuration?.get(plugin)),
    );
  const changer = clientOf("MutatingAdmissionWebhook");
  // Both plugins share connections, unless one has credentials of its own.
  const judge = configuration ? clientOf("ValidatingAdmissionWebhook") : changer;
  const forget = (): void => {
    const bundles = new Set([...mutating.bundles(), ...validating.bundles()]);
    for (const client of new Set([changer, judge])) client.keepOnly(bundles);
  };
  const mutating = new Hooks(caches, registry, "mutatingwebhookconfigurations", forget);
  const validating = new Hooks(caches, registry, "validatingwebhookconfigurations", forget);
  const ignored = ({ hook }: Called, error: Error): void =>
    log.warn("a webhook that may fail was not reached", { webhook: hook.name, error: error.message });
  return [
    {
      name: "MutatingAdmissionWebhook",
      connects: true,
      admit(request) {
        const called = mutating.of(request);
        if (called.length === 0) return undefined;
        const { selects } = mutating;
        return mutate(
          { client: changer, authorizer, registry, ignored, selects, watch: admitting },
          request,
          called,
        );
      },
    },
    {
      name: "ValidatingAdmissionWebhook",
      connects: true,
      validate(request) {
        const called = validating.of(request).filter((each) => validating.selects(each, request));
        if (called.length === 0) return undefined;
        return validate({ client: judge, authorizer, ignored, watch: judging }, request, called);
      },
    },
  ];
}

/** Calls all at once and waits for all. Of several refusals the first in order is thrown. */
async function validate(
  { client, authorizer, ignored, watch }: Pick<Asking, "client" | "authorizer" | "ignored" | "watch">,
  request: AdmissionRequest,
  called: readonly Called[],
): Promise<void> {
  const wanting: Called[] = [];
  for (const each of called) if (await wants(authorizer, each, request)) wanting.push(each);
  const outcomes = await Promise.all(
    wanting.map(async (each, index) => {
      const warnings: string[] = [];
      try {
        await watch.over(each, request, () => ask(client, { ...request, warnings }, each, false));
        return { warnings };
      } catch (error) {
        if (!(error instanceof WebhookCallError)) return { warnings, refusal: error };
        if (each.hook.failurePolicy !== "Ignore") return { warnings, refusal: uncalled(each, error) };
        const key = `failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`;
        request.audit?.annotate(key, each.hook.name);
        ignored(each, error);
        watch.failedOpen(each);
        return { warnings };
      }
    }),
  );
  for (const { warnings } of outcomes) request.warnings.push(...warnings);
  for (const { refusal } of outcomes) if (refusal !== undefined) throw refusal;
}
