import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';

/** Bytes that this process may use in all: the machine's, or its container's where that has less. */
export function totalBytes(): number {
  const allowed = process.constrainedMemory?.() ?? 0; // 0 or a huge number where there is no limit
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** Bytes that this process could still take now. */
export function freeBytes(): number {
  return process.availableMemory?.() ?? freemem();
}

/** Bytes of addresses that this process may use, as by `ulimit -v`; undefined where there is no limit or none is told. */
export function addressBytes(): number | undefined {
  try {
    const [, soft] = /^Max address space +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // no Linux
  }
}
