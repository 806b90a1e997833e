import { useMemo } from 'react';
import type { Problem } from '../../graphs/document/problems.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor, useGraph, useView } from '../state/editor.ts';
import { type Explanation, explainProblem, type Mend } from '../state/explainProblem.ts';
import { messages } from '../state/messages.ts';
import { mendProblem } from './mendProblem.ts';

/** A problem as people read it. `folder`: of the run that met it. */
export function useExplanation(problem: Problem, folder?: string): Explanation {
  const whole = useGraph((state) => state.whole);
  const library = useGraph((state) => state.library);
  const models = useView((state) => state.models);
  const dialogs = useView(({ about }) => about?.dialogs === true);
  return useMemo(
    () => explainProblem(problem, { whole, library, models, dialogs, folder }),
    [problem, whole, library, models, dialogs, folder],
  );
}

/** A problem in a sentence, with buttons that mend it; paths, commands and causes are folded away. */
export function ProblemText({ problem, folder }: { problem: Problem; folder?: string | undefined }) {
  const explanation = useExplanation(problem, folder);
  return (
    <>
      <span>{explanation.text}</span>
      <Mends explanation={explanation} />
    </>
  );
}

/** What a button does, with the model where it names one. */
function nameMend(mend: Mend): string {
  const name = messages.problems.mends[mend.kind];
  return mend.kind === 'download' || mend.kind === 'useBuiltIn' ? `${name} ${mend.model}` : name;
}

/** The buttons that mend a problem, and its details. */
export function Mends({ explanation: { mends, details } }: { explanation: Explanation }) {
  const editor = useEditor();
  if (mends.length === 0 && details === undefined) return null;
  return (
    <span className="mends nodrag">
      {mends.map((mend) => (
        <button
          key={mend.kind}
          type="button"
          className="text-button"
          title={'model' in mend ? mend.model : undefined}
          aria-label={nameMend(mend)}
          onClick={() => void attempt(editor, () => mendProblem(editor, mend))}
        >
          {messages.problems.mends[mend.kind]}
        </button>
      ))}
      {details !== undefined && (
        <details>
          <summary>{messages.problems.details}</summary>
          <pre>{details}</pre>
        </details>
      )}
    </span>
  );
}
