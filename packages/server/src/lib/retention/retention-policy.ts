/** What may stand on the local disk of a device. */
export interface DeviceQuota {
  /** `undefined`: however old. */
  readonly maxAgeMs: number | undefined;
  /** `.bin` and `.wav`; `undefined`: however much. */
  readonly maxBytes: number | undefined;
}

/** What may stay on the local disk, and for how long. */
export interface RetentionPolicy {
  /** `.bin` and `.wav` of all devices; `undefined`: however much. */
  readonly maxBytes: number | undefined;
  /** `null` stands for all that was recorded without an id. */
  quotaOf(hwid: string | null): DeviceQuota;
  /** True when no device has a quota and there is none for all. */
  readonly isOff: boolean;
}

/** Limits as settings have them: 0 is none, a missing one of a device is that of all. */
export interface RetentionLimits {
  readonly retentionMaxAgeD?: number;
  /** GB of 10^9 bytes. */
  readonly retentionMaxGb?: number;
}

const dayMs = 86_400_000;
const gigabyte = 1e9;
const megabyte = 1e6;

/** A policy from settings. A device's own size comes on top of that of all devices, its own age replaces theirs. */
export function createRetentionPolicy(
  limits: Required<RetentionLimits>,
  devices: ReadonlyMap<string, RetentionLimits>,
): RetentionPolicy {
  const quotas = new Map<string | null, DeviceQuota>();
  for (const [hwid, { retentionMaxAgeD: maxAgeD = limits.retentionMaxAgeD, retentionMaxGb = 0 }] of devices)
    quotas.set(hwid, { maxAgeMs: limitOf(maxAgeD, dayMs), maxBytes: limitOf(retentionMaxGb, gigabyte) });
  const usual = { maxAgeMs: limitOf(limits.retentionMaxAgeD, dayMs), maxBytes: undefined };
  const maxBytes = limitOf(limits.retentionMaxGb, gigabyte);
  return {
    maxBytes,
    quotaOf: (hwid) => quotas.get(hwid) ?? usual,
    isOff: maxBytes === undefined && [usual, ...quotas.values()].every(isUnlimited),
  };
}

/** True when a quota keeps everything. */
export function isUnlimited({ maxAgeMs, maxBytes }: DeviceQuota): boolean {
  return maxAgeMs === undefined && maxBytes === undefined;
}

function limitOf(value: number, unit: number): number | undefined {
  return value === 0 ? undefined : value * unit;
}

/** `30 days`, `1 day`, `0.5 days` */
export function formatAge(ms: number): string {
  const days = Number((ms / dayMs).toPrecision(4));
  return `${days} day${days === 1 ? "" : "s"}`;
}

/** `50 GB`, below one `1.5 MB`, of 10^9 and 10^6 bytes each. */
export function formatQuotaSize(bytes: number): string {
  const isSmall = bytes < gigabyte;
  return `${Number((bytes / (isSmall ? megabyte : gigabyte)).toPrecision(4))} ${isSmall ? "MB" : "GB"}`;
}
