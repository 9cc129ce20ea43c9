import Type from "typebox";
import { eventTypes } from "../kernel/server-event.ts";
import { parseWebhookSecret, webhookSecretAllowed } from "../kernel/webhook-secret.ts";
import { createSection, type Section, type SettingDeclarations, type SettingValues } from "./setting.ts";

const webhookUrl = {
  schema: Type.Refine(Type.String(), isWebhookUrl),
  allowed: "an http or https URL without user and fragment, such as https://example.org/hooks/eet",
  // What comes behind the path is often a token.
  redact: (text: string) => text.replace(/\?.*/s, "?****"),
} as const;

const webhookSecret = {
  schema: Type.Refine(Type.String(), (text) => parseWebhookSecret(text) !== undefined),
  allowed: webhookSecretAllowed,
  secret: true,
} as const;

const events = {
  webhookUrl: {
    ...webhookUrl,
    description: "Receives every event by POST; more receivers stand in `Webhooks`.",
    isLive: true,
  },
  webhookMaxAgeD: {
    schema: Type.Number({ minimum: 0.001, maximum: 365 }),
    fallback: 3,
    unit: "days",
    description: "How long a failing delivery is tried again before it goes to the dead letters.",
    isLive: true,
  },
  deliveryMaxPending: {
    schema: Type.Integer({ minimum: 100, maximum: 100_000_000 }),
    fallback: 1_000_000,
    description:
      "Events that may wait for one webhook, or for the command; beyond it the oldest go to the dead letters.",
    isLive: true,
  },
  webhookConcurrency: {
    schema: Type.Integer({ minimum: 1, maximum: 256 }),
    fallback: 16,
    description: "Requests to one webhook at the same time, each of another device.",
    isLive: true,
  },
  runOnSegment: {
    schema: Type.String({ minLength: 1 }),
    allowed: "a command line for the shell",
    description: "Command that is run for each closed segment, with its facts in the environment.",
    isLive: true,
  },
  runTimeoutS: {
    schema: Type.Number({ minimum: 0.1, maximum: 86_400 }),
    fallback: 60,
    unit: "s",
    description: "Time limit of one run of that command.",
    isLive: true,
  },
  runConcurrency: {
    schema: Type.Integer({ minimum: 1, maximum: 64 }),
    fallback: 2,
    description: "Runs of that command at the same time.",
    isLive: true,
  },
  offlineAfterS: {
    schema: Type.Number({ minimum: 0.1, maximum: 3600 }),
    fallback: 10,
    unit: "s",
    description: "A device that is gone for less was not offline.",
  },
  maxAgeD: {
    schema: Type.Number({ minimum: 0.01, maximum: 36_500 }),
    fallback: 30,
    unit: "days",
    description: "How long events stay in the log.",
    isLive: true,
  },
} as const satisfies SettingDeclarations;

const eventSecrets = {
  webhookSecret: {
    ...webhookSecret,
    description: "Signs what webhooks without a secret of their own are sent; required while there are any.",
    isLive: true,
  },
} as const satisfies SettingDeclarations;

const webhook = {
  url: {
    ...webhookUrl,
    description: "Receives the events by POST.",
    isLive: true,
  },
  secret: {
    ...webhookSecret,
    defaultText: "EET_WEBHOOK_SECRET",
    description: "Signs what it is sent.",
    isLive: true,
  },
  types: {
    schema: Type.Array(Type.Enum([...eventTypes]), { minItems: 1 }),
    allowed: `a list of ${eventTypes.join(", ")}`,
    defaultText: "all",
    description: "Types of events it gets.",
    isLive: true,
  },
  hwids: {
    schema: Type.Array(Type.String({ pattern: "^[A-Za-z0-9_:.-]{1,64}$" }), { minItems: 1 }),
    allowed: "a list of hwids",
    defaultText: "all devices, and what is about none",
    description: "Devices whose events it gets.",
    isLive: true,
  },
} as const satisfies SettingDeclarations;

function isWebhookUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
  return url.username === "" && url.password === "" && url.hash === "" && !/\s/.test(text);
}

/** Section `Events`. */
export const eventsSection = createSection(
  {
    section: "Events",
    flag: (kebab) => (kebab === "max-age-d" ? `events-${kebab}` : kebab),
    environment: (_pascal, snake) => [snake === "MAX_AGE_D" ? `EET_EVENTS_${snake}` : `EET_${snake}`],
  },
  events,
);

/** Secrets of section `Events`: variables only. */
export const eventSecretsSection = createSection(
  { section: "Events", isInFile: false, environment: (_pascal, snake) => [`EET_${snake}`] },
  eventSecrets,
);

/** Section of one webhook in `Webhooks` of appsettings.json. */
export function createWebhookSection(name: string): Section<typeof webhook> {
  return createSection({ section: `Webhooks:${name}` }, webhook);
}

/** Settings of one webhook. */
export interface WebhookSettings extends Omit<SettingValues<typeof webhook>, "url" | "secret"> {
  /** Unique; letters, digits, `-` and `_`. */
  readonly name: string;
  readonly url: string;
  readonly secret: string;
}

/** Settings of events: who gets them, and how long they are kept. */
export interface EventSettings extends SettingValues<typeof events>, SettingValues<typeof eventSecrets> {
  /** That of `webhookUrl` included; each has a secret. */
  readonly webhooks: readonly WebhookSettings[];
}
