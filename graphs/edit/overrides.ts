import type { Cards } from '../../nodes/card.ts';
import { UserError } from '../../nodes/errors.ts';
import { allows, type ChoiceParam, describeAllowed, optionPair, parseParam } from '../../nodes/params.ts';
import { quote } from '../../nodes/quote.ts';
import { type GraphDocument, type GraphNode, type Json, own } from '../document/document.ts';
import { levelCards, levelOf, subgraphOf, withLevel } from '../document/levels.ts';
import { labelNode, titleOf } from '../document/problems.ts';
import { didYouMean } from '../document/suggest.ts';
import { ownSubgraph } from './subgraphs.ts';

/**
 * Params to set, by `node.param`; the node is named by its id or, where only one has it, by its title. `outer/inner.param`
 * sets a param inside the subgraph that node `outer` stands for. A field of the graph's form goes by its name alone.
 */
export type Overrides = Readonly<Record<string, Json>>;

/**
 * The document with some params set. A text is read by the kind of the param, as typed on a command line. A setting
 * wins over a wire that drives the param: that wire is removed. A setting inside a subgraph gives its node a subgraph of
 * its own where others stand for the same.
 * Throws UserError `UNKNOWN_NODE`, `UNKNOWN_TYPE`, `UNKNOWN_PARAM`, `BAD_PARAM`.
 */
export function applyOverrides(document: GraphDocument, overrides: Overrides, cards: Cards): GraphDocument {
  let set = document;
  for (const [name, value] of Object.entries(overrides)) {
    const key = document.form?.fields.find((field) => field.name === name)?.param ?? name;
    const dot = key.lastIndexOf('.');
    if (dot < 1) throw noField(key, document);
    set = applyOverride(set, undefined, key.slice(0, dot), key.slice(dot + 1), value, cards);
  }
  return set;
}

function noField(name: string, { form }: GraphDocument): UserError {
  const fields = form?.fields.map((field) => field.name) ?? [];
  const known = fields.length > 0 ? ` or a field of the graph's form: ${fields.join(', ')}` : '';
  const message = `"${name}" names no param.${didYouMean(name, fields)} Write node.param, e.g. sample.steps${known}.`;
  return new UserError('UNKNOWN_PARAM', message);
}

/** The whole document with one param set at a level (see `levelOf`) or below it. */
function applyOverride(
  document: GraphDocument,
  level: string | undefined,
  name: string,
  param: string,
  value: Json,
  library: Cards,
): GraphDocument {
  const here = levelOf(document, level);
  const cards = levelCards(document, library, level);
  const slash = name.indexOf('/');
  const outer = slash > 0 && !isNode(here, name, cards) ? findNode(here, name.slice(0, slash), cards) : undefined;
  if (outer === undefined || subgraphOf(here.nodes[outer]!) === undefined) {
    const id = findNode(here, name, cards);
    const nodes = { ...here.nodes, [id]: overrideParam(id, here.nodes[id]!, param, value, cards) };
    return withLevel(document, level, { ...here, nodes });
  }
  const unshared = ownSubgraph(document, level, outer);
  const inner = subgraphOf(levelOf(unshared, level).nodes[outer]!);
  return applyOverride(unshared, inner, name.slice(slash + 1), param, value, library);
}

function isNode(document: GraphDocument, name: string, cards: Cards): boolean {
  return (
    Object.hasOwn(document.nodes, name) || Object.values(document.nodes).some((node) => titleOf(node, cards) === name)
  );
}

function overrideParam(id: string, node: GraphNode, name: string, value: Json, cards: Cards): GraphNode {
  const card = cards.get(node.type);
  const label = labelNode(id, node, cards);
  if (!card)
    throw new UserError('UNKNOWN_TYPE', `${label} is of the unknown type "${node.type}".`, { at: { node: id } });
  const at = { node: id, param: name };
  const param = own(card.params, name);
  if (!param) {
    const names = Object.keys(card.params);
    const known = names.length === 0 ? 'It has none.' : `Its params are ${names.join(', ')}.`;
    const message = `${label} has no param "${name}".${didYouMean(name, names)} ${known}`;
    throw new UserError('UNKNOWN_PARAM', message, { at });
  }
  const pair = typeof value === 'string' ? optionPair(card.params, name, value) : {};
  const read = pair[name] ?? (typeof value === 'string' ? parseParam(param, value) : value);
  if (!allows(param, read)) {
    const meant = param.kind === 'choice' ? meantBy(String(read), param) : '';
    const message = `${label}: the param ${name} cannot be ${quote(value)}.${meant} It must be ${describeAllowed(param)}.`;
    throw new UserError('BAD_PARAM', message, { at });
  }
  const { [name]: _driving, ...inputs } = node.inputs;
  return { ...node, params: { ...node.params, ...pair, [name]: read as Json }, inputs };
}

/** What to say of a word that is no option. Where options have names of other programs, one that is near is not meant. */
function meantBy(word: string, { options, aliases }: ChoiceParam): string {
  return aliases ? ' Noiseloom has none of that name.' : didYouMean(word, options);
}

/**
 * The id of the node that people call `name`: an id, or a title that only one node has. Throws UserError `UNKNOWN_NODE`.
 */
export function findNode(document: GraphDocument, name: string, cards: Cards): string {
  if (Object.hasOwn(document.nodes, name)) return name;
  const called = Object.entries(document.nodes).filter(([, node]) => titleOf(node, cards) === name);
  if (called.length === 1) return called[0]![0];
  if (called.length > 1) {
    const ids = called.slice(0, 10).map(([id]) => id);
    throw new UserError('UNKNOWN_NODE', `${called.length} nodes are called "${name}". Use an id: ${ids.join(', ')}.`);
  }
  const names = new Set([
    ...Object.keys(document.nodes),
    ...Object.values(document.nodes).map((node) => titleOf(node, cards)),
  ]);
  const known = `Its nodes are ${Object.keys(document.nodes).slice(0, 20).join(', ')}.`;
  throw new UserError('UNKNOWN_NODE', `The graph has no node "${name}".${didYouMean(name, names)} ${known}`);
}
