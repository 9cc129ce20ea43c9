import { createWebhookSection } from "./event-sections.ts";
import { allSettings, createDeviceSection } from "./settings.ts";

const sections = [...createWebhookSection("*").settings, ...createDeviceSection("*").settings];
const liveKeys = new Set([...allSettings, ...sections].filter(({ isLive }) => isLive).map(({ key }) => key));

/**
 * Whether a running server takes a setting over when it reads its settings again.
 *
 * @param key - such as `Server:LogLevel` or `Devices:kitchen:RetentionMaxGb`
 */
export function isLiveSetting(key: string): boolean {
  return liveKeys.has(key.replace(/^(Webhooks|Devices):.*:/, "$1:*:"));
}
