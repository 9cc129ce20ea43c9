import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import Type, { type TSchema } from "typebox";

/** A fastify instance whose handlers get what their schemas say. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Of a binary body. */
const Bytes = Type.String({ format: "binary" });

const problem = {
  description: "what is wrong and what to do, by RFC 9457; docs/errors.md lists the codes",
  content: { "application/problem+json": { schema: Type.Ref("Problem") } },
} as const;

/** Answers that every operation may give. */
export const problemAnswers = { "4xx": problem, "5xx": problem } as const;

/** Documents an answer in JSON. */
export function jsonAnswer(description: string, schema: TSchema | string) {
  return { description, content: { "application/json": { schema: toSchema(schema) } } };
}

/** Documents an answer that may come in several types; those without a schema are binary. */
export function typedAnswer(description: string, types: Readonly<Record<string, TSchema | string | null>>) {
  const content = Object.entries(types).map(([type, schema]) => [type, { schema: toSchema(schema ?? Bytes) }]);
  return { description, content: Object.fromEntries(content) };
}

/** Documents an answer without a body. */
export function emptyAnswer(description: string) {
  return { ...Type.Null(), description };
}

function toSchema(schema: TSchema | string): TSchema {
  return typeof schema === "string" ? Type.Ref(schema) : schema;
}
