import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import {
  type ApiServer,
  type Auth,
  createApiServer,
  createAuth,
  createProxy,
  openAudit,
  openEncryption,
  openTracing,
  opensslCiphers,
  startupMetrics,
  type Tracing,
} from "../../apiserver/index.ts";
import type { ApiTransport } from "../../client/index.ts";
import { type Clock, type Logger, parseYamlDocuments } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import { ClusterError } from "../cluster-error.ts";
import type { ApiServerSettings, OidcSettings } from "../config/api-server-settings.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import { externalAddress } from "../config/external-address.ts";
import { serverFlags } from "../config/server-flags.ts";
import type { ClusterCertificates } from "../pki/cluster-certificates.ts";
import { type Identity, identities } from "../pki/identities.ts";
import { namesInPods, ownServerName } from "../pki/server-names.ts";
import { collectAtRest, ownHeap } from "../process/rest.ts";
import { admissionFiles } from "./admission-files.ts";
import { policiesIn, useModes } from "./authorization-modes.ts";
import { authOptions } from "./auth-options.ts";
import { configurationFile, followFiles } from "./follow-files.ts";
import { oidcIssuer } from "./oidc-issuer.ts";
import { ServingFiles } from "./serving-files.ts";
import type { PartState } from "./supervisor.ts";

export interface ControlPlane {
  server: ApiServer;
  /** A transport for a component in this process, as its own user. */
  transportAs(identity: keyof typeof identities): ApiTransport;
  transportFor(identity: Identity): ApiTransport;
  /** Stores and maintains the default roles until the signal. */
  maintainRoles(signal: AbortSignal): Promise<void>;
  /** Also listens on this address, once it exists. */
  listenOn(host: string): Promise<void>;
  close(): Promise<void>;
}

/** API server with authentication, authorization and the connection to the kubelet; listening on loopback when it resolves. */
export async function startControlPlane(options: {
  config: ClusterConfig;
  certificates: ClusterCertificates;
  store: Store;
  clock: Clock;
  log: Logger;
  settings: ApiServerSettings;
  /** How long requests in flight may take at shutdown; default a few seconds. */
  graceMs?: number;
  /** Stops following configuration files. */
  signal: AbortSignal;
  /** The answer of `GET /wherry/status`. */
  parts: () => readonly PartState[];
}): Promise<ControlPlane> {
  const { config, certificates, clock, log, settings, signal } = options;
  const advertiseAddress = config.simulatedNodes > 0 ? "127.0.0.1" : config.gateway;
  if ((settings.verbosity ?? 0) >= 4) log.setLevel?.("debug");
  const external = settings.externalHostname && externalAddress(settings.externalHostname, config.apiPort);
  const given = authOptions(certificates, settings, clock, external);
  const { clientCa, proxyCa } = given;
  const auth = createAuth(given);
  const serving = new ServingFiles(
    { ...certificates.apiserver, names: [ownServerName, ...namesInPods(config.domain), config.gateway] },
    `${clientCa}\n${proxyCa}`,
    settings,
  );
  const {
    authenticationConfig: authentication,
    authorizationConfig: authorization,
    encryptionConfig: encryption,
    plugins,
  } = settings;
  const metrics = startupMetrics(hostname(), () => clock.now());
  const encrypted = encryption
    ? await openEncryption(options.store, { clock, log, meters: metrics.encryption })
    : undefined;
  if (settings.authorization) await useModes(auth, settings.authorization);
  if (settings.oidc) await configureOidc(auth, settings.oidc);
  const { reloads } = metrics;
  const policies = policiesIn(settings.authorizationPolicyFile ?? "");
  const configureAuthorization = (value: unknown) => auth.configureAuthorization(value, policies);
  await followFiles(
    [
      ...(authentication
        ? [configurationFile(authentication, auth.configureAuthentication, reloads("authentication"))]
        : []),
      ...(encryption && encrypted
        ? [configurationFile(encryption, encrypted.configure, reloads("encryption"))]
        : []),
      ...(authorization
        ? [configurationFile(authorization, configureAuthorization, reloads("authorization"))]
        : []),
      ...serving.files,
    ],
    { clock, log, signal },
  );
  const proxy = createProxy({
    authorizer: auth.authorizer,
    kubelet: { ...certificates.clients["apiserver-kubelet"], ca: certificates.ca },
    random: Math.random,
    metrics: metrics.registry,
  });
  const audit = settings.audit
    ? await openAudit(settings.audit, { clock, log, random: Math.random }).catch((cause: Error) => {
        throw new ClusterError(`requests cannot be recorded: ${cause.message}`, { cause });
      })
    : undefined;
  const tracing = settings.tracingConfig
    ? await readTracing(settings.tracingConfig, { clock, log })
    : undefined;
  const server = await createApiServer({
    ...(tracing ? { tracer: tracing.tracer } : {}),
    ...(audit ? { audit } : {}),
    metrics: metrics.registry,
    store: encrypted?.store ?? options.store,
    checks: new Map<string, () => void | Promise<void>>([
      ...auth.checks,
      ...(encrypted ? [["kms-providers", encrypted.healthy] as const] : []),
    ]),
    clock,
    log: log.with({ part: "apiserver" }),
    random: Math.random,
    authenticator: auth.authenticator,
    authorizer: auth.authorizer,
    special: new Map([...auth.special, ...proxy.special]),
    upgrades: proxy.upgrades,
    guards: auth.guards,
    ...(plugins ? { plugins } : {}),
    ...(settings.runtimeConfig ? { runtimeConfig: new Map(Object.entries(settings.runtimeConfig)) } : {}),
    ...(settings.admissionConfig ? { pluginConfiguration: admissionFiles(settings.admissionConfig) } : {}),
    ...(external ? { externalAddress: external } : {}),
    identity: { hostname: hostname(), peerAddress: `${advertiseAddress}:${config.apiPort}` },
    flags: serverFlags(config, settings, { advertiseAddress, issuers: auth.issuers }),
    ...(settings.profiling === undefined ? {} : { profiling: settings.profiling }),
    ...(settings.requestMs === undefined ? {} : { requestMs: settings.requestMs }),
    ...(settings.corsOrigins === undefined ? {} : { corsOrigins: settings.corsOrigins }),
    ...(settings.goAwayChance === undefined ? {} : { goAwayChance: settings.goAwayChance }),
    ...(settings.minRequestSeconds === undefined ? {} : { minRequestSeconds: settings.minRequestSeconds }),
    ...(settings.eventTtlMs === undefined ? {} : { eventTtlSeconds: Math.floor(settings.eventTtlMs / 1000) }),
    ...(settings.strictTransport === undefined ? {} : { strictTransport: settings.strictTransport }),
    tolerationSeconds: {
      ...(settings.notReadySeconds === undefined ? {} : { notReady: settings.notReadySeconds }),
      ...(settings.unreachableSeconds === undefined ? {} : { unreachable: settings.unreachableSeconds }),
    },
    ...(settings.livezGraceMs === undefined ? {} : { livezGraceMs: settings.livezGraceMs }),
    flowControl: { seats: seatsOf(settings) },
    shutdown: {
      ...(settings.shutdownDelayMs === undefined ? {} : { delayMs: settings.shutdownDelayMs }),
      ...(settings.shutdownWatchGraceMs === undefined ? {} : { watchGraceMs: settings.shutdownWatchGraceMs }),
      ...(settings.shutdownSendRetryAfter ? { sendRetryAfter: true } : {}),
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    },
    network: {
      serviceCidr: config.serviceCidr,
      ...(settings.nodePorts ? { nodePorts: settings.nodePorts } : {}),
      advertise: {
        address: advertiseAddress,
        port: config.apiPort,
      },
    },
    aggregation: {
      frontProxy: certificates.frontProxyClient,
      trust: {
        clientCa,
        frontProxyCa: certificates.frontProxyCa,
        frontProxyNames: ["front-proxy-client"],
      },
    },
    components: () =>
      options
        .parts()
        .filter(({ name }) => name === "scheduler" || name === "controller-manager")
        .map(({ name, healthy, message }) => ({ name, error: healthy ? undefined : message })),
    documents: new Map([
      ...auth.documents,
      ["/wherry/status", () => ({ name: config.name, pid: process.pid, parts: options.parts() })],
    ]),
  });
  serving.changed = (tls) => server.renewTls(tls);
  const listen = async (host: string): Promise<void> => {
    try {
      await server.listen({
        host,
        port: config.apiPort,
        tls: serving.tls,
        maxStreams: settings.http2MaxStreams,
        minTls: settings.minTls,
        ciphers: settings.cipherSuites && opensslCiphers(settings.cipherSuites, settings.minTls ?? "TLSv1.2"),
      });
    } catch (cause) {
      if (!isTaken(cause)) throw cause;
      throw new ClusterError(`port ${config.apiPort} on ${host}, meant for the API server, is taken`, {
        hint: `Stop what listens there (ss -ltnp 'sport = :${config.apiPort}' shows it), or choose another port: wherry up --api-port N`,
        cause,
      });
    }
  };
  try {
    await listen("127.0.0.1");
  } catch (error) {
    proxy.close();
    await server.close();
    throw error;
  }
  const heap = ownHeap();
  const resting = heap && collectAtRest(clock, heap);
  const transportFor = ({ commonName, organizations = [] }: Identity): ApiTransport =>
    server.localTransport({ certificate: { commonName, organizations }, address: "127.0.0.1" });
  const transportAs = (name: keyof typeof identities): ApiTransport =>
    transportFor(identities[name](config.nodeName));
  return {
    server,
    transportAs,
    transportFor,
    listenOn: listen,
    maintainRoles: (signal) =>
      auth.maintain({ api: transportAs("apiserver"), objects: server.objects, log, signal }),
    async close() {
      resting?.stop();
      await server.close();
      await audit?.close();
      await tracing?.close();
      encrypted?.close();
      proxy.close();
    },
  };
}

async function configureOidc(auth: Auth, settings: OidcSettings): Promise<void> {
  try {
    const { configuration, signingAlgorithms } = oidcIssuer(settings);
    await auth.configureAuthentication(configuration, signingAlgorithms);
  } catch (cause) {
    throw new ClusterError(`invalid authentication configuration: ${(cause as Error).message}`, { cause });
  }
}

async function readTracing(file: string, context: { clock: Clock; log: Logger }): Promise<Tracing> {
  try {
    return await openTracing(parseYamlDocuments(await readFile(file, "utf8"), file)[0]?.value, context);
  } catch (cause) {
    throw new ClusterError(`${file} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** The sum, as in kube-apiserver. */
const seatsOf = ({
  maxRequestsInflight = 400,
  maxMutatingRequestsInflight = 200,
}: ApiServerSettings): number => maxRequestsInflight + maxMutatingRequestsInflight;

function isTaken(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if ((at as NodeJS.ErrnoException).code === "EADDRINUSE") return true;
  return false;
}
