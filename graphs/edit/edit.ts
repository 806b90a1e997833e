import { type Draft, produce } from 'immer';
import type { Cards, NodeCard } from '../../nodes/card.ts';
import { UserError } from '../../nodes/errors.ts';
import { allows, describeAllowed } from '../../nodes/params.ts';
import { quote } from '../../nodes/quote.ts';
import { idPattern, wrongWire } from '../document/check.ts';
import { type GraphDocument, type GraphNode, type Json, own, type Wire } from '../document/document.ts';
import { labelNode, type Problem, problem } from '../document/problems.ts';
import { arrivalAt } from '../document/wires.ts';
import { dropFromForm } from './form.ts';

/*
 * Edits of a graph: pure functions from a document to a document that share what did not change, so undo is an array
 * of documents. An edit that would break the graph throws a UserError and changes nothing.
 */

/** An id for a new node of a type that the document does not have yet: `sample`, `sample-2`, ... */
export function freshId(document: GraphDocument, type: string): string {
  const name = type.slice(type.lastIndexOf('/') + 1);
  let id = name;
  for (let number = 2; Object.hasOwn(document.nodes, id); number++) id = `${name}-${number}`;
  return id;
}

/** Adds a node with the initial values of its params. Throws UserError `BAD_ID` if the id is taken or malformed. */
export function addNode(
  document: GraphDocument,
  id: string,
  card: NodeCard,
  position: readonly [x: number, y: number],
): GraphDocument {
  if (!idPattern.test(id) || Object.hasOwn(document.nodes, id)) {
    throw new UserError('BAD_ID', `A new node cannot have the id "${id}".`, { at: { node: id } });
  }
  const params = Object.fromEntries(Object.entries(card.params).map(([name, { initial }]) => [name, initial]));
  const node: GraphNode = { type: card.type, version: card.version, params, inputs: {}, position };
  return { ...document, nodes: { ...document.nodes, [id]: node } };
}

/** Removes nodes and every wire that starts or ends at them. */
export function removeNodes(document: GraphDocument, ids: Iterable<string>): GraphDocument {
  const gone = new Set(ids);
  return produce(dropFromForm(document, gone), (draft) => {
    for (const id of gone) delete draft.nodes[id];
    for (const [id, node] of Object.entries(document.nodes)) {
      if (gone.has(id)) continue;
      for (const [name, wires] of Object.entries(node.inputs)) {
        if (wires.some(([source]) => gone.has(source)))
          keepWires(draft.nodes[id]!, name, ([source]) => !gone.has(source));
      }
    }
  });
}

/** Why a wire cannot be connected to an input (or a param) of a node, or undefined if it can. */
export function findRefusal(
  document: GraphDocument,
  cards: Cards,
  wire: Wire,
  id: string,
  name: string,
): Problem | undefined {
  const node = own(document.nodes, id);
  const card = node && cards.get(node.type);
  if (!card || !arrivalAt(card, name)) {
    const message = node ? `${labelNode(id, node, cards)} has no input "${name}".` : `The graph has no node "${id}".`;
    return problem(
      node ? 'UNKNOWN_INPUT' : 'UNKNOWN_NODE',
      { node: id, port: name },
      message,
      'Connect another input.',
    );
  }
  const wrong = wrongWire(document, cards, id, name, wire);
  if (wrong) return wrong;
  if (!waitsFor(document, wire[0], id)) return undefined;
  const message = `${labelNode(id, node, cards)} would depend on its own result.`;
  return problem('CYCLE', { node: id, port: name }, message, 'Connect a node that does not depend on it.', wire);
}

/** Whether node `id` needs the result of node `source`, directly or through others; also true for the same node. */
function waitsFor(document: GraphDocument, id: string, source: string): boolean {
  const seen = new Set([id]);
  for (const next of seen) {
    if (next === source) return true;
    for (const wires of Object.values(own(document.nodes, next)?.inputs ?? {}))
      for (const [from] of wires) seen.add(from);
  }
  return false;
}

/**
 * Connects a wire to an input or a param. It replaces the wire that is there, except where the input takes many: there
 * it comes last. Throws the UserError that `findRefusal` describes.
 */
export function connect(document: GraphDocument, cards: Cards, wire: Wire, id: string, name: string): GraphDocument {
  const refusal = findRefusal(document, cards, wire, id, name);
  if (refusal) throw new UserError(refusal.code, `${refusal.message} ${refusal.remedy}`, { at: refusal.at });
  return produce(document, (draft) => {
    const node = draft.nodes[id]!;
    const takesMany = cards.get(node.type)!.inputs[name]?.count === 'many';
    const present = takesMany ? (own(node.inputs, name) ?? []) : [];
    if (present.some(([source, output]) => source === wire[0] && output === wire[1])) return;
    node.inputs[name] = [...present, [...wire]];
  });
}

/** Removes one wire into an input, or all of them. */
export function disconnect(document: GraphDocument, id: string, name: string, wire?: Wire): GraphDocument {
  return change(document, id, (node) => {
    keepWires(node, name, ([source, output]) => wire !== undefined && !(source === wire[0] && output === wire[1]));
  });
}

/** Sets a param. Throws UserError `UNKNOWN_PARAM` or `BAD_PARAM`. */
export function setParam(document: GraphDocument, cards: Cards, id: string, name: string, value: Json): GraphDocument {
  const type = own(document.nodes, id)?.type;
  const param = own((type !== undefined && cards.get(type)?.params) || {}, name);
  const at = { node: id, param: name };
  if (!param) throw new UserError('UNKNOWN_PARAM', `Node "${id}" has no param "${name}".`, { at });
  if (!allows(param, value)) {
    const message = `The param ${name} cannot be ${quote(value)}. It must be ${describeAllowed(param)}.`;
    throw new UserError('BAD_PARAM', message, { at });
  }
  return change(document, id, (node) => {
    node.params[name] = value as Draft<Json>;
  });
}

/** Gives a node its own title; an empty one gives it back the title of its type. */
export function renameNode(document: GraphDocument, id: string, title: string): GraphDocument {
  return change(document, id, (node) => {
    if (title === '') delete node.title;
    else node.title = title;
  });
}

/** Moves nodes to new positions, by their ids. */
export function moveNodes(
  document: GraphDocument,
  positions: Readonly<Record<string, readonly [x: number, y: number]>>,
): GraphDocument {
  return produce(document, (draft) => {
    for (const [id, position] of Object.entries(positions)) requireNode(draft, id).position = [...position];
  });
}

export function muteNode(document: GraphDocument, id: string, muted: boolean): GraphDocument {
  return change(document, id, (node) => {
    if (muted) node.muted = true;
    else delete node.muted;
  });
}

export function collapseNode(document: GraphDocument, id: string, collapsed: boolean): GraphDocument {
  return change(document, id, (node) => {
    if (collapsed) node.collapsed = true;
    else delete node.collapsed;
  });
}

/** Gives a node a colour by its name, or with undefined takes it away. */
export function colourNode(document: GraphDocument, id: string, colour: string | undefined): GraphDocument {
  return change(document, id, (node) => {
    if (colour === undefined) delete node.colour;
    else node.colour = colour;
  });
}

/** Gives a node a width in pixels, or with undefined that of its content. */
export function widenNode(document: GraphDocument, id: string, width: number | undefined): GraphDocument {
  return change(document, id, (node) => {
    if (width === undefined) delete node.width;
    else node.width = width;
  });
}

export function renameGraph(document: GraphDocument, title: string): GraphDocument {
  return { ...document, title };
}

function change(document: GraphDocument, id: string, edit: (node: Draft<GraphNode>) => void): GraphDocument {
  return produce(document, (draft) => edit(requireNode(draft, id)));
}

function requireNode(draft: Draft<GraphDocument>, id: string): Draft<GraphNode> {
  const node = Object.hasOwn(draft.nodes, id) ? draft.nodes[id] : undefined;
  if (!node) throw new UserError('UNKNOWN_NODE', `The graph has no node "${id}".`, { at: { node: id } });
  return node;
}

/** Keeps the wires that pass, and no empty list. */
function keepWires(node: Draft<GraphNode>, name: string, passes: (wire: Wire) => boolean): void {
  if (!Object.hasOwn(node.inputs, name)) return;
  const kept = node.inputs[name]!.filter(passes);
  if (kept.length > 0) node.inputs[name] = kept;
  else delete node.inputs[name];
}
