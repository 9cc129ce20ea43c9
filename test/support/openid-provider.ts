import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const clientId = "eet";
const scopes = "openid profile email groups";

/** What a test makes a provider of. */
export interface OpenidProviderOptions {
  readonly clientSecret: string;
  /** Where it may send browsers back to. */
  readonly redirectUri: string;
}

/** A real OpenID provider on this machine, at which logging in takes no page: the person is who the test says. */
export class OpenidProvider implements AsyncDisposable {
  /** Who logs in next, and the groups that person is in; `undefined`: the person cancels. */
  person: { readonly name: string; readonly groups: readonly string[] } | undefined = { name: "ann", groups: [] };
  readonly #server: Server;
  #provider: Provider | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens, and answers 503 until it is {@link begin | begun}. */
  static async listen(): Promise<OpenidProvider> {
    const server = createServer();
    const found = new OpenidProvider(server);
    server.on("request", (request, response) => void found.#answer(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return found;
  }

  /** `http://localhost:{port}` */
  get issuer(): string {
    const address = this.#server.address();
    return `http://localhost:${typeof address === "object" ? address?.port : 0}`;
  }

  async begin({ clientSecret, redirectUri }: OpenidProviderOptions): Promise<void> {
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    const groupsOf = new Map<string, readonly string[]>();
    const provider = new Provider(this.issuer, {
      clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
      jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig" }] },
      cookies: { keys: ["of the test alone"] },
      scopes: scopes.split(" "),
      claims: { profile: ["preferred_username"], email: ["email", "email_verified"], groups: ["groups"] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      interactions: { url: () => "/interaction" },
      ttl: { Interaction: 600, Session: 600, Grant: 600 },
      findAccount: (_context, accountId) => ({
        accountId,
        claims: async () => ({
          sub: accountId,
          preferred_username: accountId,
          groups: [...(groupsOf.get(accountId) ?? [])],
        }),
      }),
      loadExistingGrant: async (context) => {
        const { accountId = "" } = context.oidc.session ?? {};
        const grant = new provider.Grant({ clientId, accountId });
        grant.addOIDCScope(scopes);
        await grant.save();
        return grant;
      },
    });
    this.#onInteraction = async (request, response) => {
      const { person } = this;
      if (person !== undefined) groupsOf.set(person.name, person.groups);
      const result =
        person === undefined ? { error: "access_denied" } : { login: { accountId: person.name, remember: false } };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    };
    this.#provider = provider;
  }

  #onInteraction: (request: IncomingMessage, response: ServerResponse) => Promise<void> = async () => {};

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#provider === undefined) response.writeHead(503).end();
    else if (request.url?.startsWith("/interaction")) await this.#onInteraction(request, response);
    else this.#provider.callback()(request, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
