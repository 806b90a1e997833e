import { ArrowDown, ArrowUp, GripVertical, Square } from 'lucide-react';
import { useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { attempt } from '../state/attempt.ts';
import { useEditor, useRuns, useView } from '../state/editor.ts';
import { formatTimeOfDay } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { isOver, type Run, runFraction, stateInWords } from '../state/run.ts';
import { moveRun, stopRun } from '../state/running.ts';
import { PanelHead } from './PanelHead.tsx';

/** The run that goes on and those that wait, in their order, which can be changed. */
export function QueuePanel() {
  const { view } = useEditor();
  const isOpen = useView((state) => state.queue);
  const live = useRuns(useShallow((state) => state.runs.filter((run) => !isOver(run))));
  const [dragged, setDragged] = useState<string>();
  if (!isOpen) return null;
  const waiting = live.filter(({ state }) => state === 'waiting');
  return (
    <section className="queue-panel" aria-label={messages.queue.name}>
      <PanelHead title={messages.queue.name} onClose={() => view.setState({ queue: false })} />
      {live.length === 0 && <p className="empty">{messages.queue.none}</p>}
      <ol>
        {live.map((run) => (
          <QueuedRun key={run.id} run={run} waiting={waiting} dragged={dragged} onDrag={setDragged} />
        ))}
      </ol>
      {waiting.length > 1 && <p className="faint">{messages.queue.help}</p>}
    </section>
  );
}

interface QueuedRunProps {
  readonly run: Run;
  readonly waiting: readonly Run[];
  readonly dragged: string | undefined;
  onDrag(id: string | undefined): void;
}

function QueuedRun({ run, waiting, dragged, onDrag }: QueuedRunProps) {
  const editor = useEditor();
  const { id, title, state, stopping, asked } = run;
  const place = waiting.indexOf(run);
  const move = (moved: string, before: string | undefined) =>
    void attempt(editor, () => moveRun(editor, moved, before));
  const isWaiting = state === 'waiting';
  return (
    <li
      className={dragged !== undefined && dragged !== id && isWaiting ? 'droppable' : undefined}
      draggable={isWaiting}
      onDragStart={() => onDrag(id)}
      onDragEnd={() => onDrag(undefined)}
      onDragOver={(event) => dragged !== undefined && isWaiting && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        const from = waiting.findIndex((one) => one.id === dragged);
        if (dragged !== undefined && dragged !== id) move(dragged, from < place ? waiting[place + 1]?.id : id);
        onDrag(undefined);
      }}
    >
      {isWaiting ? <GripVertical size={14} aria-hidden className="grip" /> : <span className="grip" />}
      <span className="queue-title">
        <b>{title}</b>
        <small className="faint">
          {stateInWords(run)}
          {asked !== undefined && ` · ${formatTimeOfDay(asked)}`}
          {state === 'running' &&
            !stopping &&
            ` · ${messages.results.zoom.percent(Math.round(runFraction(run) * 100))}`}
        </small>
        {!isWaiting && <progress aria-label={messages.run.progressOf(title)} max={1} value={runFraction(run)} />}
      </span>
      {isWaiting && (
        <>
          <button
            type="button"
            className="icon-button"
            disabled={place <= 0}
            aria-label={messages.queue.earlier(title)}
            onClick={() => move(id, waiting[place - 1]?.id)}
          >
            <ArrowUp size={14} aria-hidden />
          </button>
          <button
            type="button"
            className="icon-button"
            disabled={place === waiting.length - 1}
            aria-label={messages.queue.later(title)}
            onClick={() => move(id, waiting[place + 2]?.id)}
          >
            <ArrowDown size={14} aria-hidden />
          </button>
        </>
      )}
      <button
        type="button"
        className="icon-button"
        disabled={stopping}
        aria-label={messages.queue.stop(title)}
        title={messages.queue.stop(title)}
        onClick={() => void attempt(editor, () => stopRun(editor, id))}
      >
        <Square size={14} aria-hidden />
      </button>
    </li>
  );
}
