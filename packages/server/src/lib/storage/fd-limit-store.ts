import { readFileSync } from "node:fs";

/** Descriptors kept for everything but connections: catalogue, logs, uploads, workers. */
const reservedFdCount = 128;
/** A live device holds its socket and its segment; while segments change over, for a moment a second one. */
const fdsPerConnection = 3;
/** Of the limit, for connections that are no devices: most devices hold fewer files than they may. */
const socketShare = 1 / 16;
/** Even where few files may be open. */
const minSocketCount = 32;

/** The process's soft limit of open files; `undefined` where the system does not tell. [S-2.6] */
export function readFdLimit(): number | undefined {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return match?.[1] === undefined ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}

/** Connections that a limit of open files carries, at least 1. [S-2.6] */
export function connectionsForFdLimit(fdLimit: number): number {
  return Math.max(1, Math.floor((fdLimit - reservedFdCount) / fdsPerConnection));
}

/** Connections besides those of devices that a limit of open files carries. */
export function socketsForFdLimit(fdLimit: number): number {
  return Math.max(minSocketCount, Math.floor(fdLimit * socketShare));
}
