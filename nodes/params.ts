import { isFileName, LONGEST_FILE_NAME } from './files.ts';

/**
 * The kinds of parameter a node can declare. One declaration drives the control in the editor, the check, `--set` on
 * the command line and the printed documentation, so a param is plain JSON and the rules of each kind are functions here.
 */

/** Characters of a text: graphs are untrusted. */
export const LONGEST_TEXT = 1_000_000;
/** Letters of a text that may be another name of an option. */
const LONGEST_ALIAS = 100;

interface Described {
  /** One sentence for people: what the param does. */
  readonly help: string;
}

interface Numeric extends Described {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
  /** Names for special values, which are read and shown in their place, e.g. `{ model: 0 }`. */
  readonly words?: Readonly<Record<string, number>>;
}

export interface IntegerParam extends Numeric {
  readonly kind: 'integer';
}

export interface NumberParam extends Numeric {
  readonly kind: 'number';
  /** What one click of a stepper adds; any value between min and max is allowed. */
  readonly step?: number;
}

export interface TextParam extends Described {
  readonly kind: 'text';
  readonly initial: string;
  readonly multiline?: boolean;
  /** It is a prompt, whose tokens an editor counts. */
  readonly isPrompt?: boolean;
}

export interface ChoiceParam<Option extends string = string> extends Described {
  readonly kind: 'choice';
  readonly initial: Option;
  readonly options: readonly Option[];
  /** What other programs call an option. Names are read whatever their case, spaces and signs: `euler_a` is `Euler a`. */
  readonly aliases?: Readonly<Partial<Record<Option, readonly string[]>>>;
  /** Another choice of the node that names may end with: `DPM++ SDE Karras` is `DPM++ SDE` with the schedule `Karras`. */
  readonly endsWith?: string;
}

export interface BooleanParam extends Described {
  readonly kind: 'boolean';
  readonly initial: boolean;
}

/** An integer in [0, 2^53): where all randomness comes from. Where people type -1, shells draw one and write it down. */
export interface SeedParam extends Described {
  readonly kind: 'seed';
  readonly initial: number;
}

/** What a model is for: what fits into one field fits into another of the same kind. */
export const modelKinds = [
  'generator',
  'controlnet',
  'lora',
  'decoder',
  'clip',
  'pick-score',
  'hps',
  'image-reward',
  'aesthetic',
  'hed',
  'line-art',
  'segmentation',
  'depth',
  'language',
] as const;
export type ModelKind = (typeof modelKinds)[number];

/** Where a model lies: `builtin:NAME`, a folder, a checkpoint file, or a hub name `owner/name` (see `Files.locate`). */
export interface ModelParam extends Described {
  readonly kind: 'model';
  readonly initial: string;
  /** The kind of model that is read here. */
  readonly takes: ModelKind;
  /** Whether it may be empty, for none. */
  readonly optional?: boolean;
}

/** Where a file (or, with `folder`, also a folder of such files) lies. */
export interface FileParam extends Described {
  readonly kind: 'file';
  readonly initial: string;
  /** Endings without the dot, lower case. */
  readonly accept: readonly string[];
  readonly folder?: boolean;
}

/** The name of files that a node writes, with or without their ending; `/` makes folders. */
export interface FileNameParam extends Described {
  readonly kind: 'file-name';
  readonly initial: string;
  /** Words that mean something in braces: `number` is written `{number}`. */
  readonly placeholders?: readonly string[];
}

export type Param =
  | IntegerParam
  | NumberParam
  | TextParam
  | ChoiceParam
  | BooleanParam
  | SeedParam
  | ModelParam
  | FileParam
  | FileNameParam;

/** The type of a param's value: number, boolean, string, or the union of a choice's options. */
export type ParamValue<P> =
  P extends ChoiceParam<infer Option> ? Option : P extends { readonly initial: infer Value } ? Widened<Value> : never;
type Widened<Value> = Value extends number ? number : Value extends string ? string : boolean;

type Declared<P> = Omit<P, 'kind'>;

export function integer(param: Declared<IntegerParam>): IntegerParam {
  return { kind: 'integer', ...param };
}
export function number(param: Declared<NumberParam>): NumberParam {
  return { kind: 'number', ...param };
}
export function text(param: Declared<TextParam>): TextParam {
  return { kind: 'text', ...param };
}
export function choice<const Option extends string>(
  param: Omit<ChoiceParam<Option>, 'kind' | 'initial'> & { readonly initial: NoInfer<Option> },
): ChoiceParam<Option> {
  return { kind: 'choice', ...param };
}
export function boolean(param: Declared<BooleanParam>): BooleanParam {
  return { kind: 'boolean', ...param };
}
export function seed(param: Declared<SeedParam>): SeedParam {
  return { kind: 'seed', ...param };
}
export function model(param: Declared<ModelParam>): ModelParam {
  return { kind: 'model', ...param };
}
export function file(param: Declared<FileParam>): FileParam {
  return { kind: 'file', ...param };
}
export function fileName(param: Declared<FileNameParam>): FileNameParam {
  return { kind: 'file-name', ...param };
}

/** Says in words what a param allows, e.g. `a whole number from 1 to 100`. */
export function describeAllowed(param: Param): string {
  switch (param.kind) {
    case 'integer':
      return `a whole number from ${param.min} to ${param.max}${formatUnit(param)}${formatWords(param)}`;
    case 'number':
      return `a number from ${param.min} to ${param.max}${formatUnit(param)}${formatWords(param)}`;
    case 'text':
      return `text of at most ${LONGEST_TEXT} letters`;
    case 'choice':
      return `one of ${param.options.map((option) => `"${option}"`).join(', ')}`;
    case 'boolean':
      return 'true or false';
    case 'seed':
      return `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
    case 'model':
      return `a model: builtin:NAME, a folder, a checkpoint file, or a hub name owner/name${param.optional ? ', or nothing' : ''}`;
    case 'file':
      return `the path of a ${param.accept.join(', ')} file${param.folder ? ' or of a folder of them' : ''}`;
    case 'file-name':
      return `a file name of letters, digits, - and _${formatPlaceholders(param)}, of at most ${LONGEST_FILE_NAME} bytes, that every system takes`;
  }
}

function formatUnit(param: IntegerParam | NumberParam): string {
  return param.unit === undefined ? '' : ` ${param.unit}`;
}

function formatWords({ words = {} }: IntegerParam | NumberParam): string {
  return Object.entries(words)
    .map(([word, value]) => `, or "${word}", which is ${value}`)
    .join('');
}

function formatPlaceholders({ placeholders = [] }: FileNameParam): string {
  return placeholders.length === 0 ? '' : ` with ${placeholders.map((word) => `{${word}}`).join(', ')} in it`;
}

/** Whether a value is allowed for a param. */
export function allows(param: Param, value: unknown): boolean {
  switch (param.kind) {
    case 'integer':
      return Number.isSafeInteger(value) && inRange(param, value as number);
    case 'number':
      return Number.isFinite(value) && inRange(param, value as number);
    case 'text':
      return typeof value === 'string' && value.length <= LONGEST_TEXT;
    case 'choice':
      return param.options.includes(value as string);
    case 'boolean':
      return typeof value === 'boolean';
    case 'seed':
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case 'model':
    case 'file': {
      const mayBeEmpty = param.kind === 'model' && param.optional;
      return (
        typeof value === 'string' &&
        (value !== '' || mayBeEmpty === true) &&
        value.length <= LONGEST_TEXT &&
        !value.includes('\0')
      );
    }
    case 'file-name':
      return typeof value === 'string' && value.length <= LONGEST_TEXT && isFileName(value, param.placeholders);
  }
}

function inRange(param: IntegerParam | NumberParam, value: number): boolean {
  return value >= param.min && value <= param.max;
}

/**
 * Reads what someone typed (`--set sample.steps=20`) as a value of the param's kind. What cannot be read comes back as
 * the text itself, which `allows` then refuses.
 */
export function parseParam(param: Param, typed: string): string | number | boolean {
  switch (param.kind) {
    case 'integer':
    case 'number':
      return Object.entries(param.words ?? {}).find(([word]) => word === typed.trim())?.[1] ?? numberIn(typed);
    case 'seed':
      return numberIn(typed);
    case 'choice':
      return optionOf(param, typed);
    case 'boolean':
      if (/^(true|yes|on)$/i.test(typed)) return true;
      return /^(false|no|off)$/i.test(typed) ? false : typed;
    default:
      return typed;
  }
}

/** The option that a text means: itself, or one that has the text as a name. A text that means none comes back as it is. */
export function optionOf({ options, aliases }: ChoiceParam, text: string): string {
  if (options.includes(text) || !aliases || text.length > LONGEST_ALIAS) return text;
  const spelled = bareName(text);
  const isMeant = (option: string) => [option, ...(aliases[option] ?? [])].some((name) => bareName(name) === spelled);
  return options.find(isMeant) ?? text;
}

/**
 * The values that a text means which names an option and, after it, one of the param `endsWith`; `{}` where it is no such pair.
 */
export function optionPair(
  params: Readonly<Record<string, Param>>,
  name: string,
  text: string,
): Readonly<Record<string, string>> {
  const param = params[name];
  const other = param?.kind === 'choice' && param.endsWith !== undefined ? params[param.endsWith] : undefined;
  if (param?.kind !== 'choice' || other?.kind !== 'choice') return {};
  if ([param, other].some((each) => allows(each, optionOf(each, text)))) return {};
  const space = Math.max(text.lastIndexOf(' '), text.lastIndexOf('_'));
  const [first, second] = [optionOf(param, text.slice(0, space)), optionOf(other, text.slice(space + 1))];
  return space > 0 && allows(param, first) && allows(other, second) ? { [name]: first, [param.endsWith!]: second } : {};
}

/** A name without what programs spell differently: `DPM++ 2M` and `dpmpp_2m` are one. */
function bareName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('+', 'p')
    .replace(/[^a-z0-9]/g, '');
}

function numberIn(typed: string): number | string {
  return typed.trim() !== '' && Number.isFinite(Number(typed)) ? Number(typed) : typed;
}

/** A value as it is shown and can be typed: by its word where the param has one for it. */
export function formatParam(param: Param, value: unknown): string {
  const words = 'words' in param ? Object.entries(param.words ?? {}) : [];
  return words.find(([, meant]) => meant === value)?.[0] ?? String(value);
}

/** The type of wire that drives a param: text for the kinds that hold text, number for all others, which also take text. */
export function wireTypeOf(param: Param): 'text' | 'number' {
  switch (param.kind) {
    case 'text':
    case 'choice':
    case 'model':
    case 'file':
    case 'file-name':
      return 'text';
    default:
      return 'number';
  }
}

/**
 * The value of a param driven by a wire: a text is read as if it were typed, a number drives a boolean as 0 or 1. Not yet
 * checked by `allows`.
 */
export function paramFromWire(param: Param, value: unknown): unknown {
  if (typeof value === 'string') return parseParam(param, value);
  return param.kind === 'boolean' && (value === 0 || value === 1) ? value === 1 : value;
}
