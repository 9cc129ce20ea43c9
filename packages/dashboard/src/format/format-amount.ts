/** Made once: each takes longer to make than to use a hundred times. */
const wholeNumber = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const units = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Such as `12.4 GB`, of 1000 each. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ""}`;
}

/** Such as `-12.3`; the floor is `-inf`. */
export function formatDb(dbfs: number | null): string {
  if (dbfs === null || dbfs <= -119) return "−∞";
  return dbfs.toFixed(1).replace("-", "−");
}

/** Such as `16 kHz`, `44.1 kHz`. */
export function formatRate(sampleRateHz: number): string {
  return `${Number((sampleRateHz / 1000).toFixed(3))} kHz`;
}

/** Such as `+12 ppm`. */
export function formatPpm(ppm: number): string {
  const rounded = Math.abs(ppm) < 10 ? Number(ppm.toFixed(1)) : Math.round(ppm);
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded)} ppm`;
}

/** Such as `99.98 %`: whole only when it is whole. */
export function formatShare(share: number): string {
  if (share >= 1) return "100 %";
  const percent = Math.min(99.99, share * 100);
  return `${percent >= 99.9 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

/** Such as `1,204`. */
export function formatNumber(count: number): string {
  return wholeNumber.format(count);
}

/** Such as `1 device`, `12 devices`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** Such as `ADPCM 16 kHz mono`. */
export function formatStream(format: {
  readonly codec: string;
  readonly sample_rate_hz: number;
  readonly channels: number;
}): string {
  const codec = format.codec === "adpcm" ? "ADPCM" : "PCM";
  return `${codec} ${formatRate(format.sample_rate_hz)} ${formatChannels(format.channels)}`;
}

/** Such as `mono`, `stereo`, `4 channels`. */
export function formatChannels(count: number): string {
  return count === 1 ? "mono" : count === 2 ? "stereo" : `${count} channels`;
}
