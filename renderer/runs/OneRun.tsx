import { Tabs } from '@base-ui/react/tabs';
import { FolderOpen, Trash2, Workflow } from 'lucide-react';
import type { RunRecord, RunSummary } from '../../electron/host/ipc.ts';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { attempt } from '../state/attempt.ts';
import { type Editor, useEditor, useView } from '../state/editor.ts';
import { openFile } from '../state/files.ts';
import { messages } from '../state/messages.ts';
import { useRead } from '../state/useRead.ts';
import { notify } from '../state/view.ts';
import { CompareRuns } from './CompareRuns.tsx';
import { ImageViewer } from './ImageViewer.tsx';
import { ParetoPlot } from './ParetoPlot.tsx';
import { RunParams } from './RunParams.tsx';
import { ScoreTable } from './ScoreTable.tsx';
import { WhyFailed } from './WhyFailed.tsx';

interface OneRunProps {
  readonly summary: RunSummary;
  readonly others: readonly RunSummary[];
  onChange(): void;
}

/** A run in detail: images, scores, Pareto plot, params and comparison, each in a tab. */
export function OneRun({ summary, others, onChange }: OneRunProps) {
  const editor = useEditor();
  const { folder, title } = summary;
  const record = useRead(folder, (desktop) => desktop.readRun(folder));
  const { tabs } = messages.results;
  return (
    <section className="one-run" aria-label={summary.title}>
      <header className="run-head">
        <h2>{summary.title}</h2>
        <span className="faint">{summary.device.name}</span>
        <RunActions summary={summary} record={record} onChange={onChange} />
      </header>
      {record &&
        summary.problems
          .slice(0, 3)
          .map((problem) => (
            <WhyFailed
              key={problem.message}
              problem={problem}
              folder={folder}
              document={record.graph.document}
              openGraph={(andThen) => openRunGraph(editor, title, record.graph.document, andThen)}
            />
          ))}
      {summary.warnings.length > 0 && (
        <div className="why-failed">
          <span>
            <b>{messages.run.hacks}</b> {summary.warnings.map(({ text }) => text).join(' ')}
          </span>
        </div>
      )}
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
          <CompareRuns summary={summary} others={others} />
        </Tabs.Panel>
      </Tabs.Root>
    </section>
  );
}

/** Opens the graph of a run in a tab. */
function openRunGraph(editor: Editor, title: string, document: GraphDocument, andThen?: () => void): void {
  void attempt(editor, async () => {
    await openFile(editor, { name: title, text: writeGraph(document) });
    andThen?.();
  });
}

/** Opens the graph of a run, shows its folder, deletes it. */
function RunActions({ summary, record, onChange }: Omit<OneRunProps, 'others'> & { record: RunRecord | undefined }) {
  const editor = useEditor();
  const { desktop, view } = editor;
  const { folder, title } = summary;
  const dialogs = useView((state) => state.about?.dialogs);
  const remove = async () => {
    const parts = [{ folder }];
    await desktop.binRuns(parts);
    onChange();
    const perform = () => void attempt(editor, () => desktop.restoreRuns(parts).then(onChange));
    notify(view, { kind: 'note', text: messages.results.removed, action: { label: messages.commands.undo, perform } });
  };
  return (
    <div className="run-actions">
      {record && (
        <button type="button" className="button" onClick={() => openRunGraph(editor, title, record.graph.document)}>
          <Workflow size={14} aria-hidden /> {messages.results.openGraph}
        </button>
      )}
      {dialogs && (
        <button type="button" className="button" onClick={() => void attempt(editor, () => desktop.revealRun(folder))}>
          <FolderOpen size={14} aria-hidden /> {messages.results.reveal}
        </button>
      )}
      <button type="button" className="button" onClick={() => void attempt(editor, remove)}>
        <Trash2 size={14} aria-hidden /> {messages.results.remove}
      </button>
    </div>
  );
}
