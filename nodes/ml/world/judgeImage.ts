import { type DetectedObject, detectObjects } from './detectObjects.ts';
import { type Clause, type PromptClauses, parsePrompt } from './parsePrompt.ts';
import { type Relation, relations, type Task, tasks } from './words.ts';

export interface Judgement {
  readonly correct: boolean;
  /** What is wrong, a line each; empty where the image is correct. */
  readonly reasons: readonly string[];
  /** The mean over all conditions of how far each is satisfied, in [0, 1]; 1 exactly where the image is correct. */
  readonly satisfied: number;
}

/**
 * Judges an image of the built-in world by GenEval's rules. @param pixels 64 * 64 * 3 values in [0, 1], row by row.
 * Throws UserError `UNKNOWN_WORDS` or `BAD_PROMPT` (see `parsePrompt`) and `BAD_SIZE`.
 */
export function judgeImage(pixels: ArrayLike<number>, prompt: string): Judgement {
  return judgeObjects(detectObjects(pixels), parsePrompt(prompt));
}

/**
 * Every include clause needs `count` objects of its shape; of those the surest `count` are taken, and must have its
 * colour and position; no shape may reach the count of an exclude clause. Conditions are graded for `satisfied`: presence
 * and colour by found / count, position by the share of pairs, exclusion by limit / found, where limit = count - 1.
 * Where several clauses name one shape (GenEval has no such prompt), each takes objects of its colour that none took yet.
 * Source: GenEval, arXiv 2310.11513, evaluation/evaluate_images.py (evaluate).
 *
 * @param objects the surest first
 */
export function judgeObjects(objects: readonly DetectedObject[], { include, exclude }: PromptClauses): Judgement {
  const grades: number[] = [];
  const reasons: string[] = [];
  const grade = (value: number, reason: string) => {
    grades.push(value);
    if (value < 1) reasons.push(reason);
  };
  const taken: DetectedObject[][] = [];
  for (const clause of include) {
    const { shape, count, colour, position } = clause;
    const found = candidates(objects, clause, include, taken.flat()).slice(0, count);
    grade(found.length / count, `expected ${shape} >= ${count}, found ${found.length}`);
    if (colour) {
      const right = found.filter((object) => object.colour === colour).length;
      const got = found.map((object) => object.colour).join(', ') || 'none';
      grade(right / count, `expected ${colour} ${shape} >= ${count}, found ${got}`);
    }
    if (position) {
      const targets = taken[position.target] ?? [];
      const pairs = found.flatMap((object) => targets.map((target) => listRelations(object, target)));
      const right = pairs.filter((held) => held.includes(position.relation)).length;
      const whole = count * (include[position.target]?.count ?? 1);
      const got = pairs.map((held) => held.join(' and ') || 'no clear relation').join(', ') || 'no pair';
      grade(right / whole, `expected ${shape} ${position.relation} target, found ${got}`);
    }
    taken.push(found);
  }
  for (const { shape, count } of exclude) {
    const found = objects.filter((object) => object.shape === shape).length;
    grade(found < count ? 1 : (count - 1) / found, `expected ${shape} < ${count}, found ${found}`);
  }
  const satisfied = grades.reduce((sum, value) => sum + value, 0) / grades.length;
  return { correct: reasons.length === 0, reasons, satisfied };
}

function candidates(
  objects: readonly DetectedObject[],
  { shape, colour }: Clause,
  include: readonly Clause[],
  taken: readonly DetectedObject[],
): DetectedObject[] {
  const shared = include.filter((clause) => clause.shape === shape).length > 1;
  return objects.filter(
    (object) =>
      object.shape === shape &&
      !taken.includes(object) &&
      (!shared || colour === undefined || object.colour === colour),
  );
}

/**
 * Where a lies as seen from b: o = centre a - centre b; every axis is shrunk towards 0 by a tenth of the sum of both
 * boxes' extents; d = shrunk o / |o|; left where dx < -1/2, right where dx > 1/2, above where dy < -1/2, below where
 * dy > 1/2 (y down). Source: GenEval, arXiv 2310.11513, evaluation/evaluate_images.py (relative_position).
 */
export function listRelations(a: DetectedObject, b: DetectedObject): Relation[] {
  const offset = [a.centre[0] - b.centre[0], a.centre[1] - b.centre[1]] as const;
  const length = Math.sqrt(offset[0] ** 2 + offset[1] ** 2);
  if (length === 0) return [];
  const along = ([0, 1] as const).map((axis) => {
    const extents = a.box[axis + 2]! - a.box[axis]! + b.box[axis + 2]! - b.box[axis]!;
    return (Math.max(0, Math.abs(offset[axis]) - 0.1 * extents) * Math.sign(offset[axis])) / length;
  });
  const [dx, dy] = [along[0]!, along[1]!];
  const held = { 'left of': dx < -0.5, 'right of': dx > 0.5, above: dy < -0.5, below: dy > 0.5 };
  return relations.filter((relation) => held[relation]);
}

interface GenevalScores {
  /** The share of correct images of each task; undefined where there was none. */
  readonly tasks: Readonly<Record<Task, number | undefined>>;
  readonly counts: Readonly<Record<Task, number>>;
  /** Unweighted over the tasks; undefined where a task had no image. */
  readonly mean: number | undefined;
}

/** GenEval's summary: the share of correct images by task, and the unweighted mean of all six. */
export function genevalScores(rows: readonly { readonly task: Task; readonly correct: boolean }[]): GenevalScores {
  const of = (task: Task) => rows.filter((row) => row.task === task);
  const byTask = <Value>(value: (task: Task) => Value) =>
    Object.fromEntries(tasks.map((task) => [task, value(task)])) as Record<Task, Value>;
  const shares = byTask((task) => {
    const found = of(task);
    return found.length === 0 ? undefined : found.filter(({ correct }) => correct).length / found.length;
  });
  const known = Object.values(shares).filter((share) => share !== undefined);
  const mean = known.length === tasks.length ? known.reduce((sum, share) => sum + share, 0) / tasks.length : undefined;
  return { tasks: shares, counts: byTask((task) => of(task).length), mean };
}
