/** AuthenticationConfiguration (apiserver.config.k8s.io, KEP-3331): token issuers, and anonymous access. */
import {
  duplicate,
  type FieldError,
  invalid,
  isDns1123Subdomain,
  isObject,
  required,
} from "../../../../machinery/index.ts";
import { hasCertificates } from "../front-proxy.ts";
import { type CompileExpression, expressionProblems } from "../../expressions.ts";

export interface ClaimOrExpression {
  claim?: string;
  /** Of `claim`; required, even if it is "". */
  prefix?: string;
  expression?: string;
}

export interface JwtAuthenticatorConfig {
  issuer: {
    url: string;
    discoveryURL?: string;
    certificateAuthority?: string;
    audiences: string[];
    audienceMatchPolicy?: string;
  };
  claimValidationRules?: { claim?: string; requiredValue?: string; expression?: string; message?: string }[];
  claimMappings: {
    username: ClaimOrExpression;
    groups?: ClaimOrExpression;
    uid?: ClaimOrExpression;
    extra?: { key: string; valueExpression: string }[];
  };
  userValidationRules?: { expression: string; message?: string }[];
}

export interface AuthenticationConfig {
  jwt: JwtAuthenticatorConfig[];
  anonymous?: { enabled: boolean; conditions?: { path: string }[] };
}

const versions = ["v1", "v1beta1", "v1alpha1"].map((version) => `apiserver.config.k8s.io/${version}`);
const maxIssuers = 64;

/** Throws with all mistakes. `ownIssuers`: issuers of ServiceAccount tokens, which no other may use. */
export function readAuthenticationConfig(
  value: unknown,
  ownIssuers: readonly string[],
  compile: CompileExpression,
): AuthenticationConfig {
  if (
    !isObject(value) ||
    value.kind !== "AuthenticationConfiguration" ||
    !versions.includes(String(value.apiVersion))
  ) {
    throw new Error(`the file must hold an AuthenticationConfiguration of ${versions.join(", ")}`);
  }
  const config = value as unknown as AuthenticationConfig;
  config.jwt ??= [];
  const errors = configProblems(config, ownIssuers, compile);
  if (errors.length > 0) throw new Error(errors.map((each) => `${each.field}: ${each.message}`).join("; "));
  return config;
}

export function configProblems(
  { jwt, anonymous }: AuthenticationConfig,
  ownIssuers: readonly string[],
  compile: CompileExpression,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!Array.isArray(jwt)) return [invalid("jwt", jwt, "must be a list")];
  if (jwt.length > maxIssuers)
    errors.push(invalid("jwt", jwt.length, `must have at most ${maxIssuers} items`));
  const seen = new Set<string>();
  jwt.forEach((each, i) => {
    const path = `jwt[${i}]`;
    if (!isObject(each.issuer) || !isObject(each.claimMappings)) {
      errors.push(required(path, "issuer and claimMappings are required"));
      return;
    }
    checkIssuer(each.issuer, `${path}.issuer`, ownIssuers, errors);
    checkRules(each, path, compile, errors);
    checkMappings(each, path, compile, errors);
    for (const url of [each.issuer.url, each.issuer.discoveryURL]) {
      if (url !== undefined && seen.has(url)) errors.push(duplicate(`${path}.issuer.url`, url));
      if (url !== undefined) seen.add(url);
    }
  });
  if (anonymous && !anonymous.enabled && anonymous.conditions?.length) {
    const why = "enabled should be set to true when conditions are defined";
    errors.push(invalid("anonymous.conditions", anonymous.conditions, why));
  }
  return errors;
}

function checkUrl(url: string, path: string, errors: FieldError[]): void {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    errors.push(invalid(path, url, "is not a URL"));
    return;
  }
  if (parsed.protocol !== "https:") errors.push(invalid(path, url, "URL scheme must be https"));
  if (parsed.username || parsed.password) {
    errors.push(invalid(path, url, "URL must not contain a username or password"));
  }
  if (parsed.search) errors.push(invalid(path, url, "URL must not contain a query"));
  if (parsed.hash) errors.push(invalid(path, url, "URL must not contain a fragment"));
}

function checkIssuer(
  issuer: JwtAuthenticatorConfig["issuer"],
  path: string,
  ownIssuers: readonly string[],
  errors: FieldError[],
): void {
  const { url, discoveryURL, certificateAuthority } = issuer;
  if (!url) errors.push(required(`${path}.url`));
  else {
    if (ownIssuers.includes(url)) {
      errors.push(
        invalid(
          `${path}.url`,
          url,
          `URL must not overlap with disallowed issuers: [${[...ownIssuers].sort().join(" ")}]`,
        ),
      );
    }
    checkUrl(url, `${path}.url`, errors);
  }
  if (discoveryURL) {
    if (discoveryURL.replace(/\/+$/, "") === (url ?? "").replace(/\/+$/, "")) {
      errors.push(invalid(`${path}.discoveryURL`, discoveryURL, "discoveryURL must be different from URL"));
    }
    checkUrl(discoveryURL, `${path}.discoveryURL`, errors);
  }
  checkAudiences(issuer, path, errors);
  if (certificateAuthority && !hasCertificates(certificateAuthority)) {
    const why = "data does not contain any valid RSA or ECDSA certificates";
    errors.push(invalid(`${path}.certificateAuthority`, "<omitted>", why));
  }
}

function checkAudiences(
  { audiences, audienceMatchPolicy }: JwtAuthenticatorConfig["issuer"],
  path: string,
  errors: FieldError[],
): void {
  if (!audiences?.length) {
    errors.push(required(`${path}.audiences`, `at least one ${path}.audiences is required`));
    return;
  }
  audiences.forEach((audience, i) => {
    if (!audience) errors.push(required(`${path}.audiences[${i}]`));
    if (audiences.indexOf(audience) < i) errors.push(duplicate(`${path}.audiences[${i}]`, audience));
  });
  if (audiences.length > 1 && audienceMatchPolicy !== "MatchAny") {
    const why = "audienceMatchPolicy must be MatchAny for multiple audiences";
    errors.push(invalid(`${path}.audienceMatchPolicy`, audienceMatchPolicy ?? "", why));
  } else if (audiences.length === 1 && audienceMatchPolicy && audienceMatchPolicy !== "MatchAny") {
    const why = "audienceMatchPolicy must be empty or MatchAny for single audience";
    errors.push(invalid(`${path}.audienceMatchPolicy`, audienceMatchPolicy, why));
  }
}

function checkRules(
  { claimValidationRules = [], userValidationRules = [] }: JwtAuthenticatorConfig,
  root: string,
  compile: CompileExpression,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  claimValidationRules.forEach(({ claim, requiredValue, expression, message }, i) => {
    const path = `${root}.claimValidationRules[${i}]`;
    if (claim && expression) errors.push(invalid(path, claim, "claim and expression can't both be set"));
    else if (claim) {
      if (message) errors.push(invalid(`${path}.message`, message, "may not be specified when claim is set"));
      if (seen.has(`c ${claim}`)) errors.push(duplicate(`${path}.claim`, claim));
      seen.add(`c ${claim}`);
    } else if (expression) {
      if (requiredValue) {
        const why = "may not be specified when expression is set";
        errors.push(invalid(`${path}.requiredValue`, requiredValue, why));
      }
      if (seen.has(`e ${expression}`)) errors.push(duplicate(`${path}.expression`, expression));
      else errors.push(...expressionProblems(compile, expression, "claims", "bool", `${path}.expression`));
      seen.add(`e ${expression}`);
    } else errors.push(required(path, "claim or expression is required"));
  });
  userValidationRules.forEach(({ expression }, i) => {
    const path = `${root}.userValidationRules[${i}].expression`;
    if (!expression) errors.push(required(path));
    else if (seen.has(`u ${expression}`)) errors.push(duplicate(path, expression));
    else errors.push(...expressionProblems(compile, expression, "user", "bool", path));
    seen.add(`u ${expression}`);
  });
}

function checkMappings(
  config: JwtAuthenticatorConfig,
  root: string,
  compile: CompileExpression,
  errors: FieldError[],
): void {
  const { claimMappings } = config;
  const path = `${root}.claimMappings`;
  checkMapping(claimMappings.username ?? {}, `${path}.username`, true, compile, errors);
  if (claimMappings.groups) checkMapping(claimMappings.groups, `${path}.groups`, false, compile, errors);
  const { claim, expression } = claimMappings.uid ?? {};
  if (claim && expression) errors.push(invalid(`${path}.uid`, "", "claim and expression can't both be set"));
  else if (expression)
    errors.push(...expressionProblems(compile, expression, "claims", "any", `${path}.uid.expression`));
  const keys = new Set<string>();
  (claimMappings.extra ?? []).forEach(({ key, valueExpression }, i) => {
    const at = `${path}.extra[${i}]`;
    const [host = "", ...rest] = key.split("/");
    if (host === "" || rest.join("/") === "" || isDns1123Subdomain(host).length > 0) {
      errors.push(invalid(`${at}.key`, key, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    }
    if (key !== key.toLowerCase()) errors.push(invalid(`${at}.key`, key, "must be lowercase"));
    if (/(^|\.)(kubernetes|k8s)\.io$/.test(host)) {
      const why = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
      errors.push(invalid(`${at}.key`, key, why));
    }
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
    if (!valueExpression) errors.push(required(`${at}.valueExpression`));
    else
      errors.push(...expressionProblems(compile, valueExpression, "claims", "any", `${at}.valueExpression`));
  });
  checkEmail(config, path, compile, errors);
}

/** A user name from an e-mail claim requires a check that it is verified. */
function checkEmail(
  { claimMappings, claimValidationRules = [] }: JwtAuthenticatorConfig,
  path: string,
  compile: CompileExpression,
  errors: FieldError[],
): void {
  const { username, extra = [] } = claimMappings;
  const reads = (expression: string | undefined, field: string): boolean => {
    try {
      return expression ? compile(expression, "claims", "any").reads(field) : false;
    } catch {
      // Reported elsewhere.
      return false;
    }
  };
  const verified = [
    username?.expression,
    ...extra.map(({ valueExpression }) => valueExpression),
    ...claimValidationRules.map(({ expression }) => expression),
  ];
  if (!reads(username?.expression, "email") || verified.some((each) => reads(each, "email_verified"))) return;
  const why =
    "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression";
  errors.push(invalid(`${path}.username.expression`, username.expression, why));
}

function checkMapping(
  { claim, prefix, expression }: ClaimOrExpression,
  path: string,
  needed: boolean,
  compile: CompileExpression,
  errors: FieldError[],
): void {
  if (claim && expression) errors.push(invalid(path, "", "claim and expression can't both be set"));
  else if (expression) {
    if (prefix !== undefined) {
      errors.push(invalid(`${path}.prefix`, prefix, "prefix can't be set when expression is set"));
    }
    errors.push(...expressionProblems(compile, expression, "claims", "any", `${path}.expression`));
  } else if (claim) {
    if (prefix === undefined) {
      errors.push(
        required(
          `${path}.prefix`,
          "prefix is required when claim is set. It can be set to an empty string to disable prefixing",
        ),
      );
    }
  } else if (needed) errors.push(required(path, "claim or expression is required"));
  else if (prefix) errors.push(required(path, "non-empty claim name is required when prefix is set"));
}
