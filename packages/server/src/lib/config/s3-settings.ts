import type { StoreCredentials } from "../kernel/store-credentials.ts";
import { type ChosenValue, providerOf, readSection } from "./choose-values.ts";
import { layerNames } from "./setting-source.ts";
import { allSettings, type S3Settings, s3IdentitySection, s3Section } from "./settings.ts";
import type { SettingsIssue } from "./settings-error.ts";

type Chosen = ReadonlyMap<string, ChosenValue>;

const accessKeyId = "S3:AccessKeyId";
const secretAccessKey = "S3:SecretAccessKey";
const sessionToken = "S3:SessionToken";
const profile = "S3:Profile";

/**
 * Leaves one kind of credentials: a profile or an access key, whichever a stronger layer sets; both in the same layer
 * give the profile, as the AWS SDK has it. A session token from a weaker layer than its key belongs to another key.
 */
export function settleCredentials(chosen: Chosen): Chosen {
  const rank = (key: string) => layerNames.indexOf(chosen.get(key)?.source.layer ?? "default");
  const isProfileUsed = chosen.has(profile) && rank(profile) <= rank(accessKeyId);
  const unused = isProfileUsed ? [accessKeyId, secretAccessKey, sessionToken] : [profile];
  if (rank(sessionToken) > rank(accessKeyId)) unused.push(sessionToken);
  return new Map([...chosen].filter(([key]) => !unused.includes(key)));
}

/**
 * An issue for each setting that the upload needs and nobody sets, while it is enabled.
 * @param blamed - keys that have an issue already
 */
export function findMissing(chosen: Chosen, blamed: ReadonlySet<string>): readonly SettingsIssue[] {
  if (chosen.get("S3:Enabled")?.value !== true || blamed.has("S3:Provider")) return [];
  const needsKey =
    providerOf(chosen) === "scaleway" || [accessKeyId, secretAccessKey, sessionToken].some((key) => chosen.has(key));
  const needed = needsKey ? ["S3:Bucket", accessKeyId, secretAccessKey] : ["S3:Bucket"];
  return needed.filter((key) => !chosen.has(key) && !blamed.has(key)).map((key) => missing(key, chosen));
}

function missing(key: string, chosen: Chosen): SettingsIssue {
  const setting = allSettings.find((candidate) => candidate.key === key);
  const variable = setting?.variables?.[providerOf(chosen)];
  const variables = [...(setting?.environment ?? []), ...(variable === undefined ? [] : [variable])];
  const places = [
    ...(setting?.flag === undefined ? [] : [`--${setting.flag}`]),
    `${variables.join(" or ")} in the environment or .env`,
    ...(setting?.isInFile ? [`${key} in appsettings.json`] : []),
  ];
  const message = `${key} is required while S3:Enabled is true; set ${places.join(", or ")}`;
  return { code: "CONFIG_MISSING", key, message };
}

/** The upload's settings from chosen values in which nothing is missing. [S-4.5] */
export function readS3Settings(chosen: Chosen): S3Settings {
  const { enabled, bucket, ...values } = readSection(s3Section, chosen);
  const { organizationId, projectId, ...identity } = readSection(s3IdentitySection, chosen);
  const settings = {
    ...defaultsFor(values),
    ...values,
    ...(organizationId && { organizationId }),
    ...(projectId && { projectId }),
    credentials: readCredentials(identity),
  };
  return enabled && bucket !== undefined
    ? { ...settings, enabled: true, bucket }
    : { ...settings, enabled: false, ...(bucket && { bucket }) };
}

function defaultsFor({
  provider,
  region = "fr-par",
  serviceUrl,
}: Pick<S3Settings, "provider" | "region" | "serviceUrl">) {
  if (provider === "scaleway") return { region, serviceUrl: `https://s3.${region}.scw.cloud` };
  // Requests are signed for a region even where the store has none; this is the one such stores take.
  return serviceUrl === undefined ? {} : { region: "us-east-1" };
}

function readCredentials(
  identity: Partial<Record<"accessKeyId" | "secretAccessKey" | "sessionToken" | "profile", string>>,
): StoreCredentials {
  const { accessKeyId, secretAccessKey, sessionToken, profile } = identity;
  if (profile !== undefined) return { kind: "profile", profile };
  if (accessKeyId === undefined || secretAccessKey === undefined) return { kind: "default-chain" };
  return { kind: "static", accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}
