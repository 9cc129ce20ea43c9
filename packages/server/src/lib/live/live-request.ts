import Type, { type TObject } from "typebox";
import Value from "typebox/value";
import { RequestError, toError } from "../kernel/errors.ts";
import { quoteValue } from "../kernel/quote-value.ts";
import { type LiveRequest, liveLimits } from "./live-messages.ts";

/** Of a text or a value, in answers. */
const maxQuotedLength = 60;

const Id = Type.Integer({
  minimum: 0,
  maximum: liveLimits.maxSubscriptionId,
  description: `an integer from 0 to ${liveLimits.maxSubscriptionId}`,
});
const hwidText = "a string of 1 to 64 of A-Z a-z 0-9 _ -, or ~ for devices without an id";
const Hwid = Type.String({ pattern: "^(?:~|[A-Za-z0-9_-]{1,64})$", description: hwidText });
const StreamId = Type.Integer({
  minimum: 0,
  maximum: 4_294_967_295,
  description: "an integer from 0 to 4294967295",
});
const Hwids = Type.Array(Hwid, {
  maxItems: liveLimits.maxFleetDeviceCount,
  uniqueItems: true,
  description: `an array of at most ${liveLimits.maxFleetDeviceCount} different hwids, each ${hwidText}`,
});
const Session = Type.String({ pattern: "^[0-9a-z]{1,24}$", description: "a string of 1 to 24 of a-z 0-9" });
const Sample = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: `an integer from 0 to ${Number.MAX_SAFE_INTEGER}`,
});
const SpectrumBins = Type.Enum([128, 256, 512], { description: "128, 256 or 512" });
const PastSpectrumBins = Type.Enum([0, 128, 256, 512], { description: "0, 128, 256 or 512" });

const closed = { additionalProperties: false } as const;
const followed = { id: Id, hwid: Hwid, stream_id: Type.Optional(StreamId) };

/** By type; `type` itself is looked at first. */
const schemas: Readonly<Record<LiveRequest["type"], TObject>> = {
  fleet: Type.Object({ id: Id, hwids: Hwids }, closed),
  device: Type.Object({ ...followed, spectrum_bins: Type.Optional(SpectrumBins) }, closed),
  listen: Type.Object(followed, closed),
  past: Type.Object(
    {
      ...{ id: Id, hwid: Hwid, session: Session, from_sample: Sample, to_sample: Sample },
      spectrum_bins: Type.Optional(PastSpectrumBins),
    },
    closed,
  ),
  stop: Type.Object({ id: Id }, closed),
};

/** A message that is no {@link LiveRequest}. */
export class LiveRequestError extends RequestError {
  /** Of the request, where it could be read. */
  readonly requestId: number | null;

  constructor(requestId: number | null, message: string, options?: ErrorOptions) {
    super("PARAMETER_INVALID", message, options);
    this.requestId = requestId;
  }
}

/**
 * Reads what a viewer sent.
 *
 * @throws LiveRequestError which tells what was received and what is allowed
 */
export function parseLiveRequest(text: string): LiveRequest {
  const value = parseObject(text);
  const id = Value.Check(Id, value["id"]) ? value["id"] : null;
  const { type, ...fields } = value;
  if (typeof type !== "string" || !Object.hasOwn(schemas, type)) {
    throw new LiveRequestError(id, `type is ${quoteValue(type)}; allowed: ${Object.keys(schemas).join(", ")}`);
  }
  const schema = schemas[type as LiveRequest["type"]];
  const faults = findFaults(type, schema, fields);
  if (faults.length > 0) throw new LiveRequestError(id, faults.join("; and "));
  return value as unknown as LiveRequest;
}

/** What a device is called by viewers: `~` stands for none. */
export function parseHwid(text: string): string | null {
  return text === "~" ? null : text;
}

/** Inverse of {@link parseHwid}. */
export function formatHwid(hwid: string | null): string {
  return hwid ?? "~";
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (thrown) {
    const message = `the message is ${quoteValue(text)}, which is not JSON; allowed: a JSON object with type and id`;
    throw new LiveRequestError(null, message, { cause: toError(thrown) });
  }
  throw new LiveRequestError(null, `the message is ${text.slice(0, maxQuotedLength)}; allowed: a JSON object`);
}

function findFaults(type: string, schema: TObject, fields: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(schema.properties);
  const unknown = Object.keys(fields)
    .filter((name) => !names.includes(name))
    .map((name) => `${quoteValue(name)} is no field of a ${type} request; allowed: type, ${names.join(", ")}`);
  const wrong = Object.entries(schema.properties).flatMap(([name, property]) => {
    if (Object.hasOwn(fields, name)) {
      return Value.Check(property, fields[name])
        ? []
        : [`${name} is ${quoteValue(fields[name])}; ${allowed(property)}`];
    }
    return schema.required?.includes(name) === true ? [`${name} is missing; ${allowed(property)}`] : [];
  });
  return [...unknown.slice(0, 1), ...wrong];
}

function allowed(property: { readonly description?: unknown }): string {
  return `allowed: ${property.description}`;
}
