import type { Cards } from '../../nodes/card.ts';
import { UserError } from '../../nodes/errors.ts';
import { checkSubgraphs } from '../document/checkSubgraphs.ts';
import { type GraphDocument, type GraphNode, type Json, limits, own, type Wire } from '../document/document.ts';
import { findResult, INPUTS, isBoundary, isReroute, levelCards, levelOf, subgraphOf } from '../document/levels.ts';
import { passedOn } from '../document/wires.ts';

/** A graph, or the inside of one node that stands for a subgraph. */
interface Level {
  /** Before the ids of its nodes: `refine/inner/`. */
  readonly prefix: string;
  readonly document: GraphDocument;
  readonly cards: Cards;
  /** Where it lies. */
  readonly around?: { readonly level: Level; readonly id: string };
  readonly inside: Map<string, Level>;
}

/**
 * The graph that really runs: every subgraph replaced by its nodes, whose ids then begin with that of the node that stood
 * for them (`refine/sample`), and every reroute by the wire before it. The same document where it has neither. Without
 * recursion. Throws UserError `CYCLE` or `TOO_LARGE` where there is no end to it (see `checkSubgraphs`, and `limits`).
 */
export function flattenGraph(document: GraphDocument, cards: Cards): GraphDocument {
  if (!isLayered(document)) return document;
  const [endless] = checkSubgraphs(document);
  if (endless) throw new UserError(endless.code, `${endless.message} ${endless.remedy}`);
  const top: Level = { prefix: '', document, cards: levelCards(document, cards), inside: new Map() };
  const nodes: Record<string, GraphNode> = {};
  const walk = { left: limits.wires };
  const levels = [top];
  for (const level of levels) {
    for (const [id, node] of Object.entries(level.document.nodes)) {
      if (isBoundary(node) || isReroute(node)) continue;
      if (subgraphOf(node) === undefined) nodes[level.prefix + id] = settled(level, node);
      else if (!node.muted) {
        const inner = findInside(level, id, cards);
        if (inner) levels.push(inner);
        else nodes[level.prefix + id] = node;
      }
    }
  }
  const { subgraphs: _dissolved, ...rest } = document;
  return { ...rest, nodes };

  /** A node with its wires led through to nodes that run, and with the params that nodes around it set. */
  function settled(level: Level, node: GraphNode): GraphNode {
    const inputs: Record<string, Wire[]> = {};
    let { params } = node;
    for (const [name, wires] of Object.entries(node.inputs)) {
      const sources = wires.flatMap((wire) => findSources(level, wire, cards, walk));
      if (sources.length > 0) inputs[name] = sources;
      else if (wires.length === 1) {
        const value = valueAround(level, wires[0]!);
        if (value !== undefined) params = { ...params, [name]: value };
      }
    }
    return { ...node, params, inputs };
  }
}

function isLayered({ nodes }: GraphDocument): boolean {
  for (const id in nodes) {
    const node = nodes[id]!;
    if (isReroute(node) || subgraphOf(node) !== undefined) return true;
  }
  return false;
}

function findInside(level: Level, id: string, cards: Cards): Level | undefined {
  const known = level.inside.get(id);
  if (known) return known;
  const name = subgraphOf(level.document.nodes[id]!) as string;
  if (!own(level.document.subgraphs ?? {}, name)) return undefined;
  const document = levelOf(level.document, name);
  const around = { level, id };
  const prefix = `${level.prefix}${id}/`;
  const inner = { prefix, document, cards: levelCards(document, cards, name), around, inside: new Map() };
  level.inside.set(id, inner);
  return inner;
}

/** The wires from nodes that run which a wire of a level stands for: none, one, or several from an input of many. */
function findSources(from: Level, first: Wire, cards: Cards, walk: { left: number }): Wire[] {
  const sources: Wire[] = [];
  const seen = new Set<string>();
  const stack: { readonly level: Level; readonly wire: Wire }[] = [{ level: from, wire: first }];
  while (stack.length > 0) {
    if (walk.left-- <= 0) {
      const message = `With its subgraphs and reroutes, the graph has more than ${limits.wires} wires. Split it into several graphs.`;
      throw new UserError('TOO_LARGE', message);
    }
    const { level, wire } = stack.pop()!;
    const [id, output] = wire;
    const place = `${level.prefix}${id} ${output}`;
    if (seen.has(place)) continue; // a cycle of reroutes
    seen.add(place);
    const node = own(level.document.nodes, id);
    const follow = (next: Level, wires: readonly (Wire | undefined)[]) => {
      for (const one of wires.toReversed()) if (one) stack.push({ level: next, wire: one });
    };
    if (node?.type === INPUTS && level.around) {
      const { level: outer, id: outerId } = level.around;
      follow(outer, own(outer.document.nodes[outerId]!.inputs, output) ?? []);
    } else if (node && isReroute(node)) follow(level, node.inputs.value ?? []);
    else if (node && subgraphOf(node) !== undefined) {
      const inner = node.muted ? undefined : findInside(level, id, cards);
      if (inner) follow(inner, [findResult(inner.document, output)]);
      else follow(level, [passedOn(level.document, level.cards, wire)]);
    } else sources.push([level.prefix + id, output]);
  }
  return sources;
}

/** The value that the nodes around a level give a param which is driven by a port that no wire reaches; the outermost wins. */
function valueAround(from: Level, wire: Wire): Json | undefined {
  let value: Json | undefined;
  let [source, port] = wire;
  for (let level = from; level.around && own(level.document.nodes, source)?.type === INPUTS; ) {
    const { level: outer, id } = level.around;
    const node = outer.document.nodes[id]!;
    value = own(node.params, port) ?? value;
    const next = own(node.inputs, port)?.[0];
    if (!next) break;
    [source, port] = next;
    level = outer;
  }
  return value;
}
