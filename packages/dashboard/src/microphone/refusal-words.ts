import { describeSessionResult, type SessionResult } from "@eet/client";

/** Why a recording was not delivered as a whole. */
export interface Failure {
  readonly text: string;
  /** Whether a login would help. */
  readonly needsLogin: boolean;
}

/**
 * Says why a session did not come to its end, and what to do.
 *
 * @param hasToken - whether a token was shown; else the login of the page was
 */
export function describeFailure(result: SessionResult, hwid: string, hasToken: boolean): Failure {
  const code = result.last?.kind === "closed-by-server" ? result.last.code : undefined;
  const text = (hasToken ? tokenWords(code, hwid) : loginWords(code)) ?? describeSessionResult(result);
  return { text, needsLogin: code === 4401 && !hasToken };
}

function tokenWords(code: number | undefined, hwid: string): string | undefined {
  if (code === 4401) {
    return "The server does not take the token: it is wrong, was revoked, or is past its time. Enter another one, then start again.";
  }
  if (code !== 4403) return undefined;
  return `The token is not for ${hwid}. Choose an id that it is for, or ask for a token for this one, then start again.`;
}

function loginWords(code: number | undefined): string | undefined {
  if (code === 4401) return "Your login has ended, or the server asks for one now. Log in, then start again.";
  if (code !== 4403) return undefined;
  return "Your role may not record by this page. Ask for the role of an operator, or for the token of a device.";
}
