import type { RunSummary } from '../../electron/host/ipc.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { nodeAt } from '../../graphs/document/levels.ts';
import { goToNode } from '../commands/levels.ts';
import { Mends, useExplanation } from '../commands/ProblemText.tsx';
import { useEditor, useGraph } from '../state/editor.ts';
import { messages } from '../state/messages.ts';

interface WhyFailedProps {
  readonly problem: RunSummary['problems'][number];
  readonly folder: string;
  /** The graph that ran. */
  readonly document: GraphDocument;
  openGraph(andThen: () => void): void;
}

/** Why a run failed, with what mends it, and a button that shows the node, in the graph that ran where it is in no other. */
export function WhyFailed({ problem, folder, document, openGraph }: WhyFailedProps) {
  const editor = useEditor();
  const id = problem.at?.node;
  const node = id === undefined ? undefined : nodeAt(document, id.split('/'));
  const isHere = useGraph(({ whole }) => node && nodeAt(whole, (id ?? '').split('/'))?.type === node.type);
  const explanation = useExplanation({ ...problem, at: problem.at ?? {} }, folder);
  const show = () => id !== undefined && goToNode(editor, id);
  return (
    <div className="why-failed">
      <span>{explanation.text}</span>
      {node && (
        <button type="button" className="text-button" onClick={() => (isHere ? show() : openGraph(show))}>
          {messages.problems.show}
        </button>
      )}
      <Mends explanation={explanation} />
    </div>
  );
}
