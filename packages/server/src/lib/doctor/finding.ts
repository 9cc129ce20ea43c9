/** What `eet doctor` looks at. */
export type Check =
  | "settings"
  | "clock"
  | "open files"
  | "data folder"
  | "lock"
  | "catalogue"
  | "access"
  | "TLS"
  | "port"
  | "object store"
  | "webhooks";

/** What a check found. */
export interface Finding {
  readonly check: Check;
  /** `warning`: it works, but worse than it could; `error`: it does not. */
  readonly status: "ok" | "warning" | "error";
  /** What was found, as a clause. */
  readonly message: string;
  /** What to do, an imperative sentence; absent when all is well. */
  readonly fix?: string;
}

/** A finding of a check in which all is well. */
export function well(check: Check, message: string): Finding {
  return { check, status: "ok", message };
}

/** A finding that it works worse than it could. */
export function warning(check: Check, message: string, fix: string): Finding {
  return { check, status: "warning", message, fix };
}

/** A finding that it does not work. */
export function failure(check: Check, message: string, fix: string): Finding {
  return { check, status: "error", message, fix };
}
