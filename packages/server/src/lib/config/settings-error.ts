import type { ServerErrorCode } from "../kernel/error-table.ts";
import { ConfigError } from "../kernel/errors.ts";
import type { SettingSource } from "./setting-source.ts";

/** One thing wrong with the settings. */
export interface SettingsIssue {
  readonly code: Extract<
    ServerErrorCode,
    "CONFIG_UNKNOWN_KEY" | "CONFIG_BAD_VALUE" | "CONFIG_BAD_FILE" | "CONFIG_MISSING"
  >;
  /** The setting (`S3:Bucket`), an unknown key as written, or the name of a file. */
  readonly key: string;
  /** Where it stands; absent for what is missing. */
  readonly source?: SettingSource;
  /** What was received, what is allowed, what to do. Holds no secrets. */
  readonly message: string;
}

/** Everything wrong with the settings at once: code `CONFIG_INVALID`, one line of the message for each issue. */
export class SettingsError extends ConfigError {
  readonly issues: readonly SettingsIssue[];

  constructor(issues: readonly SettingsIssue[], options?: ErrorOptions) {
    const lines = issues.map((issue) => `\n  ${issue.message}`).join("");
    super(
      "CONFIG_INVALID",
      `${issues.length === 1 ? "a setting is" : `${issues.length} settings are`} wrong:${lines}`,
      options,
    );
    this.issues = issues;
  }
}
