import { Download } from 'lucide-react';
import { type RefObject, useMemo, useRef, useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { BarChoice } from '../controls/BarChoice.tsx';
import { RunImage } from '../controls/RunImage.tsx';
import { drawPng, writeSvg } from '../controls/svgFile.ts';
import { attempt } from '../state/attempt.ts';
import { useEditor } from '../state/editor.ts';
import { formatScore } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import {
  type Candidate,
  findFront,
  findPlottableTable,
  nameCandidate,
  readCandidates,
  writeCsv,
} from './candidates.ts';
import { type Axes, type Brush, Scatter } from './Scatter.tsx';
import { TableChoice } from './TableChoice.tsx';

/** The most candidates that are listed beside the plot. */
const LISTED = 200;

/** Every candidate of a run as a point on two of its scores, with the front; a box selects, a click shows the image. */
export function ParetoPlot({ run }: { run: RunSummary }) {
  const [table, setTable] = useState(() => findPlottableTable(run));
  const names = run.scores[table]?.names ?? [];
  if (names.length < 2)
    return (
      <>
        <div className="viewer-bar">
          <TableChoice run={run} table={table} onChange={setTable} />
        </div>
        <p className="empty">{names.length === 0 ? messages.results.noScores : messages.results.onlyOne}</p>
      </>
    );
  return <Plot key={table} run={run} table={table} names={names} onTable={setTable} />;
}

interface PlotProps {
  readonly run: RunSummary;
  readonly table: number;
  readonly names: readonly string[];
  onTable(table: number): void;
}

function Plot({ run, table, names, onTable }: PlotProps) {
  const svg = useRef<SVGSVGElement>(null);
  const [axes, setAxes] = useState<Axes>({ x: names[0] ?? '', y: names[1] ?? '' });
  const [brush, setBrush] = useState<Brush>();
  const [shown, setShown] = useState<string>();
  const candidates = useMemo(() => readCandidates(run, table), [run, table]);
  const front = useMemo(() => findFront(candidates, axes.x, axes.y), [candidates, axes.x, axes.y]);
  const selected = brush ? candidates.filter((one) => isBrushed(one, axes, brush)) : [];
  const current = candidates.find(({ key }) => key === shown);
  const show = ({ key }: Candidate) => setShown(key);
  const change = (changes: Partial<Axes>) => {
    setAxes({ ...axes, ...changes });
    setBrush(undefined);
  };
  const axisOptions = names.map((name) => <option key={name}>{name}</option>);
  return (
    <div className="pareto">
      <div className="viewer-bar">
        <TableChoice run={run} table={table} onChange={onTable} />
        <BarChoice label={messages.results.horizontal} value={axes.x} onChange={(x) => change({ x })}>
          {axisOptions}
        </BarChoice>
        <BarChoice label={messages.results.vertical} value={axes.y} onChange={(y) => change({ y })}>
          {axisOptions}
        </BarChoice>
        <Exports svg={svg} candidates={selected.length > 0 ? selected : candidates} />
      </div>
      <div className="pareto-middle">
        <Scatter
          svg={svg}
          candidates={candidates}
          front={front}
          selected={selected}
          current={current}
          axes={axes}
          brush={brush}
          onBrush={setBrush}
          onShow={show}
        />
        <aside className="pareto-side">
          {current && <CurrentCandidate folder={run.folder} candidate={current} />}
          <p className="faint">
            {selected.length > 0 ? messages.results.selected(selected.length) : messages.results.paretoHelp}
          </p>
          <CandidateList
            folder={run.folder}
            candidates={selected.length > 0 ? selected : front}
            current={current}
            axes={axes}
            onShow={show}
          />
        </aside>
      </div>
    </div>
  );
}

function isBrushed({ scores }: Candidate, axes: Axes, brush: Brush): boolean {
  return (['x', 'y'] as const).every((axis) => {
    const value = scores[axes[axis]] ?? Number.NaN;
    return value >= Math.min(...brush[axis]) && value <= Math.max(...brush[axis]);
  });
}

/** Buttons that save the plot as SVG and PNG, and candidates as CSV. */
function Exports({ svg, candidates }: { svg: RefObject<SVGSVGElement | null>; candidates: readonly Candidate[] }) {
  const editor = useEditor();
  const save = (name: string, make: () => Uint8Array | Promise<Uint8Array>) =>
    void attempt(editor, async () => editor.desktop.exportFile(name, await make()));
  const encode = (text: string) => new TextEncoder().encode(text);
  return (
    <>
      <button type="button" className="button" onClick={() => save('pareto.svg', () => encode(writeSvg(svg.current)))}>
        <Download size={14} aria-hidden /> {messages.results.svg}
      </button>
      <button type="button" className="button" onClick={() => save('pareto.png', () => drawPng(svg.current))}>
        <Download size={14} aria-hidden /> {messages.results.png}
      </button>
      <button type="button" className="button" onClick={() => save('pareto.csv', () => encode(writeCsv(candidates)))}>
        <Download size={14} aria-hidden /> {messages.results.csv}
      </button>
    </>
  );
}

/** The candidate that was clicked, with its image and all its scores. */
function CurrentCandidate({ folder, candidate }: { folder: string; candidate: Candidate }) {
  return (
    <figure className="pareto-current">
      {candidate.image && <RunImage image={{ folder, name: candidate.image }} alt="" />}
      <figcaption>
        <b>{nameCandidate(candidate)}</b>
        <dl className="best">
          {Object.entries(candidate.scores).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{formatScore(value)}</dd>
            </div>
          ))}
        </dl>
        {!candidate.image && <p className="faint">{messages.results.noImageOf}</p>}
      </figcaption>
    </figure>
  );
}

interface CandidateListProps {
  readonly folder: string;
  readonly candidates: readonly Candidate[];
  readonly current: Candidate | undefined;
  readonly axes: Axes;
  onShow(candidate: Candidate): void;
}

function CandidateList({ folder, candidates, current, axes, onShow }: CandidateListProps) {
  return (
    <ul className="pareto-list">
      {candidates.slice(0, LISTED).map((one) => (
        <li key={one.key}>
          <button type="button" aria-pressed={one === current} onClick={() => onShow(one)}>
            {one.image && <RunImage image={{ folder, name: one.image }} alt="" />}
            <span>
              {nameCandidate(one)}
              <small className="faint">
                {[axes.x, axes.y].map((name) => `${name} ${formatScore(one.scores[name] ?? Number.NaN)}`).join(' · ')}
              </small>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
