import type { InputPort, NodeCard, OutputPort, PortCount } from './card.ts';
import type { Files } from './files.ts';
import type { Device } from './ml/device.ts';
import { allows, type Param, type ParamValue } from './params.ts';
import type { ImageLabel, PortType, PortValues, Preview } from './ports.ts';

interface PortNotes {
  readonly help?: string;
}

/** An input that needs exactly one value. */
export function one<Type extends PortType>(type: Type, notes: PortNotes = {}): InputPort<Type, 'one'> {
  return { type, count: 'one', ...notes };
}

/** An input that may stay unconnected; `run` then sees undefined. */
export function optional<Type extends PortType>(type: Type, notes: PortNotes = {}): InputPort<Type, 'optional'> {
  return { type, count: 'optional', ...notes };
}

/** An input that takes any number of wires, and every element of lists on them; `run` sees an array. */
export function many<Type extends PortType>(
  type: Type,
  notes: PortNotes & { readonly min?: number } = {},
): InputPort<Type, 'many'> {
  return { type, count: 'many', ...notes };
}

/** An output that is one value; without notes, its type alone says the same. */
export function output<Type extends PortType>(type: Type, notes: PortNotes = {}): OutputPort<Type, false> {
  return { type, list: false, ...notes };
}

/** An output that is a list: each node behind it runs once per element. */
export function list<Type extends PortType>(type: Type, notes: PortNotes = {}): OutputPort<Type, true> {
  return { type, list: true, ...notes };
}

type Inputs = Readonly<Record<string, InputPort>>;
type Params = Readonly<Record<string, Param>>;
/** Outputs as a node declares them: `images: 'images'`, or `prompts: list('text')`. */
type Outputs = Readonly<Record<string, PortType | OutputPort>>;

type InputValue<Port> = Port extends InputPort<infer Type, infer Count> ? CountedValue<PortValues[Type], Count> : never;
type CountedValue<Value, Count extends PortCount> = Count extends 'many'
  ? readonly Value[]
  : Count extends 'optional'
    ? Value | undefined
    : Value;
type OutputValue<Port> = Port extends PortType
  ? PortValues[Port]
  : Port extends OutputPort<infer Type, infer List>
    ? List extends true
      ? readonly PortValues[Type][]
      : PortValues[Type]
    : never;

/** What `run` is given: an input that may stay unconnected may also be left out. */
export type InputValues<I> = {
  readonly [Name in keyof I as I[Name] extends InputPort<PortType, 'optional'> ? never : Name]: InputValue<I[Name]>;
} & {
  readonly [Name in keyof I as I[Name] extends InputPort<PortType, 'optional'> ? Name : never]?: InputValue<I[Name]>;
};
export type ParamValues<P> = { readonly [Name in keyof P]: ParamValue<P[Name]> };
export type OutputValues<O> = { readonly [Name in keyof O]: OutputValue<O[Name]> };
/** A node without outputs returns nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: `run` of such a node ends without a return statement.
type Result<O> = [keyof O] extends [never] ? void : OutputValues<O>;

/** A file that an output node hands to the shell. */
export interface Artifact {
  /** A plain relative name (see `isPlainName`), e.g. `image-1.png`. */
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  /** For images: what the shell may write beside or into the file. */
  readonly label?: ImageLabel;
}

/** What nodes know of the machine the tensors live on. */
export type NodeDevice = Pick<Device, 'name' | 'description' | 'memory'>;

/** What a node may use besides its inputs and params. There is no disk, no clock, no randomness but from seeds. */
export interface NodeContext {
  /** Fires when the run is cancelled. A loop that awaits `progress` need not check it. */
  readonly signal: AbortSignal;
  readonly device: NodeDevice;
  readonly files: Files;
  /**
   * Call and await once per step of a loop: reports the fraction done in [0, 1], lets the process read its messages now
   * and then, and rejects when the run was cancelled. Free tensors in `finally`. `preview` is called, before the promise
   * settles, only while a shell shows previews, and seldom enough to take a tenth of the time at most. `figures` are
   * points of curves that a shell may draw while the loop runs.
   */
  progress(
    fraction: number,
    text?: string,
    preview?: () => Promise<Preview>,
    figures?: Readonly<Record<string, number>>,
  ): Promise<void>;
  /**
   * Hands a file to the shell. Only nodes without outputs may: they are where a graph ends, and the engine keeps the
   * bytes with the node's cached result, so that an unchanged re-run delivers the same files. Any node may once `signal`
   * has fired, before it rejects: its results so far would be lost otherwise.
   */
  save(artifact: Artifact): void;
  /** Tells the user a sentence about the result although nothing failed; repeated sentences are dropped. */
  remark(sentence: string): void;
}

interface Declaration<I extends Inputs, P extends Params, O extends Outputs> {
  /** `group/name`, lower case with hyphens. */
  readonly type: string;
  /** Counts up from 1 whenever the result for the same params changes, or params change their meaning. */
  readonly version: number;
  readonly title: string;
  readonly summary: string;
  readonly source?: string;
  readonly inputs: I;
  readonly params: P;
  readonly outputs: O;
  /** For every earlier version v: old params -> params of version v + 1. Pure; must not change its argument. */
  readonly upgrades?: Readonly<Record<number, (params: Readonly<Record<string, unknown>>) => Record<string, unknown>>>;
  /** Locations (see `Files.locate`) that `run` reads: their content becomes part of the node's cache key. */
  files?(params: ParamValues<NoInfer<P>>): readonly string[];
  /**
   * The node itself: a function of its inputs, params and the content of its files, the same each time. It borrows its
   * inputs (never disposes of them or writes to them) and gives away its results. May return a promise.
   * Throws UserError for what the user can fix.
   */
  run(
    inputs: InputValues<NoInfer<I>>,
    params: ParamValues<NoInfer<P>>,
    context: NodeContext,
  ): Result<NoInfer<O>> | Promise<Result<NoInfer<O>>>;
}

/** A node without the types of its declaration: what the engine runs. */
export interface NodeDefinition extends NodeCard {
  readonly upgrades?: Readonly<Record<number, (params: Readonly<Record<string, unknown>>) => Record<string, unknown>>>;
  files?(params: Readonly<Record<string, unknown>>): readonly string[];
  run(
    inputs: Readonly<Record<string, unknown>>,
    params: Readonly<Record<string, unknown>>,
    context: NodeContext,
  ): unknown;
}

/** A node as its own file and its tests see it: the card, and `run` with the types of its declaration. */
export type DefinedNode<I extends Inputs, P extends Params, O extends Outputs> = Pick<NodeDefinition, 'outputs'> &
  Omit<Declaration<I, P, O>, 'outputs'>;

/**
 * Declares a node. The types of `run`'s arguments and result follow from the declaration.
 * Throws a plain Error where the declaration contradicts itself, which is a mistake in the node's file.
 */
export function defineNode<const I extends Inputs, const P extends Params, const O extends Outputs>(
  declaration: Declaration<I, P, O>,
): DefinedNode<I, P, O> {
  const mistake = mistakeIn(declaration);
  if (mistake) throw new Error(`Node ${declaration.type}: ${mistake}.`);
  const outputs = Object.entries(declaration.outputs).map(([name, port]): [string, OutputPort] => [
    name,
    typeof port === 'string' ? output(port) : port,
  ]);
  return Object.freeze({ ...declaration, outputs: Object.freeze(Object.fromEntries(outputs)) });
}

function mistakeIn({
  type,
  version,
  inputs,
  params,
  outputs,
  upgrades,
}: Omit<Declaration<Inputs, Params, Outputs>, 'run' | 'files'>) {
  if (!/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/.test(type)) return 'the type is not of the form group/some-name';
  if (!Number.isSafeInteger(version) || version < 1) return `version ${version} is not a whole number from 1`;
  const names = [...Object.keys(inputs), ...Object.keys(params), ...Object.keys(outputs)];
  const badName = names.find((name) => !/^[a-z][a-zA-Z0-9]*$/.test(name));
  if (badName !== undefined) return `"${badName}" is not a camelCase name`;
  const twice = Object.keys(inputs).find((name) => Object.hasOwn(params, name));
  if (twice !== undefined) return `"${twice}" is both an input and a param`;
  const wrong = Object.entries(params).find(
    ([, param]) => param.kind !== 'model' && param.kind !== 'file' && !allows(param, param.initial),
  );
  if (wrong) return `the initial value of "${wrong[0]}" is not allowed by the param itself`;
  for (let from = 1; from < version; from++) if (!upgrades?.[from]) return `no upgrade from version ${from}`;
  if (Object.keys(upgrades ?? {}).length > version - 1) return `an upgrade from a version past ${version - 1}`;
  return undefined;
}

/** The nodes of a library by type. */
export type Library = ReadonlyMap<string, NodeDefinition>;

/** Makes a library from an explicit list. Throws a plain Error where two nodes claim one type. */
export function libraryOf(nodes: readonly NodeDefinition[]): Library {
  const library = new Map(nodes.map((node) => [node.type, node]));
  if (library.size !== nodes.length) throw new Error('Two nodes of the library have the same type.');
  return library;
}
