import { ArrowDown, ArrowUp, Download } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { RunImage } from '../controls/RunImage.tsx';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { formatScore } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { readCandidates, writeCsv } from './candidates.ts';
import { TableChoice } from './TableChoice.tsx';

/** The most rows shown; the CSV holds all of them. */
const SHOWN_ROWS = 500;

/** The scores of a run as a table that sorts by any column. */
export function ScoreTable({ run }: { run: RunSummary }) {
  const editor = useEditor();
  const [table, setTable] = useState(0);
  const [sorting, setSorting] = useState<{ name: string; up: boolean }>();
  const candidates = useMemo(() => readCandidates(run, table), [run, table]);
  const names = run.scores[table]?.names ?? [];
  const by =
    sorting && [...names, messages.results.seed].includes(sorting.name) ? sorting : { name: names[0] ?? '', up: false };
  const rows = useMemo(() => {
    const value = (i: number) => {
      const candidate = candidates[i];
      return (
        (by.name === messages.results.seed ? candidate?.seed : candidate?.scores[by.name]) ?? Number.NEGATIVE_INFINITY
      );
    };
    const order = candidates.map((_, i) => i).sort((a, b) => (by.up ? value(a) - value(b) : value(b) - value(a)));
    return order.slice(0, SHOWN_ROWS).flatMap((i) => candidates[i] ?? []);
  }, [candidates, by.name, by.up]);
  const hasImages = rows.some(({ image }) => image);
  if (names.length === 0) return <p className="empty">{messages.results.noScores}</p>;
  return (
    <>
      <div className="viewer-bar">
        <TableChoice run={run} table={table} onChange={setTable} />
        <button
          type="button"
          className="button"
          onClick={() =>
            void attempt(editor, () =>
              editor.desktop.exportFile('scores.csv', new TextEncoder().encode(writeCsv(candidates))),
            )
          }
        >
          <Download size={14} aria-hidden /> {messages.results.csv}
        </button>
      </div>
      <div className="table-scroll">
        <table className="scores">
          <thead>
            <tr>
              {hasImages && <th aria-label={messages.results.tabs.images} />}
              {[...names, messages.results.seed].map((name) => (
                <th key={name} aria-sort={by.name === name ? (by.up ? 'ascending' : 'descending') : 'none'}>
                  <button
                    type="button"
                    title={messages.results.sortedBy(name)}
                    onClick={() => setSorting({ name, up: by.name === name ? !by.up : false })}
                  >
                    {run.watched.includes(name) ? messages.run.watched(name) : name}
                    {by.name === name &&
                      (by.up ? <ArrowUp size={12} aria-hidden /> : <ArrowDown size={12} aria-hidden />)}
                  </button>
                </th>
              ))}
              <th>{messages.results.prompt}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, image, scores, seed, prompt }) => (
              <tr key={key}>
                {hasImages && <td>{image && <RunImage image={{ folder: run.folder, name: image }} alt="" />}</td>}
                {names.map((name) => (
                  <td key={name} className="number">
                    {formatScore(scores[name] ?? Number.NaN)}
                  </td>
                ))}
                <td className="number">{seed}</td>
                <td>{prompt}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
