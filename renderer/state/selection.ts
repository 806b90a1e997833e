import type { Arrived } from '../../graphs/edit/rewire.ts';

/** A note or a frame, by its place in the document's list of them. */
export interface MarkItem {
  readonly kind: 'note' | 'frame';
  readonly place: number;
}

/** Something on the canvas that can be selected. A node is drawn as a card, or as a dot where it is a reroute. */
export type CanvasItem =
  | { readonly kind: 'node'; readonly id: string }
  | MarkItem
  | { readonly kind: 'wire'; readonly arrived: Arrived };

/** What is selected, each item once, in the order in which it was selected. */
export type Selection = readonly CanvasItem[];

export function isSameItem(a: CanvasItem, b: CanvasItem): boolean {
  if (a.kind === 'node') return b.kind === 'node' && a.id === b.id;
  if (a.kind === 'wire') return b.kind === 'wire' && isSameWire(a.arrived, b.arrived);
  return b.kind === a.kind && a.place === b.place;
}

function isSameWire(a: Arrived, b: Arrived): boolean {
  return a.node === b.node && a.name === b.name && a.wire[0] === b.wire[0] && a.wire[1] === b.wire[1];
}

export function nodeItems(ids: Iterable<string>): CanvasItem[] {
  return [...ids].map((id) => ({ kind: 'node', id }));
}

export function pickNodes(selection: Selection): string[] {
  return selection.flatMap((item) => (item.kind === 'node' ? [item.id] : []));
}

export function pickWires(selection: Selection): Arrived[] {
  return selection.flatMap((item) => (item.kind === 'wire' ? [item.arrived] : []));
}

/** The places of the selected notes and frames. */
export function pickMarks(selection: Selection): { readonly notes: number[]; readonly frames: number[] } {
  const places = (kind: MarkItem['kind']) =>
    selection.flatMap((item) => (item.kind === kind ? [(item as MarkItem).place] : []));
  return { notes: places('note'), frames: places('frame') };
}
