import { AxisBottom, AxisLeft } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';
import { type PointerEvent, type RefObject, useRef } from 'react';
import { useSize } from '../controls/useSize.ts';
import { messages } from '../state/messages.ts';
import type { Point } from '../state/view.ts';
import { type Candidate, nameCandidate } from './candidates.ts';

const MARGIN = { left: 64, right: 16, top: 16, bottom: 56 };
/** The largest distance in pixels between a click and the point it selects. */
const NEAR = 16;
/** The largest movement in pixels of a press that still counts as a click. */
const STILL = 6;

/** What is brushed, between two corners in units of the scores: it stays where it is when the plot changes its size. */
export interface Brush {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

export interface Axes {
  readonly x: string;
  readonly y: string;
}

interface ScatterProps {
  readonly svg: RefObject<SVGSVGElement | null>;
  readonly candidates: readonly Candidate[];
  readonly front: readonly Candidate[];
  readonly selected: readonly Candidate[];
  readonly current: Candidate | undefined;
  readonly axes: Axes;
  readonly brush: Brush | undefined;
  onBrush(brush: Brush | undefined): void;
  onShow(candidate: Candidate): void;
}

/** Candidates as points, with the front as a line; a drag brushes, a click shows the point that is near. */
export function Scatter({ svg, candidates, front, selected, current, axes, brush, onBrush, onShow }: ScatterProps) {
  const [place, { width, height } = { width: 640, height: 480 }] = useSize<HTMLDivElement>();
  const x = scaleTo(candidates, axes.x, [MARGIN.left, width - MARGIN.right]);
  const y = scaleTo(candidates, axes.y, [height - MARGIN.bottom, MARGIN.top]);
  const locate = ({ scores }: Candidate) => ({ x: x(scores[axes.x] ?? 0), y: y(scores[axes.y] ?? 0) });
  const findNearest = (to: Point) => {
    const near = candidates.filter((one) => measureDistance(locate(one), to) <= NEAR);
    return near.sort((a, b) => measureDistance(locate(a), to) - measureDistance(locate(b), to))[0];
  };
  const [onFront, chosen] = [new Set(front), new Set(selected)];
  const press = useBrushing({
    brush: (from, to) => onBrush({ x: [x.invert(from.x), x.invert(to.x)], y: [y.invert(from.y), y.invert(to.y)] }),
    click(at) {
      const meant = findNearest(at);
      if (meant) onShow(meant);
      else onBrush(undefined);
    },
  });
  return (
    <div ref={place} className="plot-place">
      <svg
        ref={svg}
        className="plot"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={messages.results.paretoHelp}
        {...press}
      >
        <AxisBottom top={height - MARGIN.bottom} scale={x} label={axes.x} numTicks={6} labelOffset={16} />
        <AxisLeft left={MARGIN.left} scale={y} label={axes.y} numTicks={6} labelOffset={36} />
        <LinePath
          className="front-line"
          data={[...front]}
          x={(one) => locate(one).x}
          y={(one) => locate(one).y}
          fill="none"
        />
        {candidates.map((one) => (
          <Dot key={one.key} candidate={one} at={locate(one)} isFront={onFront.has(one)} isChosen={chosen.has(one)} />
        ))}
        {brush && (
          <rect
            className="brush"
            x={Math.min(...brush.x.map(x))}
            y={Math.min(...brush.y.map(y))}
            width={Math.abs(x(brush.x[1]) - x(brush.x[0]))}
            height={Math.abs(y(brush.y[1]) - y(brush.y[0]))}
          />
        )}
        {current && <circle className="ring" cx={locate(current).x} cy={locate(current).y} r={9} />}
      </svg>
    </div>
  );
}

interface DotProps {
  readonly candidate: Candidate;
  readonly at: Point;
  readonly isFront: boolean;
  readonly isChosen: boolean;
}

function Dot({ candidate, at, isFront, isChosen }: DotProps) {
  if (!Number.isFinite(at.x) || !Number.isFinite(at.y)) return null;
  const classes = ['point', isFront && 'front', isChosen && 'chosen'];
  return (
    <circle className={classes.filter(Boolean).join(' ')} cx={at.x} cy={at.y} r={isFront ? 5 : 3.5}>
      <title>{nameCandidate(candidate)}</title>
    </circle>
  );
}

interface Brushing {
  brush(from: Point, to: Point): void;
  click(at: Point): void;
}

/** Tells a drag across the plot from a click. */
function useBrushing({ brush, click }: Brushing) {
  const pressed = useRef<Point>(undefined);
  return {
    onPointerDown(event: PointerEvent<SVGSVGElement>) {
      event.currentTarget.setPointerCapture(event.pointerId);
      pressed.current = locatePointer(event);
    },
    onPointerMove(event: PointerEvent<SVGSVGElement>) {
      const [from, to] = [pressed.current, locatePointer(event)];
      if (from && measureDistance(from, to) > STILL) brush(from, to);
    },
    onPointerUp(event: PointerEvent<SVGSVGElement>) {
      const [from, to] = [pressed.current, locatePointer(event)];
      pressed.current = undefined;
      if (from && measureDistance(from, to) <= STILL) click(to);
    },
  };
}

function locatePointer({ currentTarget, clientX, clientY }: PointerEvent<SVGSVGElement>): Point {
  const { left, top } = currentTarget.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

function measureDistance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** A scale from scores to pixels, with a margin around their range. */
function scaleTo(candidates: readonly Candidate[], name: string, range: [number, number]) {
  const values = candidates.map(({ scores }) => scores[name] ?? Number.NaN).filter(Number.isFinite);
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const margin = (high - low) * 0.05 || 1;
  return scaleLinear({ domain: [low - margin, high + margin], range });
}
