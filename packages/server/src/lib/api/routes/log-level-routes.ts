import Type from "typebox";
import { RequestError } from "../../kernel/errors.ts";
import { type LogLevel, logLevels } from "../../kernel/log.ts";
import { type ApiApp, jsonAnswer, problemAnswers } from "../api-app.ts";
import type { ApiSources } from "../api-sources.ts";
import { queryOf } from "../parameters.ts";

const LogLevelBody = Type.Object(
  { level: Type.Enum([...logLevels], { description: "the least severe lines that are written" }) },
  { additionalProperties: false },
);

/** `/log-level`: how much the server writes to its log. */
export function addLogLevelRoutes(app: ApiApp, { log }: Pick<ApiSources, "log">): void {
  const options = { tags: ["server"], querystring: queryOf({}) };
  const response = { 200: jsonAnswer("the level in force", LogLevelBody), ...problemAnswers };
  const readSchema = { operationId: "readLogLevel", summary: "How much is logged", ...options, response };
  app.get("/log-level", { schema: readSchema }, async () => ({ level: requireLevel(log.level) }));

  const changeSchema = {
    ...{
      operationId: "changeLogLevel",
      summary: "Log more or less from now on",
      body: LogLevelBody,
      ...options,
      response,
    },
    description: "Holds until the next start or reload (SIGHUP), which take the level of the settings.",
  };
  app.put("/log-level", { schema: changeSchema }, async ({ body: { level } }) => {
    const before = requireLevel(log.level);
    // Told by whichever of the two says more.
    const tell = () => log.warn({ before, level }, "log level changed");
    if (logLevels.indexOf(level) > logLevels.indexOf(before)) tell();
    log.level = level;
    if (logLevels.indexOf(level) <= logLevels.indexOf(before)) tell();
    return { level };
  });
}

function requireLevel(level: string | undefined): LogLevel {
  const known = logLevels.find((candidate) => candidate === level);
  if (known !== undefined) return known;
  throw new RequestError("NOT_FOUND", "the log of this server has no level that can be changed");
}
