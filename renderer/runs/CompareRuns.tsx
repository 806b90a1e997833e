import { useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { BarChoice } from '../controls/BarChoice.tsx';
import { useEditor, useView } from '../state/editor.ts';
import { formatDate } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { ComparePair } from './ComparePair.tsx';
import { ImageOptions } from './ImageOptions.tsx';
import { listImages } from './listImages.ts';

interface CompareRunsProps {
  readonly summary: RunSummary;
  readonly others: readonly RunSummary[];
}

/** Two runs side by side: an image of each with a slider, and the params in which they differ. */
export function CompareRuns({ summary, others }: CompareRunsProps) {
  const editor = useEditor();
  const compared = useView((state) => state.compared);
  const other = others.find(({ folder }) => folder === compared) ?? others[0];
  const [[left, right], setImages] = useState<[number, number]>([0, 0]);
  if (!other) return <p className="empty">{messages.results.none}</p>;
  const [mine, theirs] = [listImages(summary), listImages(other)];
  const [a, b] = [mine[left], theirs[right]];
  return (
    <>
      <div className="viewer-bar">
        <BarChoice
          label={messages.results.compareWith}
          value={other.folder}
          onChange={(compared) => editor.view.setState({ compared })}
        >
          {others.map((run) => (
            <option key={run.folder} value={run.folder}>
              {nameRun(run)}
            </option>
          ))}
        </BarChoice>
        <BarChoice label={messages.results.left} value={left} onChange={(place) => setImages([Number(place), right])}>
          <ImageOptions images={mine} />
        </BarChoice>
        <BarChoice label={messages.results.right} value={right} onChange={(place) => setImages([left, Number(place)])}>
          <ImageOptions images={theirs} />
        </BarChoice>
      </div>
      <ComparePair
        before={{ ...a, folder: summary.folder, caption: a?.caption ?? nameRun(summary) }}
        after={{ ...b, folder: other.folder, caption: b?.caption ?? nameRun(other) }}
      />
    </>
  );
}

function nameRun({ title, started }: RunSummary): string {
  return `${title}, ${formatDate(started)}`;
}
