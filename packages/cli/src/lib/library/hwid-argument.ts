import { InvalidArgumentError } from "commander";

const storedHwid = /^(?:~|[A-Za-z0-9_-]{1,64})$/;

/**
 * Parser of an argument that names a device.
 *
 * @returns as it is stored: the server takes `:` and `.` of ids as `_`; `~` for what was recorded without an id
 */
export function readHwid(text: string): string {
  const hwid = text.replaceAll(/[:.]/g, "_");
  if (!text.includes("..") && storedHwid.test(hwid)) return hwid;
  throw new InvalidArgumentError(
    "A device's id is 1 to 64 letters, digits, '-' and '_' (':' and '.' are taken as '_'); ~ stands for no id. " +
      "`eet devices` lists those that are known.",
  );
}
