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
