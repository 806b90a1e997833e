import { Tabs } from '@base-ui/react/tabs';
import { FolderOpen, Trash2, Workflow } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { RunRecord, RunSummary } from '../../electron/host/ipc.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { useEditor, useRuns, useView } from '../state/editor.ts';
import { formatDuration } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { isOver } from '../state/run.ts';
import { attempt, openFile, stopRun, unlessUnsaved } from '../state/session.ts';
import { notify } from '../state/view.ts';
import { CompareRuns } from './CompareRuns.tsx';
import { ImageViewer } from './ImageViewer.tsx';
import { imagesOfRun } from './imagesOfRun.ts';
import { ParetoPlot } from './ParetoPlot.tsx';
import { RunImage } from './RunImage.tsx';
import { RunParams } from './RunParams.tsx';
import { ScoreTable } from './ScoreTable.tsx';

/** Every run that lies on the disk, and one of them with all that it gave. */
export function RunsPage() {
  const editor = useEditor();
  const finished = useView((state) => state.finished);
  const chosen = useView((state) => state.folder);
  const live = useRuns(useShallow((state) => state.runs.filter((run) => !isOver(run))));
  const [runs, setRuns] = useState<readonly RunSummary[]>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run is finished
  useEffect(() => void attempt(editor, async () => setRuns(await editor.desktop.listRunFolders())), [editor, finished]);
  const over = runs?.filter(({ folder }) => live.every((run) => run.folder !== folder));
  const run = over?.find(({ folder }) => folder === chosen) ?? over?.[0];
  return (
    <main className="runs-page">
      <aside className="gallery" aria-label={messages.results.gallery} hidden={!run && live.length === 0}>
        <ul>
          {live.map((run) => (
            <li key={run.id} className="live-run">
              <span>
                <b>{run.title}</b>
                <small className="faint">{messages.run[run.state]}</small>
              </span>
              <button
                type="button"
                className="button"
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
                  {imagesOfRun(summary)
                    .slice(0, 3)
                    .map(({ name }) => (
                      <RunImage key={name} folder={summary.folder} name={name} alt="" />
                    ))}
                </span>
                <b>{summary.title}</b>
                <small className="faint">
                  {new Date(summary.started).toLocaleString()}
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
        <OneRun
          key={run.folder}
          summary={run}
          others={over?.filter((other) => other !== run) ?? []}
          onRemove={() => setRuns(runs?.filter((other) => other !== run))}
        />
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

interface OneRunProps {
  readonly summary: RunSummary;
  readonly others: readonly RunSummary[];
  onRemove(): void;
}

function OneRun({ summary, others, onRemove }: OneRunProps) {
  const editor = useEditor();
  const { desktop, view } = editor;
  const { folder } = summary;
  const dialogs = useView((state) => state.about?.dialogs);
  const [record, setRecord] = useState<RunRecord>();
  useEffect(
    () => void attempt(editor, async () => setRecord(await desktop.readRun(folder))),
    [editor, desktop, folder],
  );
  const { tabs } = messages.results;
  return (
    <section className="one-run" aria-label={summary.title}>
      <header className="run-head">
        <h2>{summary.title}</h2>
        <span className="faint">{summary.device.name}</span>
        <div className="run-actions">
          {record && (
            <button
              type="button"
              className="button"
              onClick={() =>
                unlessUnsaved(
                  editor,
                  () =>
                    void attempt(editor, () =>
                      openFile(editor, { name: summary.title, text: writeGraph(record.graph.document) }),
                    ),
                )
              }
            >
              <Workflow size={14} aria-hidden /> {messages.results.openGraph}
            </button>
          )}
          {dialogs && (
            <button
              type="button"
              className="button"
              onClick={() => void attempt(editor, () => desktop.revealRun(folder))}
            >
              <FolderOpen size={14} aria-hidden /> {messages.results.reveal}
            </button>
          )}
          <button
            type="button"
            className="button"
            onClick={() =>
              void attempt(editor, async () => {
                await desktop.removeRun(folder);
                onRemove();
                notify(view, { kind: 'note', text: messages.results.removed });
              })
            }
          >
            <Trash2 size={14} aria-hidden /> {messages.results.remove}
          </button>
        </div>
      </header>
      <Tabs.Root defaultValue="images" className="tabs">
        <Tabs.List className="tab-list">
          {(['images', 'scores', 'pareto', 'params', 'compare'] as const).map((tab) => (
            <Tabs.Tab key={tab} value={tab} className="tab">
              {tabs[tab]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="images" className="tab-panel">
          <ImageViewer run={summary} />
        </Tabs.Panel>
        <Tabs.Panel value="scores" className="tab-panel">
          <ScoreTable run={summary} />
        </Tabs.Panel>
        <Tabs.Panel value="pareto" className="tab-panel">
          <ParetoPlot run={summary} />
        </Tabs.Panel>
        <Tabs.Panel value="params" className="tab-panel">
          {record && <RunParams record={record} />}
        </Tabs.Panel>
        <Tabs.Panel value="compare" className="tab-panel">
          {record && <CompareRuns summary={summary} record={record} others={others} />}
        </Tabs.Panel>
      </Tabs.Root>
    </section>
  );
}
