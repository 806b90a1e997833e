import { AxisBottom, AxisLeft } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';
import { Download } from 'lucide-react';
import { type PointerEvent, useMemo, useRef, useState } from 'react';
import type { RunSummary } from '../../electron/host/ipc.ts';
import { pngOfSvg, svgText } from '../controls/svgFile.ts';
import { useSize } from '../controls/useSize.ts';
import { useEditor } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { attempt } from '../state/session.ts';
import type { Point } from '../state/view.ts';
import { type Candidate, candidatesOf, csvOf, frontOf } from './candidates.ts';
import { RunImage } from './RunImage.tsx';
import { TableChoice } from './TableChoice.tsx';

const margin = { left: 64, right: 16, top: 16, bottom: 56 };

/** What is brushed, between two corners in units of the scores: it stays where it is when the plot changes its size. */
interface Box {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** How far a click may be from the point that it means, and how far a press may move that is still a click, in pixels. */
const [NEAR, STILL] = [16, 6];

/** Every candidate of a run as a point on two of its scores, with the front; a box selects, a click shows the image. */
export function ParetoPlot({ run }: { run: RunSummary }) {
  const largest = run.scores.reduce(
    (best, { values, names }, i) =>
      names.length > 1 &&
      values.length > (run.scores[best]?.values.length ?? 0) * Number((run.scores[best]?.names.length ?? 0) > 1)
        ? i
        : best,
    0,
  );
  const [table, setTable] = useState(largest);
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
  const editor = useEditor();
  const svg = useRef<SVGSVGElement>(null);
  const [place, { width, height } = { width: 640, height: 480 }] = useSize<HTMLDivElement>();
  const [axes, setAxes] = useState<{ x: number; y: number }>({ x: 0, y: 1 });
  const [box, setBox] = useState<Box>();
  const pressed = useRef<Point>(undefined);
  const [shown, setShown] = useState<string>();
  const candidates = useMemo(() => candidatesOf(run, table), [run, table]);
  const [xName, yName] = [names[axes.x] ?? '', names[axes.y] ?? ''];
  const front = useMemo(() => frontOf(candidates, xName, yName), [candidates, xName, yName]);
  const x = scaleOf(candidates, xName, [margin.left, width - margin.right]);
  const y = scaleOf(candidates, yName, [height - margin.bottom, margin.top]);
  const placeOf = ({ scores }: Candidate) => ({ x: x(scores[xName] ?? 0), y: y(scores[yName] ?? 0) });
  const onFront = new Set(front);
  const selected = box
    ? candidates.filter(
        ({ scores }) => isBetween(scores[xName] ?? Number.NaN, box.x) && isBetween(scores[yName] ?? Number.NaN, box.y),
      )
    : [];
  const current = candidates.find(({ key }) => key === shown);
  const pointOf = (event: PointerEvent<SVGSVGElement>) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
  const nearest = (to: Point) => {
    const near = candidates.filter((one) => distance(placeOf(one), to) <= NEAR);
    return near.sort((a, b) => distance(placeOf(a), to) - distance(placeOf(b), to))[0];
  };
  const look = (wanted: typeof axes) => {
    setAxes(wanted);
    setBox(undefined);
  };
  const save = (name: string, bytes: () => Uint8Array | Promise<Uint8Array>) =>
    void attempt(editor, async () => editor.desktop.exportFile(name, await bytes()));
  const list = selected.length > 0 ? selected : front;
  return (
    <div className="pareto">
      <div className="viewer-bar">
        <TableChoice run={run} table={table} onChange={onTable} />
        <AxisChoice
          label={messages.results.horizontal}
          names={names}
          value={xName}
          onChange={(i) => look({ ...axes, x: i })}
        />
        <AxisChoice
          label={messages.results.vertical}
          names={names}
          value={yName}
          onChange={(i) => look({ ...axes, y: i })}
        />
        <button
          type="button"
          className="button"
          onClick={() => save('pareto.svg', () => new TextEncoder().encode(svgText(svg.current)))}
        >
          <Download size={14} aria-hidden /> {messages.results.svg}
        </button>
        <button type="button" className="button" onClick={() => save('pareto.png', () => pngOfSvg(svg.current))}>
          <Download size={14} aria-hidden /> {messages.results.png}
        </button>
        <button
          type="button"
          className="button"
          onClick={() =>
            save('pareto.csv', () => new TextEncoder().encode(csvOf(selected.length > 0 ? selected : candidates)))
          }
        >
          <Download size={14} aria-hidden /> {messages.results.csv}
        </button>
      </div>
      <div className="pareto-middle">
        <div ref={place} className="plot-place">
          <svg
            ref={svg}
            className="plot"
            viewBox={`0 0 ${width} ${height}`}
            role="img"
            aria-label={messages.results.paretoHelp}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              pressed.current = pointOf(event);
            }}
            onPointerMove={(event) => {
              const [from, to] = [pressed.current, pointOf(event)];
              if (!from || distance(from, to) <= STILL) return;
              setBox({ x: [x.invert(from.x), x.invert(to.x)], y: [y.invert(from.y), y.invert(to.y)] });
            }}
            onPointerUp={(event) => {
              const [from, to] = [pressed.current, pointOf(event)];
              pressed.current = undefined;
              if (!from || distance(from, to) > STILL) return;
              const meant = nearest(to);
              if (meant) setShown(meant.key);
              else setBox(undefined);
            }}
          >
            <AxisBottom top={height - margin.bottom} scale={x} label={xName} numTicks={6} labelOffset={16} />
            <AxisLeft left={margin.left} scale={y} label={yName} numTicks={6} labelOffset={36} />
            <LinePath
              className="front-line"
              data={front}
              x={(one) => placeOf(one).x}
              y={(one) => placeOf(one).y}
              fill="none"
            />
            {candidates.map((one) => {
              const { x: px, y: py } = placeOf(one);
              if (!Number.isFinite(px) || !Number.isFinite(py)) return null;
              const classes = ['point', onFront.has(one) && 'front', selected.includes(one) && 'chosen'];
              return (
                <circle
                  key={one.key}
                  className={classes.filter(Boolean).join(' ')}
                  cx={px}
                  cy={py}
                  r={onFront.has(one) ? 5 : 3.5}
                >
                  <title>{nameOf(one)}</title>
                </circle>
              );
            })}
            {box && (
              <rect
                className="brush"
                x={Math.min(...box.x.map(x))}
                y={Math.min(...box.y.map(y))}
                width={Math.abs(x(box.x[1]) - x(box.x[0]))}
                height={Math.abs(y(box.y[1]) - y(box.y[0]))}
              />
            )}
            {current && <circle className="ring" cx={placeOf(current).x} cy={placeOf(current).y} r={9} />}
          </svg>
        </div>
        <aside className="pareto-side">
          {current && (
            <figure className="pareto-current">
              {current.image && <RunImage folder={run.folder} name={current.image} alt="" />}
              <figcaption>
                <b>{nameOf(current)}</b>
                <dl className="best">
                  {Object.entries(current.scores).map(([name, value]) => (
                    <div key={name}>
                      <dt>{name}</dt>
                      <dd>{messages.results.number(value)}</dd>
                    </div>
                  ))}
                </dl>
                {!current.image && <p className="faint">{messages.results.noImageOf}</p>}
              </figcaption>
            </figure>
          )}
          <p className="faint">
            {selected.length > 0 ? messages.results.selected(selected.length) : messages.results.paretoHelp}
          </p>
          <ul className="pareto-list">
            {list.slice(0, 200).map((one) => (
              <li key={one.key}>
                <button type="button" aria-pressed={one === current} onClick={() => setShown(one.key)}>
                  {one.image && <RunImage folder={run.folder} name={one.image} alt="" />}
                  <span>
                    {nameOf(one)}
                    <small className="faint">
                      {[xName, yName]
                        .map((name) => `${name} ${messages.results.number(one.scores[name] ?? Number.NaN)}`)
                        .join(' · ')}
                    </small>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </aside>
      </div>
    </div>
  );
}

function isBetween(value: number, ends: readonly [number, number]): boolean {
  return value >= Math.min(...ends) && value <= Math.max(...ends);
}

function scaleOf(candidates: readonly Candidate[], name: string, range: [number, number]) {
  const values = candidates.map(({ scores }) => scores[name] ?? Number.NaN).filter(Number.isFinite);
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const pad = (high - low) * 0.05 || 1;
  return scaleLinear({ domain: [low - pad, high + pad], range });
}

function nameOf({ prompt, seed, key }: Candidate): string {
  const name = prompt ?? `${messages.results.candidate} ${key}`;
  return seed === undefined ? name : `${name}, ${messages.results.seed} ${seed}`;
}

interface AxisChoiceProps {
  readonly label: string;
  readonly names: readonly string[];
  readonly value: string;
  onChange(column: number): void;
}

function AxisChoice({ label, names, value, onChange }: AxisChoiceProps) {
  return (
    <label className="viewer-choice">
      {label}
      <select className="field" value={value} onChange={({ target }) => onChange(names.indexOf(target.value))}>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}
