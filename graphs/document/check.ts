import type { Cards, NodeCard } from '../../nodes/card.ts';
import { allows, describeAllowed } from '../../nodes/params.ts';
import { quote } from '../../nodes/quote.ts';
import { checkSubgraphs } from './checkSubgraphs.ts';
import { findCycles } from './cycles.ts';
import { type GraphDocument, type GraphNode, limits, own, type Wire } from './document.ts';
import { checkForm } from './form.ts';
import { levelCards, levelOf, subgraphOf } from './levels.ts';
import { labelNode, type Problem, problem } from './problems.ts';
import { didYouMean } from './suggest.ts';
import { arrivalAt, arrivalType, takesType, wireFollower } from './wires.ts';

/** What ids look like: they appear in `--set id.param=value`, so no dots. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/**
 * Every problem of a graph, in the order of its nodes; those inside a subgraph come with the node that stands for it. A
 * graph without problems can run. A node inside has the id `outer/inner`. Linear in the size of what runs.
 */
export function checkGraph(document: GraphDocument, cards: Cards): Problem[] {
  const endless = checkSubgraphs(document);
  if (endless.length > 0) return endless;
  const problems = [...checkLevel(document, cards, undefined, new Map()), ...checkForm(document, cards)];
  return problems.length < limits.problems ? problems : [...problems.slice(0, limits.problems), more()];
}

/** Checks one level and what its subgraphs hold; `known` caches the problems inside each subgraph. */
function checkLevel(
  whole: GraphDocument,
  library: Cards,
  name: string | undefined,
  known: Map<string, readonly Problem[]>,
): Problem[] {
  const document = levelOf(whole, name);
  const cards = levelCards(whole, library, name);
  const ids = Object.keys(document.nodes);
  const problems: Problem[] = [];
  const follow = wireFollower(document, cards);
  for (const id of ids) {
    if (problems.length >= limits.problems) return problems;
    const node = document.nodes[id]!;
    if (!idPattern.test(id)) problems.push(badId(id));
    const card = cards.get(node.type);
    if (!card) {
      problems.push(unknownType(id, node, cards));
      continue;
    }
    if (node.version !== card.version) problems.push(otherVersion(id, node, card, cards));
    if (node.muted) continue;
    checkParams(problems, id, node, card, cards);
    checkInputs(problems, document, id, node, card, cards, follow);
    const inner = subgraphOf(node);
    if (inner === undefined) continue;
    if (!known.has(inner)) known.set(inner, checkLevel(whole, library, inner, known));
    for (const found of known.get(inner)!) problems.push(insideNode(found, id, node, cards));
  }
  checkCycles(problems, document, ids, cards);
  return problems;
}

/** A problem inside a subgraph, as seen from outside. */
function insideNode(found: Problem, id: string, node: GraphNode, cards: Cards): Problem {
  const at = { ...found.at, ...(found.at.node === undefined ? { node: id } : { node: `${id}/${found.at.node}` }) };
  return { ...found, at, message: `Inside ${labelNode(id, node, cards)}: ${found.message}` };
}

function checkParams(problems: Problem[], id: string, node: GraphNode, card: NodeCard, cards: Cards): void {
  for (const name in card.params) {
    const param = card.params[name]!;
    const given = own(node.params, name);
    const value = given === undefined ? param.initial : given;
    if (allows(param, value) || own(node.inputs, name)?.length) continue;
    const message = `${labelNode(id, node, cards)}: the param ${name} is ${quote(value)}.`;
    problems.push(
      problem('BAD_PARAM', { node: id, param: name }, message, `Set it to ${describeAllowed(param)}.`, value),
    );
  }
  for (const name in node.params) {
    if (Object.hasOwn(card.params, name)) continue;
    if (problems.length >= limits.problems) return;
    const names = Object.keys(card.params);
    const message = `${labelNode(id, node, cards)} has no param "${name}".${didYouMean(name, names)}`;
    const remedy = `Remove it or use one of its params: ${listed(names)}.`;
    problems.push(problem('UNKNOWN_PARAM', { node: id, param: name }, message, remedy, node.params[name]));
  }
}

function checkInputs(
  problems: Problem[],
  document: GraphDocument,
  id: string,
  node: GraphNode,
  card: NodeCard,
  cards: Cards,
  follow: (wire: Wire) => Wire | undefined,
): void {
  for (const name in node.inputs) {
    if (problems.length >= limits.problems) return;
    const wires = node.inputs[name]!;
    const arrival = arrivalAt(card, name);
    if (!arrival) {
      const names = [...Object.keys(card.inputs), ...Object.keys(card.params)];
      const message = `${labelNode(id, node, cards)} has no input "${name}".${didYouMean(name, names)}`;
      const remedy = `Connect one of its inputs instead: ${listed(names)}.`;
      problems.push(problem('UNKNOWN_INPUT', { node: id, port: name }, message, remedy, wires));
      continue;
    }
    if (wires.length > 1 && arrival.input?.count !== 'many') {
      const message = `${labelNode(id, node, cards)}: ${wires.length} wires arrive at "${name}", which takes one.`;
      problems.push(problem('TOO_MANY_WIRES', { node: id, port: name }, message, 'Keep one of them.', wires));
    }
    for (const wire of wires) {
      if (problems.length >= limits.problems) return;
      const wrong = wrongWire(document, cards, id, name, wire);
      if (wrong) problems.push(wrong);
    }
  }
  for (const name in card.inputs) {
    const { type, count, min } = card.inputs[name]!;
    const needed = count === 'one' ? 1 : (min ?? 0);
    if (needed === 0) continue;
    const wires = own(node.inputs, name) ?? [];
    const arriving = wires.filter((wire) => follow(wire)).length;
    if (arriving >= needed) continue;
    const muted = arriving < wires.length ? ' The muted node before it passes nothing on.' : '';
    const wanted = needed === 1 ? `a wire of type ${type}` : `${needed} wires of type ${type} and has ${arriving}`;
    const message = `${labelNode(id, node, cards)}: the input "${name}" needs ${wanted}.${muted}`;
    const remedy = `Connect an output of type ${type} to it${muted && ', or unmute the node before it'}.`;
    problems.push(problem('MISSING_INPUT', { node: id, port: name }, message, remedy));
  }
}

/**
 * What is wrong with a wire that arrives at the input or param `name` of node `id`, or undefined: its node, its output,
 * or its type. Does not look for cycles.
 */
export function wrongWire(
  document: GraphDocument,
  cards: Cards,
  id: string,
  name: string,
  wire: Wire,
): Problem | undefined {
  const node = document.nodes[id]!;
  const arrival = arrivalAt(cards.get(node.type)!, name)!;
  const [sourceId, output] = wire;
  const source = own(document.nodes, sourceId);
  const at = { node: id, port: name };
  if (!source) {
    const suggestion = didYouMean(sourceId, Object.keys(document.nodes));
    const message = `${labelNode(id, node, cards)}: the wire into "${name}" starts at node "${sourceId}", which is not in the graph.${suggestion}`;
    return problem('UNKNOWN_NODE', at, message, 'Connect another node, or remove the wire.', wire);
  }
  const sourceCard = cards.get(source.type);
  if (!sourceCard) return undefined; // that node has its own problem
  const port = own(sourceCard.outputs, output);
  if (!port) {
    const outputs = Object.keys(sourceCard.outputs);
    const message = `${labelNode(id, node, cards)}: the wire into "${name}" starts at the output "${output}", which ${labelNode(sourceId, source, cards)} does not have.${didYouMean(output, outputs)}`;
    const remedy = outputs.length > 0 ? `Its outputs are ${listed(outputs)}.` : 'It has no outputs: remove the wire.';
    return problem('UNKNOWN_OUTPUT', at, message, remedy, wire);
  }
  if (takesType(arrival, port.type)) return undefined;
  const wanted = arrivalType(arrival);
  const message = `${labelNode(id, node, cards)}: "${name}" takes ${wanted}, but ${labelNode(sourceId, source, cards)} gives ${port.type} at "${output}".`;
  return problem('TYPE_MISMATCH', at, message, `Connect an output of type ${wanted} instead.`, wire);
}

function checkCycles(problems: Problem[], document: GraphDocument, ids: readonly string[], cards: Cards): void {
  const numbers = new Map(ids.map((id, number) => [id, number]));
  const sources = ids.map((id) => {
    const found: number[] = [];
    for (const name in document.nodes[id]!.inputs) {
      for (const [source] of document.nodes[id]!.inputs[name]!) {
        const number = numbers.get(source);
        if (number !== undefined) found.push(number);
      }
    }
    return found;
  });
  for (const cycle of findCycles(sources).slice(0, limits.problems)) {
    const path = cycle.map((number) => ids[number]!);
    const shown = path.length > 8 ? [...path.slice(0, 7), '...', path.at(-1)] : path;
    const first = path[0]!;
    const label = labelNode(first, document.nodes[first]!, cards);
    const message = `${label} depends on its own result: ${[...shown, first].join(' -> ')}.`;
    problems.push(problem('CYCLE', { node: first }, message, 'Remove one of these wires.', path.slice(0, 100)));
  }
}

function more(): Problem {
  return problem('MORE_PROBLEMS', {}, `Only the first ${limits.problems} problems are listed.`, 'Fix these first.');
}

function badId(id: string): Problem {
  const message = `"${id}" cannot be the id of a node.`;
  const remedy = 'Use letters, digits, - and _, starting with a letter or digit, at most 100.';
  return problem('BAD_ID', { node: id }, message, remedy, id);
}

function unknownType(id: string, node: GraphNode, cards: Cards): Problem {
  const message = `${labelNode(id, node, cards)} is of the type "${node.type}", which this version does not know.${didYouMean(node.type, cards.keys())}`;
  const remedy = 'Correct the type, remove the node, or install a version of Noiseloom that has it.';
  return problem('UNKNOWN_TYPE', { node: id }, message, remedy, node.type);
}

function otherVersion(id: string, node: GraphNode, card: NodeCard, cards: Cards): Problem {
  const message = `${labelNode(id, node, cards)} is version ${node.version} of ${card.type}; this Noiseloom has version ${card.version}.`;
  const newer = node.version > card.version;
  const remedy = newer
    ? 'Install a newer Noiseloom, or put a new node in its place.'
    : 'Open the graph again to upgrade it.';
  return problem('NODE_VERSION', { node: id }, message, remedy, node.version);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'it has none' : names.join(', ');
}
