import Type from "typebox";
import type { StoreCredentials } from "../kernel/store-credentials.ts";
import { accessSettings } from "./access-settings.ts";
import { type EventSettings, eventSecretsSection, eventsSection } from "./event-sections.ts";
import { describeLayout, isLayout } from "./layout.ts";
import { limitSettings } from "./limit-settings.ts";
import { listeningSettings } from "./listening-settings.ts";
import { type OidcSettings, oidcSecretsSection, oidcSection } from "./oidc-settings.ts";
import {
  createSection,
  type Section,
  type Setting,
  type SettingDeclarations,
  type SettingValues,
  s3Providers,
} from "./setting.ts";

const server = {
  host: {
    schema: Type.String({ pattern: "^[A-Za-z0-9.:_-]+$" }),
    fallback: "127.0.0.1",
    allowed: "a host name or an IP address; 0.0.0.0 or :: for all interfaces",
    description: "Address to listen on.",
  },
  port: {
    schema: Type.Integer({ minimum: 0, maximum: 65535 }),
    fallback: 5096,
    description: "TCP port to listen on; 0 takes a free one.",
  },
  ...listeningSettings,
  ...accessSettings,
  data: {
    schema: Type.String({ minLength: 1 }),
    fallback: "data",
    allowed: "a path, relative to the working folder or absolute",
    description: "Folder for recordings and the catalogue.",
  },
  rotateS: {
    schema: Type.Number({ minimum: 0.1, maximum: 3600 }),
    fallback: 10,
    unit: "s",
    description: "Length of a segment in media time.",
  },
  rotateAlign: {
    schema: Type.Boolean(),
    fallback: false,
    description: "Segments start at multiples of their length on the wall clock (UTC).",
  },
  flushMs: {
    schema: Type.Integer({ minimum: 50, maximum: 60_000 }),
    fallback: 1000,
    unit: "ms",
    description: "Interval at which received data is made safe on disk: what a power cut can cost.",
  },
  ackMs: {
    schema: Type.Integer({ minimum: 50, maximum: 60_000 }),
    fallback: 1000,
    unit: "ms",
    description: "Acknowledgements of eet.v1+ack come at most this often per device.",
  },
  coalesceMs: {
    schema: Type.Integer({ minimum: 0, maximum: 500 }),
    fallback: 60,
    unit: "ms",
    description:
      "Longest time for which a device's socket is left unread while many send: saves processor time. 0: off.",
  },
  ingestWorkers: {
    // What is left to the machine is told from what somebody wants: only the latter is worth a warning where it cannot be.
    schema: Type.Union([Type.Integer({ minimum: 0, maximum: 64 }), Type.Enum(["auto"])]),
    fallback: "auto",
    defaultText: "auto: processor cores less one, at most 4",
    description:
      "Processes of their own that take devices and record, so that API and page stay quick; 0: the server's own does, as always with TLS.",
  },
  gapFill: {
    schema: Type.Enum(["silence", "skip"]),
    fallback: "silence",
    description: "What the WAV holds where frames are missing: silence of the same length, or nothing.",
  },
  wav: {
    schema: Type.Boolean(),
    fallback: true,
    description: "Derives a WAV from each closed segment.",
  },
  layout: {
    schema: Type.Refine(Type.String(), isLayout),
    fallback: "{hwid}",
    allowed: describeLayout(),
    description: "Folders of the segments below `received/` in the data folder.",
  },
  finishWorkers: {
    schema: Type.Integer({ minimum: 1, maximum: 256 }),
    defaultText: "processor cores, at least 4",
    description: "Threads that derive WAVs, hashes and levels.",
  },
  ...limitSettings,
  retentionMaxAgeD: {
    // [S-2.5]
    schema: Type.Number({ minimum: 0, maximum: 36_500 }),
    fallback: 0,
    unit: "days",
    description: "Age past which recordings leave this disk; 0: never.",
    isLive: true,
  },
  retentionMaxGb: {
    schema: Type.Number({ minimum: 0, maximum: 1e9 }),
    fallback: 0,
    unit: "GB of 10^9 bytes",
    description: "Size of all `.bin` and `.wav` past which the oldest leave this disk; 0: no limit.",
    isLive: true,
  },
  retentionIntervalMin: {
    schema: Type.Number({ minimum: 0.1, maximum: 1440 }),
    fallback: 10,
    unit: "minutes",
    description: "Time between two looks at what is past its quota.",
    isLive: true,
  },
  simulatedDevices: {
    schema: Type.Integer({ minimum: 0, maximum: 64 }),
    fallback: 8,
    description: "Simulated devices that the page or the API may have started at once; 0: none.",
  },
  shutdownTimeoutS: {
    schema: Type.Number({ minimum: 0, maximum: 3600 }),
    fallback: 30,
    unit: "s",
    description: "Time that a graceful stop gives to uploads in flight.",
  },
  logLevel: {
    schema: Type.Enum(["trace", "debug", "info", "warn", "error", "silent"]),
    fallback: "info",
    description: "Least severe log lines to write.",
    isLive: true,
  },
} as const satisfies SettingDeclarations;

// Names only: what follows a slash belongs in S3:Prefix, and a URL in S3:ServiceUrl.
const bucketPattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$";

const s3 = {
  enabled: {
    schema: Type.Boolean(),
    fallback: false,
    description: "Uploads closed segments. The sidecar (.json) always goes along.",
  },
  // Stands before every setting with provider variables: the loader resolves them in this order.
  provider: {
    schema: Type.Enum([...s3Providers]),
    fallback: "aws",
    description: "Whose variables and defaults apply; any S3-compatible store is `aws` with a service URL.",
  },
  bucket: {
    schema: Type.String({ pattern: bucketPattern }),
    allowed: "a bucket's name: letters, digits, '.', '_' and '-', 3 to 255 characters, no URL, no folder",
    variables: { aws: "AWS_BUCKET", scaleway: "SCW_BUCKET" },
    description: "Bucket to upload to; required while uploads are enabled.",
  },
  region: {
    schema: Type.String({ pattern: "^[A-Za-z0-9-]+$" }),
    allowed: "letters, digits and '-', such as eu-central-1",
    defaultText: "aws: from the AWS profile, or us-east-1 with a service URL; scaleway: fr-par",
    variables: { aws: "AWS_REGION", scaleway: "SCW_REGION" },
    description: "Region of the bucket.",
  },
  serviceUrl: {
    schema: Type.Refine(Type.String(), isServiceUrl),
    allowed: "an http or https URL without user, query and fragment, such as https://s3.example.org",
    defaultText: "aws: none; scaleway: https://s3.{region}.scw.cloud",
    variables: { scaleway: "SCW_SERVICE_URL" },
    description: "Endpoint of an S3-compatible store.",
  },
  forcePathStyle: {
    schema: Type.Boolean(),
    fallback: false,
    variables: { scaleway: "SCW_FORCE_PATH_STYLE" },
    description: "Puts the bucket into the path instead of the host name; MinIO and Ceph usually need it.",
  },
  prefix: {
    // [S-4.3]
    schema: Type.String({ pattern: "^([^/\\\\\\x00-\\x1f\\x7f]+(/[^/\\\\\\x00-\\x1f\\x7f]+)*)?$", maxLength: 512 }),
    fallback: "received",
    allowed: "folder names joined by '/', at most 512 characters, no '\\'; a single '/' for none",
    normalise: trimSlashes,
    description: "What object keys begin with: `{prefix}/{hwid}/{file}`.",
  },
  uploadBin: { schema: Type.Boolean(), fallback: true, description: "Uploads the raw `.bin`." },
  uploadWav: { schema: Type.Boolean(), fallback: true, description: "Uploads the `.wav`." },
  deleteAfterUpload: {
    // [S-4.4]
    schema: Type.Boolean(),
    fallback: false,
    description: "Deletes local files once their upload is verified.",
  },
  maxInFlight: {
    schema: Type.Integer({ minimum: 1, maximum: 64 }),
    fallback: 4,
    description: "Uploads at the same time.",
  },
} as const satisfies SettingDeclarations;

const noSpaces = { schema: Type.String({ pattern: "^\\S+$" }), allowed: "text without spaces" } as const;

const s3Identity = {
  accessKeyId: {
    ...noSpaces,
    secret: true,
    defaultText: "aws: the SDK's default chain",
    variables: { aws: "AWS_ACCESS_KEY_ID", scaleway: "SCW_ACCESS_KEY" },
    description: "Access key.",
  },
  secretAccessKey: {
    ...noSpaces,
    secret: true,
    variables: { aws: "AWS_SECRET_ACCESS_KEY", scaleway: "SCW_SECRET_KEY" },
    description: "Secret of the access key.",
  },
  sessionToken: {
    ...noSpaces,
    secret: true,
    variables: { aws: "AWS_SESSION_TOKEN" },
    description: "Session token of temporary credentials.",
  },
  profile: {
    schema: Type.String({ minLength: 1 }),
    allowed: "a profile's name",
    variables: { aws: "AWS_PROFILE" },
    description: "Profile of the shared AWS configuration files.",
  },
  organizationId: {
    ...noSpaces,
    variables: { scaleway: "SCW_DEFAULT_ORGANIZATION_ID" },
    description: "Scaleway organization; shown for reference, requests are signed by the key alone.",
  },
  projectId: {
    ...noSpaces,
    variables: { scaleway: "SCW_DEFAULT_PROJECT_ID" },
    description: "Scaleway project; shown for reference, requests are signed by the key alone.",
  },
} as const satisfies SettingDeclarations;

const device = {
  nibbleOrder: {
    // [P-1.5]
    schema: Type.Enum(["low", "high"]),
    defaultText: "found by the server",
    description: "Which 4-bit code of an ADPCM byte comes first.",
  },
  adpcmLayout: {
    // [P-1.7]
    schema: Type.Enum(["ms4", "single"]),
    defaultText: "multichannel ADPCM stays raw",
    description: "How ADPCM interleaves channels: groups of 4 bytes each, or single samples in turn.",
  },
  retentionMaxAgeD: {
    schema: Type.Number({ minimum: 0, maximum: 36_500 }),
    defaultText: "as for all devices",
    unit: "days",
    description: "Age past which the device's recordings leave this disk; 0: never.",
    isLive: true,
  },
  retentionMaxGb: {
    schema: Type.Number({ minimum: 0, maximum: 1e9 }),
    defaultText: "no limit of its own",
    unit: "GB of 10^9 bytes",
    description:
      "Size of the device's `.bin` and `.wav` past which its oldest leave this disk; 0: no limit of its own.",
    isLive: true,
  },
} as const satisfies SettingDeclarations;

function isServiceUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "" && !/\s/.test(text);
}

function trimSlashes(text: string): string {
  return text.replace(/^\/+|\/+$/g, "");
}

/** Section `Server`. */
export const serverSection = createSection(
  { section: "Server", flag: (kebab) => kebab, environment: (_pascal, snake) => [`EET_${snake}`] },
  server,
);

/** Section `S3`. */
export const s3Section = createSection(
  {
    section: "S3",
    flag: (kebab) => `s3-${kebab}`,
    environment: (pascal, snake) => [...new Set([`S3__${pascal}`, `S3_${pascal.toUpperCase()}`, `S3_${snake}`])],
  },
  s3,
);

/** Credentials and ids of the object store: variables only, neither flags (`ps` shows them) nor appsettings.json. */
export const s3IdentitySection = createSection({ section: "S3", isInFile: false }, s3Identity);

/** Section of one device in `Devices` of appsettings.json. */
export function createDeviceSection(hwid: string): Section<typeof device> {
  return createSection({ section: `Devices:${hwid}` }, device);
}

/** Every setting but those of devices and webhooks, in the order of listings. */
export const allSettings: readonly Setting[] = [
  ...serverSection.settings,
  ...oidcSection.settings,
  ...oidcSecretsSection.settings,
  ...eventsSection.settings,
  ...eventSecretsSection.settings,
  ...s3Section.settings,
  ...s3IdentitySection.settings,
];

/** Settings of the upload; the bucket is there whenever it is enabled. */
export type S3Settings = Omit<SettingValues<typeof s3>, "enabled" | "bucket"> &
  Pick<SettingValues<typeof s3Identity>, "organizationId" | "projectId"> & {
    readonly credentials: StoreCredentials;
  } & ({ readonly enabled: true; readonly bucket: string } | { readonly enabled: false; readonly bucket?: string });

/** Settings of the server proper. */
export type ServerSettings = SettingValues<typeof server> & { readonly finishWorkers: number };

/** Settings of one device. */
export type DeviceSettings = SettingValues<typeof device>;

/** The server's settings: validated, complete, immutable. */
export interface Settings {
  readonly server: ServerSettings;
  readonly oidc: OidcSettings;
  readonly events: EventSettings;
  readonly s3: S3Settings;
  /** By sanitised hwid; devices without settings of their own are absent. */
  readonly devices: ReadonlyMap<string, DeviceSettings>;
}
