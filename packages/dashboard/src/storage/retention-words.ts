import { formatBytes } from "../format/format-amount.ts";

interface Quota {
  readonly max_age_days: number | null;
  readonly max_bytes: number | null;
}

/** What may stay on the disk. */
export interface Policy extends Quota {
  readonly devices: readonly (Quota & { readonly hwid: string })[];
}

/** The rules of a policy, a sentence each; none when nothing ever leaves. */
export function describePolicy(policy: Policy): readonly string[] {
  const { max_age_days: days, max_bytes: bytes } = policy;
  const own = policy.devices.flatMap((device) => describeOwn(device, days));
  return [
    ...(days === null ? [] : [`Recordings older than ${formatDays(days)} leave this disk.`]),
    ...(bytes === null ? [] : [`Above ${formatBytes(bytes)} in all, the oldest leave.`]),
    ...own,
  ];
}

/** A size for all recordings that leaves room on a disk, as an example: GB, a round number, at least 1. */
export function suggestQuotaGb(diskBytes: number): number {
  const most = (diskBytes * 0.75) / 1e9;
  if (most < 1) return 1;
  const step = 10 ** Math.floor(Math.log10(most));
  return Math.floor(most / step) * step;
}

/** Puts the variables of `.env` in the place of settings of the object store: `S3_SERVICE_URL` for `S3:ServiceUrl`. */
export function nameVariables(text: string): string {
  return text.replace(/\bS3:(\w+)/g, (_, name: string) => {
    const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, "_");
    return `\`S3_${words.toUpperCase()}\``;
  });
}

function describeOwn(device: Quota & { readonly hwid: string }, usualDays: number | null): readonly string[] {
  const { hwid, max_age_days: days, max_bytes: bytes } = device;
  const rules = [
    ...(days === usualDays ? [] : [days === null ? "whatever their age" : `after ${formatDays(days)}`]),
    ...(bytes === null ? [] : [`above ${formatBytes(bytes)}`]),
  ];
  if (rules.length === 0) return [];
  return days === null && usualDays !== null
    ? [`Of ${hwid} recordings stay${rules.length > 1 ? ` ${rules[0]}, but leave ${rules[1]}` : ` ${rules[0]}`}.`]
    : [`Of ${hwid} they leave ${rules.join(", and ")}.`];
}

function formatDays(days: number): string {
  return `${Number(days.toPrecision(4))} ${days === 1 ? "day" : "days"}`;
}
