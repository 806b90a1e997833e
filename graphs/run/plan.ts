import type { PortCount } from '../../nodes/card.ts';
import type { Library, NodeDefinition } from '../../nodes/defineNode.ts';
import { UserError } from '../../nodes/errors.ts';
import { type GraphDocument, type GraphNode, own, type Wire } from '../document/document.ts';
import { labelNode } from '../document/problems.ts';
import { arrivalNames, wireFollower } from '../document/wires.ts';
import { findNode } from '../edit/overrides.ts';
import { flattenGraph } from './flatten.ts';

/** Where a value comes from: the number of an earlier step, and one of its outputs. */
export interface Source {
  readonly step: number;
  readonly output: string;
}

/** An input of a step, or a param driven by a wire. */
export interface StepInput {
  readonly name: string;
  readonly count: PortCount | 'param';
  readonly sources: readonly Source[];
}

export interface Step {
  readonly id: string;
  readonly node: GraphNode;
  readonly definition: NodeDefinition;
  /** Every param, with its initial value where the document has none. */
  readonly params: Readonly<Record<string, unknown>>;
  /** What is connected, in the order of the definition. */
  readonly inputs: readonly StepInput[];
  /** Whether the run was asked for this node, rather than only needing it. */
  readonly target: boolean;
}

/** How sentences name the node of a step: its title and its id. */
export function labelStep({ id, node, definition }: Pick<Step, 'id' | 'node' | 'definition'>): string {
  return `"${node.title ?? definition.title}" (${id})`;
}

/** What to run, in order: every step comes after its sources. */
export interface Plan {
  readonly steps: readonly Step[];
  /** For each step the number of the last step that reads it, or its own number where none does. */
  readonly lastUse: readonly number[];
}

/**
 * Plans a run of a checked document: the targets (ids or unique titles; by default every node that nothing reads) and
 * all they need, muted nodes left out, subgraphs taken apart. What params on wires need comes first, so that a value which
 * a param does not take is known before anything long runs; else depth first, so values live shortly. Linear, and without
 * recursion. Throws UserError `UNKNOWN_NODE`, `UNKNOWN_TYPE`, `MUTED`, `CYCLE`.
 */
export function planRun(document: GraphDocument, library: Library, targets?: readonly string[]): Plan {
  const flat = flattenGraph(document, library);
  const follow = wireFollower(flat, library);
  const wanted = new Set(
    targets ? targets.flatMap((name) => nodesCalled(document, flat, name, library)) : findSinks(flat, follow),
  );
  const planned: PlannedNode[] = [];
  const known = new Map<string, PlannedNode>();
  const stack: PlannedNode[] = [];
  const open = (id: string) => {
    const node = openNode(flat, library, follow, id, wanted.has(id));
    known.set(id, node);
    stack.push(node);
  };
  for (const target of wanted) {
    if (known.has(target)) continue;
    open(target);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      if (top.next < top.waits.length) {
        const { id } = top.waits[top.next++]!;
        const source = known.get(id);
        if (!source) open(id);
        else if (!source.planned) throw cycleError(top.step);
        continue;
      }
      stack.pop();
      top.planned = true;
      planned.push(top);
    }
  }
  return numberSteps(putParamsFirst(planned, known));
}

/** The same nodes, each after its sources still, with all first that params on wires need. */
function putParamsFirst(planned: readonly PlannedNode[], known: ReadonlyMap<string, PlannedNode>): PlannedNode[] {
  const first = new Set<PlannedNode>();
  for (const node of planned.toReversed()) {
    for (const { id, forParam } of node.waits) if (forParam || first.has(node)) first.add(known.get(id)!);
  }
  return [...planned.filter((node) => first.has(node)), ...planned.filter((node) => !first.has(node))];
}

function numberSteps(planned: readonly PlannedNode[]): Plan {
  const numbers = new Map<string, number>();
  const lastUse: number[] = [];
  for (const [number, { step, waits }] of planned.entries()) {
    for (const source of waits) {
      source.step = numbers.get(source.id)!;
      lastUse[source.step] = number;
    }
    numbers.set(step.id, number);
    lastUse.push(number);
  }
  return { steps: planned.map(({ step }) => step), lastUse };
}

/** The nodes of the flat graph that a target names: one, or all inside a subgraph. */
function nodesCalled(document: GraphDocument, flat: GraphDocument, name: string, library: Library): string[] {
  if (Object.hasOwn(flat.nodes, name)) return [name];
  const id = findNode(document, name, library);
  const inside = document === flat ? [] : Object.keys(flat.nodes).filter((inner) => inner.startsWith(`${id}/`));
  if (inside.length > 0) return inside;
  const node = document.nodes[id]!;
  const label = labelNode(id, node, library);
  if (node.muted) throw new UserError('MUTED', `${label} is muted. Unmute it to run it.`, { at: { node: id } });
  return [id];
}

/** A source whose step gets its number when the order is known. */
interface Awaited extends Source {
  step: number;
  readonly id: string;
  readonly forParam: boolean;
}

/** A node that is planned when its sources are. */
interface PlannedNode {
  readonly step: Step;
  readonly waits: readonly Awaited[];
  /** The first of `waits` that was not looked at. */
  next: number;
  planned: boolean;
}

function openNode(
  document: GraphDocument,
  library: Library,
  follow: (wire: Wire) => Wire | undefined,
  id: string,
  target: boolean,
): PlannedNode {
  const node = own(document.nodes, id);
  if (!node) throw new UserError('UNKNOWN_NODE', `The graph has no node "${id}".`, { at: { node: id } });
  const definition = library.get(node.type);
  const at = { node: id };
  if (!definition) {
    throw new UserError('UNKNOWN_TYPE', `${labelNode(id, node, library)} is of the unknown type "${node.type}".`, {
      at,
    });
  }
  if (node.muted)
    throw new UserError('MUTED', `${labelNode(id, node, library)} is muted. Unmute it to run it.`, { at });
  const inputs: StepInput[] = [];
  const waits: Awaited[] = [];
  for (const name of arrivalNames(definition)) {
    const wires = own(node.inputs, name);
    if (!wires) continue;
    const sources: Awaited[] = [];
    const count = definition.inputs[name]?.count ?? 'param';
    for (const wire of wires) {
      const followed = follow(wire);
      if (!followed) continue;
      const source = { step: -1, output: followed[1], id: followed[0], forParam: count === 'param' };
      sources.push(source);
      waits.push(source);
    }
    if (sources.length > 0) inputs.push({ name, count, sources });
  }
  const step = { id, node, definition, params: fillParams(node, definition), inputs, target };
  return { step, waits, next: 0, planned: false };
}

function fillParams(node: GraphNode, definition: NodeDefinition): Step['params'] {
  let params: Record<string, unknown> | undefined;
  for (const name in definition.params) {
    if (Object.hasOwn(node.params, name)) continue;
    params ??= { ...node.params };
    params[name] = definition.params[name]!.initial;
  }
  return params ?? node.params;
}

/** The nodes that run although nothing reads them, in the order of the document. */
function findSinks(document: GraphDocument, follow: (wire: Wire) => Wire | undefined): string[] {
  const read = new Set<string>();
  const ids: string[] = [];
  for (const id of Object.keys(document.nodes)) {
    const { muted, inputs } = document.nodes[id]!;
    if (muted) continue;
    ids.push(id);
    for (const name in inputs) {
      for (const wire of inputs[name]!) {
        const source = follow(wire);
        if (source) read.add(source[0]);
      }
    }
  }
  return ids.filter((id) => !read.has(id));
}

function cycleError(step: Step): UserError {
  const message = `${labelStep(step)} depends on its own result. Remove one of the wires in the cycle.`;
  return new UserError('CYCLE', message, { at: { node: step.id } });
}
