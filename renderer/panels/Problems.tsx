import { nodeAt } from '../../graphs/document/levels.ts';
import type { Problem } from '../../graphs/document/problems.ts';
import { goToNode } from '../commands/levels.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useRuns } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { shownRun } from '../state/run.ts';
import { MissingModels } from './MissingModels.tsx';
import { PanelHead } from './PanelHead.tsx';

/** Everything that is wrong with the graph and with the run that is shown; each leads to its node. */
export function Problems() {
  const { view } = useEditor();
  const problems = useGraph((state) => state.told);
  const ofRun = useRuns((state) => shownRun(state)?.problems ?? NONE);
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
            <OneProblem key={`${problem.code} ${JSON.stringify(problem.at)} ${problem.message}`} problem={problem} />
          ))}
        </ul>
      )}
    </section>
  );
}
const NONE: readonly Problem[] = [];

function OneProblem({ problem: { code, message, remedy, at, value } }: { problem: Problem }) {
  const editor = useEditor();
  const node = useGraph(({ whole }) => nodeAt(whole, (at.node ?? '').split('/')));
  const model = node?.params.model;
  const missing = typeof value === 'string' ? value : model;
  const isMissing = /^(MODEL_)?NOT_FOUND$|MISSING_MODEL|NO_MODEL/.test(code);
  return (
    <li>
      <button type="button" disabled={!node} onClick={() => at.node !== undefined && goToNode(editor, at.node)}>
        <b>{message}</b> {remedy}
      </button>
      {isMissing && typeof missing === 'string' && /^[\w.-]+\/[\w.-]+$/.test(missing) && (
        <button
          type="button"
          className="button"
          onClick={() => {
            editor.view.setState({ side: 'models' });
            void attempt(editor, () => editor.desktop.startPull(missing));
          }}
        >
          {messages.problems.pull(missing)}
        </button>
      )}
    </li>
  );
}
