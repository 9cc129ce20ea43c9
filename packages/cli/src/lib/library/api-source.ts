/** A request to the REST API. */
export interface ApiRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Whoever answers the REST API: a server somewhere, or the code of one that reads a local folder. */
export interface ApiSource {
  /** For people: the server's URL or the folder's path. */
  readonly name: string;
  /** `server`: it goes on recording; `folder`: what was recorded until now. */
  readonly kind: "server" | "folder";
  /**
   * @param path - from `/api/v1` on, with the query
   * @throws CommandError when nothing answers
   */
  request(path: string, request?: ApiRequest): Promise<Response>;
  /** Idempotent. */
  close(): Promise<void>;
}
