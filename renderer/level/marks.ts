import type { Frame, Note } from '../../graphs/document/document.ts';

/** Whether a note or frame can be drawn. They come from strangers: those without a place are kept in the file. */
export function hasPlace({ position, size }: Note | Frame): boolean {
  return [position, size].every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite));
}
