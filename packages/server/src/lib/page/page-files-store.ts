import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** A file of the web page. */
export interface PageFile {
  readonly body: Buffer;
  /** `undefined` where it is no smaller. */
  readonly gzipped: Buffer | undefined;
  readonly contentType: string;
  readonly etag: string;
  /** Its name has its hash: it never changes. */
  readonly isImmutable: boolean;
}

/** The built web page: files by their paths, as `/index.html`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const compress = promisify(gzip);

/**
 * Reads the web page into memory: a few hundred KiB.
 *
 * @param folder - where the build put it
 * @returns `undefined` when it was not built
 */
export async function readPageFiles(folder: string): Promise<PageFiles | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name));
  const files = paths.map(async (path) => {
    const url = `/${relative(folder, path).replaceAll(sep, "/")}`;
    return [url, await readPageFile(path, url.startsWith("/assets/"))] as const;
  });
  const page = new Map(await Promise.all(files));
  return page.has("/index.html") ? page : undefined;
}

async function readPageFile(path: string, isImmutable: boolean): Promise<PageFile> {
  const body = await readFile(path);
  const gzipped = await compress(body, { level: 9 });
  return {
    body,
    gzipped: gzipped.byteLength < body.byteLength ? gzipped : undefined,
    contentType: contentTypes[extname(path)] ?? "application/octet-stream",
    // Weak: it stands for the body, however it is encoded.
    etag: `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`,
    isImmutable,
  };
}
