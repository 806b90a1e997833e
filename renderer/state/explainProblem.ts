import type { ModelList } from '../../electron/host/ipc.ts';
import { type GraphDocument, type GraphNode, own } from '../../graphs/document/document.ts';
import { nodeAt } from '../../graphs/document/levels.ts';
import { type Problem, titleOf } from '../../graphs/document/problems.ts';
import type { Cards } from '../../nodes/card.ts';
import type { FileParam, ModelParam } from '../../nodes/params.ts';
import { messages } from './messages.ts';
import { isHubName } from './modelUses.ts';

/** What mends a problem, as a button offers it. `node` is an id in the whole graph. */
export type Mend =
  | { readonly kind: 'download'; readonly model: string }
  | { readonly kind: 'useBuiltIn'; readonly node: string; readonly param: string; readonly model: string }
  | {
      readonly kind: 'choose';
      readonly node: string;
      readonly param: string;
      readonly accept: readonly string[];
      readonly folder: boolean;
    }
  | { readonly kind: 'freeMemory' }
  | { readonly kind: 'openLog'; readonly folder: string };

export interface Explanation {
  /** One sentence. */
  readonly text: string;
  /** Paths, commands and causes; undefined where the sentence says all. */
  readonly details: string | undefined;
  readonly mends: readonly Mend[];
}

/** What is known where a problem is explained. */
export interface ProblemFacts {
  readonly whole: GraphDocument;
  readonly library: Cards;
  readonly models: ModelList | undefined;
  /** Whether files can be chosen in a dialog of the system. */
  readonly dialogs: boolean;
  /** The folder of the run that met the problem. */
  readonly folder?: string | undefined;
}

/** Endings of checkpoints. */
const CHECKPOINTS = ['safetensors', 'ckpt', 'pt', 'pth', 'bin'];

/** A problem as people read it: a sentence, what mends it, and the rest folded away. */
export function explainProblem(problem: Problem, facts: ProblemFacts): Explanation {
  const { code, message, remedy, trace } = problem;
  const place = findPlace(problem, facts);
  const { text, mends } = sayWhat(problem, place, facts);
  const rest = [withoutLabel(message), remedy, trace].filter((part) => part && !text.includes(part));
  const isSaid = rest.length === 0 || (remedy !== undefined && `${text}`.includes(withoutLabel(message)));
  const log: Mend[] = LOGGED.has(code) && facts.folder !== undefined ? [{ kind: 'openLog', folder: facts.folder }] : [];
  return { text, details: isSaid ? undefined : rest.join('\n\n'), mends: [...mends, ...log] };
}

/** Failures that nobody foresaw: only the log of the run tells more. */
const LOGGED = new Set(['NODE_FAILED', 'INTERNAL', 'ENGINE_LOST', 'WRITE_FAILED']);

/** The node of a problem, and the param of it that names a model or a file. */
interface Place {
  readonly id: string;
  readonly node: GraphNode;
  readonly title: string;
  readonly param?: { readonly name: string; readonly declared: ModelParam | FileParam; readonly value: string };
}

function findPlace({ at, value }: Problem, { whole, library }: ProblemFacts): Place | undefined {
  const node = at.node === undefined ? undefined : nodeAt(whole, at.node.split('/'));
  if (!node || at.node === undefined) return undefined;
  const located = Object.entries(library.get(node.type)?.params ?? {}).flatMap(([name, declared]) => {
    if (declared.kind !== 'model' && declared.kind !== 'file') return [];
    const set = own(node.params, name) ?? declared.initial;
    return typeof set === 'string' ? [{ name, declared, value: set }] : [];
  });
  const param =
    located.find(({ name }) => name === at.param) ?? located.find((one) => one.value === value) ?? located[0];
  return { id: at.node, node, title: titleOf(node, library), ...(param ? { param } : {}) };
}

function sayWhat(problem: Problem, place: Place | undefined, facts: ProblemFacts): Pick<Explanation, 'text' | 'mends'> {
  const { code, message, remedy } = problem;
  const { param, title = '' } = place ?? {};
  const texts = messages.problems;
  if (code === 'OUT_OF_MEMORY') return { text: texts.noMemory(title), mends: [{ kind: 'freeMemory' }] };
  if (code === 'NODE_FAILED') return { text: texts.unforeseen(title), mends: [] };
  if (code === 'ENGINE_LOST') return { text: messages.run.lost, mends: [] };
  if (place && param && ABSENT.has(code)) {
    const absent = param.declared.kind === 'model' ? texts.noModel : texts.noFile;
    return { text: absent(shorten(param.value)), mends: replace(place, facts) };
  }
  if (place && param && code === 'NOT_ALLOWED')
    return { text: texts.notAllowed(shorten(param.value)), mends: replace(place, facts) };
  const text = firstSentence(withoutLabel(message));
  const isOfFile = place && param && UNREADABLE.test(code);
  if (isOfFile) return { text, mends: replace(place, facts).filter(({ kind }) => kind !== 'download') };
  return {
    text: remedy && `${message} ${remedy}`.length < 240 ? `${withoutLabel(message)} ${remedy}` : text,
    mends: [],
  };
}

const ABSENT = new Set(['NOT_FOUND', 'MISSING_MODEL']);
const UNREADABLE =
  /^(BAD_(CHECKPOINT|CONFIG|FILE|IMAGE|PNG|PICKLE|TOKENIZER|SHAPE)|MISSING_WEIGHT|NO_WEIGHTS|UNSUPPORTED|READ_FAILED)$/;

/** What else the param could name: the same model downloaded, the built-in one that fits, a file of the user's. */
function replace({ id, param }: Place, { models, dialogs }: ProblemFacts): Mend[] {
  if (!param) return [];
  const { name, declared, value } = param;
  const at = { node: id, param: name };
  const builtIn =
    declared.kind === 'model'
      ? models?.models.find(
          (model) => model.from === 'built in' && model.kind === declared.takes && model.name !== value,
        )
      : undefined;
  const mends: (Mend | false | undefined)[] = [
    declared.kind === 'model' && isHubName(value) && { kind: 'download', model: value },
    builtIn && { kind: 'useBuiltIn', ...at, model: builtIn.name },
    dialogs && {
      kind: 'choose',
      ...at,
      accept: declared.kind === 'file' ? declared.accept : CHECKPOINTS,
      folder: declared.kind === 'file' && declared.folder === true,
    },
  ];
  return mends.filter((mend): mend is Mend => Boolean(mend));
}

/** A message without the node that it begins with: `"Sample" (sample): ...`. */
function withoutLabel(message: string): string {
  return message.replace(/^"[^"]*" \([^)]*\):? (?=\S)/, (label) => (label.includes('):') ? '' : label));
}

/** The first sentence, with files by their names alone. */
function firstSentence(message: string): string {
  const [sentence = message] = /^.*?[.!?](?=\s|$)/s.exec(message) ?? [];
  const short = sentence.replaceAll(/"[^"]*[\\/]([^"\\/]+)"/g, '"$1"');
  return short.length <= 240 ? short : `${short.slice(0, 236).trimEnd()} …`;
}

function shorten(place: string): string {
  const [first = ''] = place.split('\n');
  return first.length <= 80 ? first : `… ${first.slice(-76)}`;
}
