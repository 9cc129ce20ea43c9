import { EventEmitter, once } from "node:events";
import type { Log, LogFields } from "./log.ts";

const anyLine = Symbol("any line");

/** One line of a log. */
export interface LogLine {
  readonly level: keyof Log;
  readonly fields: LogFields;
  readonly message: string;
}

/** A log that keeps its lines and emits each one by its message. */
export class MemoryLog extends EventEmitter implements Log {
  readonly lines: LogLine[] = [];

  debug(fields: LogFields, message: string): void {
    this.#add({ level: "debug", fields, message });
  }

  info(fields: LogFields, message: string): void {
    this.#add({ level: "info", fields, message });
  }

  warn(fields: LogFields, message: string): void {
    this.#add({ level: "warn", fields, message });
  }

  error(fields: LogFields, message: string): void {
    this.#add({ level: "error", fields, message });
  }

  /** Resolves with the first line, past or coming, whose `code` is the given one. */
  async line(code: string): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find(({ fields }) => fields["code"] === code);
      if (found !== undefined) return found;
      await once(this, anyLine);
    }
  }

  /** Lines of one level. */
  at(level: keyof Log): readonly LogLine[] {
    return this.lines.filter((line) => line.level === level);
  }

  #add(line: LogLine): void {
    this.lines.push(line);
    this.emit(line.message, line.fields);
    this.emit(anyLine);
  }
}
