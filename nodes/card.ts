import type { Param } from './params.ts';
import type { PortType } from './ports.ts';

/** How many wires an input takes: exactly one, at most one, or any number of them in order. */
export type PortCount = 'one' | 'optional' | 'many';

export interface InputPort<Type extends PortType = PortType, Count extends PortCount = PortCount> {
  readonly type: Type;
  readonly count: Count;
  /** For `many`: the fewest wires it needs. */
  readonly min?: number;
  readonly help?: string;
}

export interface OutputPort<Type extends PortType = PortType, List extends boolean = boolean> {
  readonly type: Type;
  /** True where the node gives a list of values; nodes behind it then run once per element. */
  readonly list: List;
  readonly help?: string;
}

/**
 * A node as the editor, the check and the command line know it: plain JSON, no code. Inputs and params share one set of
 * names, because a wire may drive any param.
 */
export interface NodeCard {
  /** `group/name`; the group is the folder of the node and its place in the palette. */
  readonly type: string;
  readonly version: number;
  readonly title: string;
  readonly summary: string;
  /** Paper or library the node follows, e.g. `arXiv 2406.04312, algorithm 1`. */
  readonly source?: string;
  readonly inputs: Readonly<Record<string, InputPort>>;
  readonly params: Readonly<Record<string, Param>>;
  readonly outputs: Readonly<Record<string, OutputPort>>;
}

/** Node types by name: all that checking and editing a graph needs. */
export type Cards = ReadonlyMap<string, NodeCard>;

/** The card of a node definition, fit for JSON and `postMessage`. */
export function describeNode({ type, version, title, summary, source, inputs, params, outputs }: NodeCard): NodeCard {
  const card: NodeCard = {
    type,
    version,
    title,
    summary,
    ...(source === undefined ? {} : { source }),
    inputs,
    params,
    outputs,
  };
  return structuredClone(card);
}
