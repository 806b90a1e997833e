import { nodeAt } from '../../graphs/document/levels.ts';
import { type Problem, titleOf } from '../../graphs/document/problems.ts';
import { goToNode } from '../commands/levels.ts';
import { Mends, useExplanation } from '../commands/ProblemText.tsx';
import { useEditor, useGraph, useRuns, useStandingProblems } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { shownRun } from '../state/run.ts';
import { MissingModels } from './MissingModels.tsx';
import { PanelHead } from './PanelHead.tsx';

/** Everything that is wrong with the graph and with the run that is shown; each leads to its node. */
export function Problems() {
  const { view } = useEditor();
  const problems = useGraph((state) => state.told);
  const ofRun = useStandingProblems();
  const folder = useRuns((state) => shownRun(state)?.folder);
  const all = [...ofRun.filter(({ message }) => !problems.some((known) => known.message === message)), ...problems];
  return (
    <section className="problems" aria-label={messages.problems.name}>
      <PanelHead title={messages.problems.name} onClose={() => view.setState({ problems: false })} />
      <MissingModels />
      {all.length === 0 ? (
        <p className="empty">{messages.problems.none}</p>
      ) : (
        <ul>
          {all.map((problem) => (
            <OneProblem
              key={`${problem.code} ${JSON.stringify(problem.at)} ${problem.message}`}
              problem={problem}
              folder={ofRun.includes(problem) ? folder : undefined}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

interface OneProblemProps {
  readonly problem: Problem;
  readonly folder: string | undefined;
}

function OneProblem({ problem, folder }: OneProblemProps) {
  const editor = useEditor();
  const { node: id } = problem.at;
  const title = useGraph(({ whole, library }) => {
    const node = nodeAt(whole, (id ?? '').split('/'));
    return node && titleOf(node, library);
  });
  const explanation = useExplanation(problem, folder);
  return (
    <li>
      <button type="button" disabled={title === undefined} onClick={() => id !== undefined && goToNode(editor, id)}>
        {title !== undefined && <b>{title}: </b>}
        {explanation.text}
      </button>
      <Mends explanation={explanation} />
    </li>
  );
}
