import type { Database, Statement } from "better-sqlite3";

/** Prepares each text once. The texts are made of a few parts: there are some dozens at most. */
export class StatementCache {
  readonly #sqlite: Database;
  readonly #statements = new Map<string, Statement<unknown[], unknown>>();

  constructor(sqlite: Database) {
    this.#sqlite = sqlite;
  }

  /** Rows of a query with named parameters; those that the text does not name are left out. */
  all<Row>(sql: string, parameters: Readonly<Record<string, unknown>>): Row[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement.all(parameters) as Row[];
  }
}
