import { TriangleAlert } from 'lucide-react';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { RunImage } from '../controls/RunImage.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor, useRuns, useView } from '../state/editor.ts';
import { formatDate, formatDuration } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { isOver, stateInWords } from '../state/run.ts';
import { stopRun } from '../state/running.ts';
import { GalleryPage } from './GalleryPage.tsx';
import { listImages } from './listImages.ts';
import { OneRun } from './OneRun.tsx';

/** All runs on disk, and one of them in detail. */
export function RunsPage() {
  const editor = useEditor();
  const finished = useView((state) => state.finished);
  const chosen = useView((state) => state.folder);
  const live = useRuns(useShallow((state) => state.runs.filter((run) => !isOver(run))));
  const [runs, setRuns] = useState<readonly RunSummary[]>();
  const read = useCallback(
    () => void attempt(editor, async () => setRuns(await editor.desktop.listRunFolders())),
    [editor],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run is finished
  useEffect(read, [read, finished]);
  const going = live.map(({ folder }) => folder ?? '').join('/');
  const over = useMemo(() => runs?.filter(({ folder }) => !going.split('/').includes(folder)), [runs, going]);
  const run = over?.find(({ folder }) => folder === chosen);
  return (
    <main className="runs-page">
      <aside className="gallery" aria-label={messages.results.gallery} hidden={over?.length === 0 && live.length === 0}>
        <ul>
          <li>
            <button
              type="button"
              aria-current={run === undefined}
              onClick={() => editor.view.setState({ folder: undefined })}
            >
              <b>{messages.gallery.all}</b>
            </button>
          </li>
          {live.map((run) => (
            <li key={run.id} className="live-run">
              <span>
                <b>{run.title}</b>
                <small className="faint">{stateInWords(run)}</small>
              </span>
              <button
                type="button"
                className="button"
                disabled={run.stopping}
                onClick={() => void attempt(editor, () => stopRun(editor, run.id))}
              >
                {messages.run.stop}
              </button>
            </li>
          ))}
          {over?.map((summary) => (
            <li key={summary.folder}>
              <button
                type="button"
                aria-current={summary === run}
                onClick={() => editor.view.setState({ folder: summary.folder })}
              >
                <span className="gallery-images">
                  {listImages(summary)
                    .slice(0, 3)
                    .map((image) => (
                      <RunImage key={image.key} image={image} alt="" />
                    ))}
                </span>
                <b>
                  {summary.title}
                  {summary.warnings.length > 0 && (
                    <TriangleAlert className="bad" size={14} aria-label={messages.run.hacks} />
                  )}
                </b>
                <small className="faint">
                  {formatDate(summary.started)}
                  {summary.ms !== undefined && ` · ${formatDuration(summary.ms)}`}
                  {summary.state !== 'done' &&
                    ` · ${messages.run[summary.state === 'interrupted' ? 'stopped' : summary.state]}`}
                </small>
              </button>
            </li>
          ))}
        </ul>
      </aside>
      {run ? (
        <OneRun key={run.folder} summary={run} others={over?.filter((other) => other !== run) ?? []} onChange={read} />
      ) : over && over.length + live.length > 0 ? (
        <GalleryPage runs={over} onChange={read} />
      ) : (
        <div className="nothing-yet">
          {runs && <p>{messages.results.none}</p>}
          {runs && live.length === 0 && (
            <button type="button" className="button" onClick={() => editor.view.setState({ page: 'graph' })}>
              {messages.commands.showGraph}
            </button>
          )}
        </div>
      )}
    </main>
  );
}
