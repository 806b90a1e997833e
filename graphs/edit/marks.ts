import type { Frame, GraphDocument, Note } from '../document/document.ts';

/*
 * Edits of the texts and rectangles of a canvas, which mean nothing to a run. They have no ids: a place in the list of
 * notes or of frames names one.
 */

export type MarkKind = 'notes' | 'frames';
type Mark<Kind extends MarkKind> = Kind extends 'notes' ? Note : Frame;

export function addMark<Kind extends MarkKind>(document: GraphDocument, kind: Kind, mark: Mark<Kind>): GraphDocument {
  return { ...document, [kind]: [...(document[kind] ?? []), mark] };
}

/** Changes fields of a note or a frame; the same document where there is none at that place. */
export function changeMark<Kind extends MarkKind>(
  document: GraphDocument,
  kind: Kind,
  place: number,
  changes: Partial<Mark<Kind>>,
): GraphDocument {
  const marks = document[kind] as readonly Mark<Kind>[] | undefined;
  if (!marks?.[place]) return document;
  return { ...document, [kind]: marks.map((mark, i) => (i === place ? { ...mark, ...changes } : mark)) };
}

export function removeMarks(document: GraphDocument, kind: MarkKind, places: Iterable<number>): GraphDocument {
  const gone = new Set(places);
  const marks = document[kind];
  if (!marks || gone.size === 0) return document;
  const { [kind]: _removed, ...rest } = document;
  const kept = (marks as readonly (Note | Frame)[]).filter((_, i) => !gone.has(i));
  return kept.length > 0 ? { ...rest, [kind]: kept } : rest;
}
