/** Whom somebody without a role is to ask. */
export interface ProviderFacts {
  readonly name: string;
  readonly contact: string | null;
}

/**
 * Says why a login by the provider did not succeed, and what to do.
 *
 * @param code - as the server's errors have it; what is none of them may come from anybody, and is not shown
 */
export function describeProblem(code: string, { name, contact }: ProviderFacts): string {
  const helper = contact ?? "whoever runs this server";
  switch (code) {
    case "PERSON_REFUSED":
      return `${name} knows you, but you have no role here. Ask ${helper} to give you one.`;
    case "OIDC_UNREACHABLE":
      return `${name} cannot be reached now. Try again in a moment, or log in with a token.`;
    case "OIDC_FAILED":
      return `The login by ${name} did not come to its end. Begin again; if that does not help, ask ${helper}.`;
    default:
      return "The login did not succeed. Begin again.";
  }
}
