/** Whether, and how, the one who met an error should try again. */
export type Retry = "never" | "after-fix" | "backoff";

/** One row of the error table: what a person or a program needs to act on an error. */
export interface ErrorRow {
  /** One line, present tense, no full stop. */
  readonly title: string;
  /** Status that HTTP answers carry; `undefined` where no HTTP answer can. */
  readonly httpStatus?: number;
  /** Status of the CLOSE frame on an `eet.v1+ack` connection; others are dropped without one. [P-2.8] [P-1.9] */
  readonly ackCloseCode?: number;
  readonly retry: Retry;
  /** What to do, as an imperative sentence. */
  readonly fix: string;
}
