import { Image } from '../controls/Image.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { formatBytes, formatDuration } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { isImage, isOver, type Run, stateInWords } from '../state/run.ts';
import { stopRun } from '../state/running.ts';

/** The state of the shown run and its images. */
export function LastRun({ run }: { run: Run }) {
  const editor = useEditor();
  const nodes = Object.values(run.nodes);
  const files = nodes.flatMap((node) => (node.files ?? []).filter(isImage));
  const images = files.length > 0 ? files : (nodes.findLast(({ copies }) => copies)?.copies ?? []);
  const states = Object.values(run.nodes).map(({ state }) => state);
  const over = isOver(run);
  const count = (state: string) => states.filter((one) => one === state).length;
  return (
    <>
      <p className="faint" role="status">
        {over
          ? messages.run.summary(messages.run[run.state], formatDuration(run.ms ?? 0), count('done'), count('cached'))
          : stateInWords(run)}
      </p>
      {run.freed ? <p className="faint">{messages.run.freed(formatBytes(run.freed))}</p> : null}
      {!over && (
        <button
          type="button"
          className="button"
          disabled={run.stopping}
          onClick={() => void attempt(editor, () => stopRun(editor, run.id))}
        >
          {messages.run.stop}
        </button>
      )}
      {images.length > 0 && (
        <button
          type="button"
          className="thumbnails"
          aria-label={messages.results.open}
          onClick={() => editor.view.setState({ page: 'runs', folder: run.folder })}
        >
          {images.map((file) => (
            <Image
              key={`${file.node} ${file.name}`}
              bytes={file.bytes}
              mime={file.mime}
              alt={file.label?.prompt ?? file.name}
            />
          ))}
        </button>
      )}
    </>
  );
}
