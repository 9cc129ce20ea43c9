import Value from "typebox/value";
import { StorageError } from "../kernel/errors.ts";
import { Sidecar, sidecarFormat } from "../kernel/sidecar.ts";

/**
 * Reads the text of a sidecar file.
 *
 * @throws {@link StorageError} `SEGMENT_UNREADABLE`, naming the first field that is wrong
 */
export function parseSidecar(text: string, path: string): Sidecar {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StorageError("SEGMENT_UNREADABLE", `${path} is not JSON`, { cause });
  }
  if (Value.Check(Sidecar, value)) return value;
  const known = cleanSidecar(value, path);
  if (Value.Check(Sidecar, known)) return known;
  const [first] = Value.Errors(Sidecar, known);
  const where = first === undefined ? "" : `: ${first.instancePath || "the whole"} ${first.message}`;
  throw new StorageError("SEGMENT_UNREADABLE", `${path} is not a ${sidecarFormat} sidecar${where}`);
}

/** Without the fields that it does not know: a later version may have written more, and be gone again. */
function cleanSidecar(value: unknown, path: string): unknown {
  try {
    return Value.Clean(Sidecar, value);
  } catch (cause) {
    // JSON is read to any depth, but walked to that of the stack.
    if (!(cause instanceof RangeError)) throw cause;
    throw new StorageError("SEGMENT_UNREADABLE", `${path} is nested deeper than any sidecar`, { cause });
  }
}
