import { useState } from 'react';
import type { RunRecord, RunSummary } from '../../electron/host/ipc.ts';
import { BarChoice } from '../controls/BarChoice.tsx';
import { BeforeAfter } from '../controls/BeforeAfter.tsx';
import { RunImage } from '../controls/RunImage.tsx';
import { useEditor, useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { useRead } from '../state/useRead.ts';
import { compareParams } from './graphParams.ts';
import { ImageOptions } from './ImageOptions.tsx';
import { listImages } from './listImages.ts';

interface CompareRunsProps {
  readonly summary: RunSummary;
  readonly record: RunRecord;
  readonly others: readonly RunSummary[];
}

/** Two runs side by side: an image of each with a slider, and the params in which they differ. */
export function CompareRuns({ summary, record, others }: CompareRunsProps) {
  const editor = useEditor();
  const compared = useView((state) => state.compared);
  const other = others.find(({ folder }) => folder === compared) ?? others[0];
  const [[left, right], setImages] = useState<[number, number]>([0, 0]);
  const otherRecord = useRead(other?.folder ?? '', (desktop) => other && desktop.readRun(other.folder));
  if (!other) return <p className="empty">{messages.results.none}</p>;
  const [mine, theirs] = [listImages(summary), listImages(other)];
  const [a, b] = [mine[left], theirs[right]];
  const differences = otherRecord ? compareParams(record.graph.document, otherRecord.graph.document) : [];
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
      <div className="compare">
        {a && b ? (
          <BeforeAfter before={<RunImage image={a} alt={a.caption} />} after={<RunImage image={b} alt={b.caption} />} />
        ) : (
          <p className="empty">{messages.results.noImages}</p>
        )}
        <div className="table-scroll">
          {otherRecord && differences.length === 0 ? (
            <p className="empty">{messages.results.noDifference}</p>
          ) : (
            <table className="scores">
              <thead>
                <tr>
                  <th>{messages.results.param}</th>
                  <th title={nameRun(summary)}>{messages.results.left}</th>
                  <th title={nameRun(other)}>{messages.results.right}</th>
                </tr>
              </thead>
              <tbody>
                {differences.map(({ name, left, right }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td>{left ?? '–'}</td>
                    <td>{right ?? '–'}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </div>
      </div>
    </>
  );
}

function nameRun({ title, started }: RunSummary): string {
  return `${title}, ${new Date(started).toLocaleString()}`;
}
