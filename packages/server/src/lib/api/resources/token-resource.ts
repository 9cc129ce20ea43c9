import Type, { type Static } from "typebox";
import { isTokenValid, roles, type Token } from "../../access/token.ts";
import { formatTime } from "../time-parameter.ts";
import { Nullable, Time } from "./resource-schemas.ts";

/** A token, without its secret. */
export const TokenResource = Type.Object(
  {
    id: Type.String({ description: "names it; not secret" }),
    kind: Type.Enum(["device", "api"]),
    name: Type.String(),
    hwid: Nullable(Type.String({ description: "device: the ids that it is for, with * and ?" })),
    role: Nullable(Type.Enum([...roles])),
    state: Type.Enum(["active", "expired", "revoked"]),
    created: Time,
    expires: Nullable(Time),
    last_used: Nullable(Time),
    revoked: Nullable(Time),
  },
  { $id: "Token", additionalProperties: false },
);
export type TokenResource = Static<typeof TokenResource>;

export const TokenList = Type.Object(
  { tokens: Type.Array(Type.Ref("Token")) },
  { $id: "TokenList", additionalProperties: false },
);

/** A token just made. */
export const CreatedToken = Type.Object(
  { token: Type.Ref("Token"), secret: Type.String({ description: "shown this once" }) },
  { $id: "CreatedToken", additionalProperties: false },
);
/** As the API gives it. */
export interface CreatedToken {
  readonly token: TokenResource;
  /** There this once. */
  readonly secret: string;
}

const expiresDays = Type.Optional(
  Type.Number({ minimum: 0.0001, maximum: 36_500, description: "days until it ends; left out: never" }),
);
const successorDays = Type.Optional(
  Type.Number({
    minimum: 0.0001,
    maximum: 36_500,
    description: "days until the successor ends; left out: as many as the old one had from the start",
  }),
);
const name = Type.Optional(Type.String({ maxLength: 100, description: "for people; at most 100 characters" }));

/** What is to be made: one of both. */
export const NewTokenBody = Type.Object(
  {
    hwid: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "makes a token of devices: their ids, with * and ?, such as kitchen-*",
      }),
    ),
    role: Type.Optional(Type.Enum([...roles], { description: "makes a token of people and programs" })),
    name,
    expires_days: expiresDays,
  },
  { additionalProperties: false },
);

export const RotateBody = Type.Object(
  {
    overlap_h: Type.Optional(
      Type.Number({ minimum: 0, maximum: 8_760, description: "hours for which the old one stays good; default 24" }),
    ),
    expires_days: successorDays,
  },
  { additionalProperties: false },
);

/** Who asks, and how the server is protected. */
export const AccessResource = Type.Object(
  {
    mode: Type.Enum(["local", "insecure-open", "protected"], {
      description: "local: open to its own machine; insecure-open: open to all; protected: asks for tokens",
    }),
    name: Nullable(Type.String({ description: "of who asks; null: not known" })),
    role: Nullable(Type.Enum([...roles])),
    token_id: Nullable(Type.String({ description: "of the token that was shown, or that the login was begun with" })),
    is_session: Type.Boolean({ description: "by the cookie of a login" }),
    setup_open: Type.Boolean({ description: "the set-up link of the log can be used" }),
    oidc: Nullable(
      Type.Object(
        {
          name: Type.String({ description: "of the provider, for people" }),
          contact: Nullable(Type.String({ description: "whom somebody without a role is to ask" })),
        },
        { additionalProperties: false, description: "people log in by an OpenID provider, too: /api/v1/oidc/login" },
      ),
    ),
  },
  { $id: "Access", additionalProperties: false },
);
export type AccessResource = Static<typeof AccessResource>;

const toTime = (ms: number | null) => (ms === null ? null : formatTime(ms));

/** Writes a token as the API shows it. */
export function formatToken(token: Token, nowMs: number): TokenResource {
  const { id, kind, name, hwidPattern: hwid, role, revokedMs } = token;
  const ended = revokedMs === null ? "expired" : "revoked";
  return {
    ...{ id, kind, name, hwid, role },
    state: isTokenValid(token, nowMs) ? "active" : ended,
    created: formatTime(token.createdMs),
    expires: toTime(token.expiresMs),
    last_used: toTime(token.lastUsedMs),
    revoked: toTime(revokedMs),
  };
}
