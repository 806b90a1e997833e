import { nodeAt } from '../../graphs/document/levels.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import type { GraphState } from './graph.ts';
import type { Run } from './run.ts';
import { isStale } from './stale.ts';
import type { ViewState } from './view.ts';

/** The problems that a run met and that nothing has mended since: what their nodes depend on is as it was. */
export function standingProblems(
  { problems, document }: Pick<Run, 'problems' | 'document'>,
  { whole }: Pick<GraphState, 'whole'>,
  { models }: Pick<ViewState, 'models'>,
): Run['problems'] {
  if (problems.length === 0 || !document) return problems;
  const left = problems.filter((problem) => {
    const { node } = problem.at;
    if (node === undefined) return true;
    return !isStale(document, whole, node) && !isModelHere(problem, document, models);
  });
  return left.length === problems.length ? problems : left;
}

/** Whether a model that a run did not find is on this machine by now. */
function isModelHere(
  { code, at }: Problem,
  document: NonNullable<Run['document']>,
  models: ViewState['models'],
): boolean {
  if (code !== 'NOT_FOUND' || !models) return false;
  const named = Object.values(nodeAt(document, at.node!.split('/'))?.params ?? {});
  return models.models.some(({ name }) => named.includes(name));
}
