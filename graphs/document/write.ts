import type { GraphDocument, Json } from './document.ts';

/** Which keys come first in an object, and how the objects below it are laid out. All other keys are sorted. */
interface Layout {
  readonly first: readonly string[];
  below(key: string): Layout;
}
const sorted: Layout = { first: [], below: () => sorted };
const nodeLayout: Layout = {
  first: ['type', 'version', 'title', 'muted', 'collapsed', 'colour', 'width', 'position', 'params', 'inputs'],
  below: () => sorted,
};
const nodesLayout: Layout = { first: [], below: () => nodeLayout };
const subgraphLayout: Layout = {
  first: ['title', 'inputs', 'outputs', 'notes', 'frames', 'nodes'],
  below: (key) => (key === 'nodes' ? nodesLayout : sorted),
};
const subgraphsLayout: Layout = { first: [], below: () => subgraphLayout };
const documentLayout: Layout = {
  first: ['format', 'version', 'title', 'notes', 'frames', 'form', 'subgraphs', 'nodes'],
  below: (key) => (key === 'nodes' ? nodesLayout : key === 'subgraphs' ? subgraphsLayout : sorted),
};

/**
 * The text of a graph: the same for the same graph, however it came about. Known fields come first in a fixed order,
 * all other keys are sorted, and there is one param and one input a line, so that graphs diff well.
 */
export function writeGraph(document: GraphDocument): string {
  return `${format(document as unknown as Json, '', documentLayout)}\n`;
}

function format(value: Json, indent: string, layout: Layout): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (!value.some(holdsObject)) return `[${value.map((item) => format(item, '', sorted)).join(', ')}]`;
    return `[\n${value.map((item) => inner + format(item, inner, sorted)).join(',\n')}\n${indent}]`;
  }
  const record = value as Readonly<Record<string, Json>>;
  const rank = (key: string) => (layout.first.includes(key) ? layout.first.indexOf(key) : layout.first.length);
  const keys = Object.keys(record).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  if (keys.length === 0) return '{}';
  const lines = keys.map((key) => `${inner}${JSON.stringify(key)}: ${format(record[key]!, inner, layout.below(key))}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function holdsObject(value: Json): boolean {
  if (Array.isArray(value)) return value.some(holdsObject);
  return value !== null && typeof value === 'object';
}
