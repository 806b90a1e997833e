import type { Library, NodeDefinition } from '../../nodes/defineNode.ts';
import { type ErrorPlace, UserError } from '../../nodes/errors.ts';
import { optionOf, optionPair } from '../../nodes/params.ts';
import { measureJson } from '../../nodes/parseJson.ts';
import { escapeControls, quote } from '../../nodes/quote.ts';
import { repeatedNames } from '../../nodes/repeatedNames.ts';
import { checkGraph } from './check.ts';
import {
  FORMAT,
  type Form,
  type GraphDocument,
  type GraphNode,
  type Json,
  limits,
  own,
  type Subgraph,
  VERSION,
  type Wire,
} from './document.ts';
import { migrateDocument } from './migrations.ts';
import { type Problem, problem } from './problems.ts';

export interface OpenedGraph {
  readonly document: GraphDocument;
  /** What keeps the graph from running; see `checkGraph`. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the text of a graph: JSON, format, version, migrations of the document, upgrades of each node, check. What is
 * wrong with the graph itself becomes problems; nodes of unknown types and fields of unknown names are kept untouched.
 * Throws UserError only where there is no graph to show: `TOO_LARGE`, `NOT_JSON`, `NOT_A_GRAPH`, `TOO_NEW`.
 */
export function readGraph(text: string, library: Library): OpenedGraph {
  const raw = parse(text);
  const record = isRecord(raw) ? raw : {};
  if (record.format !== FORMAT) {
    const got = 'format' in record ? `its format is ${quote(record.format)}` : 'it has no format';
    throw new UserError(
      'NOT_A_GRAPH',
      `This is not a Noiseloom graph: ${got}, where "${FORMAT}" is needed.${foreignGraph(record)}`,
    );
  }
  const { version } = record;
  if (!isVersion(version)) {
    const got = quote(version);
    throw new UserError('NOT_A_GRAPH', `The version of a graph is a whole number from 1; this one has ${got}.`);
  }
  if (version > VERSION) {
    const message = `This graph has format version ${version}; this Noiseloom reads up to version ${VERSION}. Install a Noiseloom that reads format version ${version}: the newest release does.`;
    throw new UserError('TOO_NEW', message);
  }
  const repeated = repeatedNames(text, limits.problems).map(writtenTwice);
  return readDocument(migrateDocument(record, VERSION), library, repeated);
}

/** The problem of a name that an object of the graph has more than once. */
function writtenTwice(path: readonly string[]): Problem {
  const inside = path[0] === 'subgraphs' ? 2 : 0; // subgraphs, NAME, nodes, ID, params, NAME
  const [nodes, id, part, name] = path.slice(inside);
  const at: ErrorPlace =
    nodes === 'nodes' && id !== undefined
      ? {
          node: inside ? `subgraph/${path[1]}/${id}` : id,
          ...(part === 'params' && name !== undefined ? { param: name } : {}),
          ...(part === 'inputs' && name !== undefined ? { port: name } : {}),
        }
      : {};
  const owner = path.length === 1 ? 'The graph' : `${path.slice(0, -1).map(shortened).join('.')} of the graph`;
  const message = `${owner} has two entries called "${shortened(path.at(-1)!)}", of which only the last would count.`;
  return problem('REPEATED_NAME', at, message, 'Give one of them another name, or remove it.');
}

function shortened(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}...` : name;
}

function readDocument(raw: Readonly<Record<string, unknown>>, library: Library, problems: Problem[]): OpenedGraph {
  if (!isRecord(raw.nodes))
    throw new UserError('NOT_A_GRAPH', 'The graph has no "nodes": an object of nodes by their ids.');
  const inside = isRecord(raw.subgraphs)
    ? Object.values(raw.subgraphs).map((each) => (isRecord(each) ? each.nodes : {}))
    : [];
  const count = [raw.nodes, ...inside].reduce((sum: number, nodes) => sum + Object.keys(nodes ?? {}).length, 0);
  if (count > limits.nodes) {
    throw new UserError('TOO_LARGE', `The graph has ${count} nodes; at most ${limits.nodes} are allowed.`);
  }
  const { subgraphs, form, ...level } = raw;
  const malformed = (field: string, value: unknown, remedy: string, at: ErrorPlace = {}) => {
    if (problems.length >= limits.problems) return;
    const message = `${field} is ${shown(value)}.`;
    problems.push(problem('BAD_SHAPE', at, message, remedy, value as Json | undefined));
  };
  const document = {
    ...readLevel(level, 'the graph', '', library, malformed, problems),
    ...readForm(form, malformed),
    ...(subgraphs === undefined ? {} : { subgraphs: readSubgraphs(subgraphs, library, malformed, problems) }),
  } as unknown as GraphDocument;
  return { document, problems: [...problems, ...checkGraph(document, library)] };
}

type Malformed = (field: string, value: unknown, remedy: string, at?: ErrorPlace) => void;

/** Title, notes, frames and nodes, of a graph or of a subgraph. */
function readLevel(
  { title, notes, frames, nodes, ...rest }: Readonly<Record<string, unknown>>,
  of: string,
  prefix: string,
  library: Library,
  malformed: Malformed,
  problems: Problem[],
): Pick<Subgraph, 'title' | 'notes' | 'frames' | 'nodes'> {
  const read = Object.entries(isRecord(nodes) ? nodes : {}).map(
    ([id, node]) => [id, readNode(`${prefix}${id}`, node, library, problems)] as const,
  );
  if (title !== undefined && typeof title !== 'string') {
    malformed(`The title of ${of}`, title, 'Write a text, or leave it out.');
  }
  for (const [field, value] of Object.entries({ notes, frames })) {
    if (value !== undefined && !Array.isArray(value)) {
      malformed(`The ${field} of ${of}`, value, 'Write a list, or leave it out.');
    }
  }
  return {
    ...rest,
    title: typeof title === 'string' ? title : '',
    ...(Array.isArray(notes) ? { notes } : {}),
    ...(Array.isArray(frames) ? { frames } : {}),
    nodes: Object.fromEntries(read),
  };
}

function readForm(raw: unknown, malformed: Malformed): { readonly form?: Form } {
  if (raw === undefined) return {};
  const { fields, results } = isRecord(raw) ? raw : {};
  const isField = (field: unknown) =>
    isRecord(field) && typeof field.name === 'string' && typeof field.param === 'string';
  const isGood =
    Array.isArray(fields) &&
    fields.every(isField) &&
    Array.isArray(results) &&
    results.every((id) => typeof id === 'string');
  if (isGood) return { form: raw as unknown as Form };
  malformed(
    'The form of the graph',
    raw,
    'Write {"fields": [{"name": "prompt", "param": "text.text"}], "results": ["save"]}.',
  );
  return {};
}

function readSubgraphs(raw: unknown, library: Library, malformed: Malformed, problems: Problem[]) {
  const remedy = 'Write subgraphs as an object of {title, inputs, outputs, nodes} by their names.';
  if (!isRecord(raw)) {
    malformed('The subgraphs of the graph', raw, remedy);
    return {};
  }
  const subgraphs = Object.entries(raw).flatMap(([name, each]): [string, Subgraph][] => {
    const of = `the subgraph "${name}"`;
    if (!isRecord(each) || !isRecord(each.nodes)) {
      malformed(`The subgraph "${name}"`, each, remedy);
      return [];
    }
    const { inputs, outputs, ...level } = each;
    const ports = Object.entries({ inputs, outputs }).map(([side, given]) => {
      const isGood = isRecord(given) && Object.values(given).every((type) => typeof type === 'string');
      if (!isGood) malformed(`The ${side} of ${of}`, given, 'Write an object of types: {"prompt": "text"}.');
      return [side, isGood ? given : {}];
    });
    const prefix = `subgraph/${name}/`;
    return [[name, { ...readLevel(level, of, prefix, library, malformed, problems), ...Object.fromEntries(ports) }]];
  });
  return Object.fromEntries(subgraphs);
}

/** One node with every field of the right shape: what is missing is filled in, what is malformed becomes a problem. */
function readNode(id: string, raw: unknown, library: Library, problems: Problem[]): GraphNode {
  const record = isRecord(raw) ? raw : {};
  const malformed = (field: string, value: unknown, remedy: string) => {
    if (problems.length >= limits.problems) return;
    const message = `Node "${id}": ${field} is ${shown(value)}.`;
    problems.push(problem('BAD_SHAPE', { node: id }, message, remedy, value as Json | undefined));
  };
  if (!isRecord(raw)) malformed('the node', raw, 'Write a node as an object with type, version, params and inputs.');
  const { type, version, title, muted, collapsed, colour, width, position, params, inputs, ...unknown } = record;
  if (typeof type !== 'string') malformed('type', type, 'Write a type such as "input/text".');
  if (!isVersion(version)) malformed('version', version, 'Write the version of the node, a whole number from 1.');
  if (params !== undefined && !isRecord(params)) malformed('params', params, 'Write params as an object.');
  for (const [field, value] of Object.entries({ muted, collapsed })) {
    if (value !== undefined && typeof value !== 'boolean') malformed(field, value, 'Write true or false.');
  }
  if (title !== undefined && typeof title !== 'string') malformed('title', title, 'Write a text, or leave it out.');
  if (colour !== undefined && typeof colour !== 'string') malformed('colour', colour, 'Write a name, or leave it out.');
  if (width !== undefined && !Number.isFinite(width)) malformed('width', width, 'Write a number, or leave it out.');
  if (position !== undefined && !isPosition(position)) malformed('position', position, 'Write two numbers: [x, y].');
  const node: GraphNode = {
    ...unknown,
    type: typeof type === 'string' ? type : '',
    version: isVersion(version) ? version : 1,
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof muted === 'boolean' ? { muted } : {}),
    ...(typeof collapsed === 'boolean' ? { collapsed } : {}),
    ...(typeof colour === 'string' ? { colour } : {}),
    ...(typeof width === 'number' && Number.isFinite(width) ? { width } : {}),
    position: isPosition(position) ? position : [0, 0],
    params: isRecord(params) ? (params as Record<string, Json>) : {},
    inputs: readInputs(inputs, malformed),
  };
  const definition = library.get(node.type);
  if (!definition) return node;
  const upgraded = node.version < definition.version ? upgradeNode(id, node, definition, problems) : node;
  return withOptions(upgraded, definition);
}

/** The node with the choices that other programs call otherwise by their names here. */
function withOptions(node: GraphNode, { params }: NodeDefinition): GraphNode {
  const renamed = Object.entries(node.params).flatMap(([name, value]): [string, string][] => {
    const param = own(params, name);
    if (param?.kind !== 'choice' || typeof value !== 'string') return [];
    const pair = Object.entries(optionPair(params, name, value));
    if (pair.length > 0) return pair;
    const option = optionOf(param, value);
    return option === value ? [] : [[name, option]];
  });
  return renamed.length === 0 ? node : { ...node, params: { ...node.params, ...Object.fromEntries(renamed) } };
}

function readInputs(
  raw: unknown,
  malformed: (field: string, value: unknown, remedy: string) => void,
): GraphNode['inputs'] {
  if (raw === undefined) return {};
  const remedy = 'Write inputs as an object of lists of wires: {"prompt": [["text", "text"]]}.';
  if (!isRecord(raw)) {
    malformed('inputs', raw, remedy);
    return {};
  }
  const inputs = Object.entries(raw).map(([name, wires]): [string, Wire[]] => {
    if (!Array.isArray(wires)) {
      malformed(`the input "${name}"`, wires, remedy);
      return [name, []];
    }
    for (const wire of wires) if (!isWire(wire)) malformed(`a wire into "${name}"`, wire, remedy);
    return [name, wires.every(isWire) ? wires : wires.filter(isWire)];
  });
  return Object.fromEntries(inputs);
}

/** The node with its params brought up to the library's version, one version after the other. */
function upgradeNode(id: string, node: GraphNode, definition: NodeDefinition, problems: Problem[]): GraphNode {
  let params: Readonly<Record<string, unknown>> = node.params;
  try {
    for (let from = node.version; from < definition.version; from++) params = definition.upgrades![from]!(params);
  } catch (error) {
    const message = `Node "${id}": its params of version ${node.version} cannot be brought to version ${definition.version} of ${node.type}: ${error instanceof Error ? error.message : error}.`;
    problems.push(problem('BAD_UPGRADE', { node: id }, message, 'Put a new node in its place.', node.params));
    return node;
  }
  return { ...node, version: definition.version, params: params as Record<string, Json> };
}

function parse(text: string): unknown {
  if (text.length > limits.text) {
    throw new UserError(
      'TOO_LARGE',
      `The text of the graph has ${text.length} characters; at most ${limits.text} are allowed.`,
    );
  }
  const { depth, values } = measureJson(text);
  if (depth > limits.depth) {
    throw new UserError('TOO_LARGE', `The text of the graph nests brackets more than ${limits.depth} deep.`);
  }
  if (values > limits.values) {
    throw new UserError('TOO_LARGE', `The graph has ${values} values; at most ${limits.values} are allowed.`);
  }
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (cause) {
    const reason = escapeControls(cause instanceof Error ? cause.message : String(cause));
    throw new UserError('NOT_JSON', `The graph is not readable as JSON: ${reason}.`, { cause });
  }
}

/** A value in few letters. */
function shown(value: unknown): string {
  return value === undefined ? 'missing' : quote(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isWire(value: unknown): value is Wire {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string';
}

function isPosition(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
}

/** Of the workflows that ComfyUI saves: its editor lists nodes and links, its API names the class of each node. */
function foreignGraph(record: Readonly<Record<string, unknown>>): string {
  const isWorkflow = Array.isArray(record.nodes) && Array.isArray(record.links);
  const isPrompt = Object.values(record).some((node) => isRecord(node) && typeof node.class_type === 'string');
  return isWorkflow || isPrompt ? ' It looks like a workflow of ComfyUI, which cannot be read.' : '';
}
