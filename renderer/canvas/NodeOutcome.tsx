import { Check, CircleSlash, Clock, History, TriangleAlert } from 'lucide-react';
import { Image, PreviewImage } from '../controls/Image.tsx';
import { RewardCurve } from '../controls/RewardCurve.tsx';
import { useEditor, useNodeRun, useRuns } from '../state/editor.ts';
import { formatDuration } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { isImage, shownRun, timeLeft } from '../state/run.ts';

/** The state of a node in a word, with its time. */
export function RunChip({ id }: { id: string }) {
  const run = useNodeRun(id);
  if (!run) return null;
  switch (run.state) {
    case 'waiting':
      return (
        <span className="chip" title={messages.run.waiting}>
          <Clock size={12} aria-label={messages.run.waiting} />
        </span>
      );
    case 'running': {
      const left = timeLeft(run, performance.now());
      return (
        <span className="chip active">
          {Math.round((run.fraction ?? 0) * 100)} %
          {left === undefined ? '' : ` · ${messages.run.left(formatDuration(left))}`}
        </span>
      );
    }
    case 'cached':
      return (
        <span className="chip" title={messages.run.cachedHelp}>
          <History size={12} aria-hidden /> {messages.run.cached}
        </span>
      );
    case 'done':
      return (
        <span className="chip good">
          <Check size={12} aria-label={messages.run.done} /> {formatDuration(run.ms ?? 0)}
        </span>
      );
    case 'failed':
      return (
        <span className="chip bad">
          <TriangleAlert size={12} aria-hidden /> {messages.run.failed}
        </span>
      );
    case 'stopped':
      return (
        <span className="chip">
          <CircleSlash size={12} aria-hidden /> {messages.run.stopped}
        </span>
      );
  }
}

/** The most images shown in a node; the results page shows all of them. */
const SHOWN_IMAGES = 9;

/** The results of a node in the shown run: text, preview, curves, images, best scores. */
export function NodeOutcome({ id }: { id: string }) {
  const run = useNodeRun(id);
  const { view } = useEditor();
  const isRunning = useRuns((state) => shownRun(state)?.state === 'running');
  if (!run) return null;
  const images = (run.files ?? []).filter(isImage);
  const others = (run.files ?? []).filter((file) => !isImage(file));
  const more = images.length - SHOWN_IMAGES;
  const scores = run.scores?.at(-1);
  return (
    <div className="outcome">
      {run.state === 'failed' && run.problem && <p className="card-problem">{run.problem.message}</p>}
      {run.text && (run.state === 'running' || run.curves) && <p className="faint outcome-text">{run.text}</p>}
      {run.curves && <RewardCurve curves={run.curves} />}
      {run.preview && isRunning && <PreviewImage preview={run.preview} />}
      {run.remarks?.map((remark) => (
        <p key={remark} className="outcome-text remark">
          {remark}
        </p>
      ))}
      {scores && !run.curves && !images.length && scores.values[0] && (
        <dl className="best">
          {scores.names.map((name, i) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{messages.results.number(Math.max(...scores.values.map((row) => row[i]!)))}</dd>
            </div>
          ))}
        </dl>
      )}
      {images.length > 0 && (
        <button
          type="button"
          className={`outcome-images nodrag${images.length === 1 ? ' one' : ''}`}
          aria-label={messages.results.open}
          onClick={() => view.setState({ page: 'runs' })}
        >
          {images.slice(0, SHOWN_IMAGES).map((file) => (
            <Image key={file.name} bytes={file.bytes} mime={file.mime} alt={file.label?.prompt ?? file.name} />
          ))}
          {more > 0 && <span className="faint">{messages.results.more(more)}</span>}
        </button>
      )}
      {others.length > 0 && <p className="faint outcome-text">{others.map(({ name }) => name).join(', ')}</p>}
    </div>
  );
}
