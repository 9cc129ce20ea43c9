import { isRecord, kindOf } from "./appsettings.ts";
import { type Choice, type ChosenValue, chooseValues, readSection } from "./choose-values.ts";
import {
  createWebhookSection,
  type EventSettings,
  eventSecretsSection,
  eventsSection,
  type WebhookSettings,
} from "./event-sections.ts";
import { fileLayer } from "./layers.ts";
import { describeSource } from "./setting-source.ts";
import type { SettingsIssue } from "./settings-error.ts";

/** Name of the webhook that `Events:WebhookUrl` makes. */
const plainName = "default";

const secretKey = "Events:WebhookSecret";

/** What is set for webhooks, keyed `Webhooks:archive:Url`. */
export interface WebhookChoice extends Choice {
  /** As far as they are usable. */
  readonly names: readonly string[];
}

/** Reads the list `Webhooks`. */
export function chooseWebhooks(entries: readonly unknown[]): WebhookChoice {
  const names: string[] = [];
  const chosen = new Map<string, ChosenValue>();
  const issues: SettingsIssue[] = [];
  for (const [index, content] of entries.entries()) {
    const name = nameOf(content);
    const fault = findFault(content, name, names);
    if (fault !== undefined || !isRecord(content) || name === undefined) {
      issues.push(badWebhook(`Webhooks:${index + 1}`, fault ?? "is not a webhook"));
      continue;
    }
    names.push(name);
    const values = Object.entries(content).filter(([key]) => !isName(key));
    const layer = fileLayer(values.map(([key, value]) => [`Webhooks:${name}:${key}`, value]));
    const choice = chooseValues(createWebhookSection(name).settings, [layer]);
    for (const [key, value] of choice.chosen) chosen.set(key, value);
    issues.push(...choice.issues);
    const url = `Webhooks:${name}:Url`;
    if (!choice.chosen.has(url) && !choice.issues.some(({ key }) => key === url)) {
      issues.push({ code: "CONFIG_MISSING", key: url, message: `${url} in appsettings.json is required` });
    }
  }
  return { names, chosen, issues };
}

/**
 * An issue for each webhook that has nothing to sign with.
 * @param blamed - keys that have an issue already
 */
export function findMissingSecrets(
  chosen: ReadonlyMap<string, ChosenValue>,
  webhooks: WebhookChoice,
  blamed: ReadonlySet<string>,
): readonly SettingsIssue[] {
  if (chosen.has(secretKey) || blamed.has(secretKey)) return [];
  const keys = [
    ...(chosen.has("Events:WebhookUrl") ? [secretKey] : []),
    ...webhooks.names.map((name) => `Webhooks:${name}:Secret`).filter((key) => !webhooks.chosen.has(key)),
  ];
  return keys
    .filter((key) => !blamed.has(key))
    .map((key) => {
      const place = key === secretKey ? "" : `, or ${key} in appsettings.json`;
      const message = `${key} is required: what webhooks are sent is signed; set EET_WEBHOOK_SECRET in the environment or .env${place}, to "whsec_" and what \`openssl rand -base64 32\` prints`;
      return { code: "CONFIG_MISSING", key, message };
    });
}

/** The settings of events from chosen values in which nothing is missing. */
export function readEventSettings(
  chosen: ReadonlyMap<string, ChosenValue>,
  { names, chosen: chosenOfWebhooks }: WebhookChoice,
): EventSettings {
  const values = readSection(eventsSection, chosen);
  const { webhookSecret = "" } = readSection(eventSecretsSection, chosen);
  const listed = names.map((name): WebhookSettings => {
    const {
      url = "",
      secret = webhookSecret,
      hwids,
      ...rest
    } = readSection(createWebhookSection(name), chosenOfWebhooks);
    // Sanitised as those of connections are. [P-1.8]
    const sanitised = hwids?.map((hwid) => hwid.replace(/[:.]/g, "_"));
    return { name, url, secret, ...rest, ...(sanitised && { hwids: sanitised }) };
  });
  const plain =
    values.webhookUrl === undefined ? [] : [{ name: plainName, url: values.webhookUrl, secret: webhookSecret }];
  return { ...values, ...(webhookSecret !== "" && { webhookSecret }), webhooks: [...plain, ...listed] };
}

const isName = (key: string) => key.toLowerCase() === "name";

function nameOf(content: unknown): string | undefined {
  if (!isRecord(content)) return undefined;
  const name = Object.entries(content).find(([key]) => isName(key))?.[1];
  return typeof name === "string" ? name.trim() : undefined;
}

function findFault(content: unknown, name: string | undefined, taken: readonly string[]): string | undefined {
  if (!isRecord(content)) return `must be an object, found ${kindOf(content)}`;
  if (name === undefined || !/^[A-Za-z0-9_-]{1,40}$/.test(name))
    return "has no usable Name; allowed: 1 to 40 letters, digits, '-' and '_'";
  if (name === plainName) return `has the Name ${plainName}, which is that of Events:WebhookUrl`;
  return taken.includes(name) ? `has the Name ${name} of another webhook` : undefined;
}

function badWebhook(key: string, fault: string): SettingsIssue {
  const source = { layer: "appsettings.json", name: key } as const;
  return { code: "CONFIG_BAD_VALUE", key, source, message: `${describeSource(source)} ${fault}` };
}
