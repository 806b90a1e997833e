import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';
import { formatScore } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import type { Curves } from '../state/run.ts';

/** Pixels of a curve across, and what is left free around its line. */
const WIDTH = 232;
const PADDING = 4;

/** The reward curves of a running node: the first one large, each with its best and its latest value. */
export function RewardCurve({ curves }: { curves: Curves }) {
  const names = Object.keys(curves).filter((name) => !(name.startsWith('best ') && name.slice(5) in curves));
  return (
    <figure className="curve" aria-label={messages.run.curve(names)}>
      {names.map((name, i) => (
        <OneCurve
          key={name}
          name={name}
          points={curves[name] ?? []}
          best={curves[`best ${name}`] ?? []}
          height={i === 0 ? 72 : 24}
        />
      ))}
    </figure>
  );
}

interface OneCurveProps {
  readonly name: string;
  readonly points: Curves[string];
  readonly best: Curves[string];
  readonly height: number;
}

function OneCurve({ name, points, best, height }: OneCurveProps) {
  const values = [...points, ...best].map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = scaleLinear({ domain: [0, 1], range: [PADDING, WIDTH - PADDING] });
  const y = scaleLinear({
    domain: low === high ? [low - 1, high + 1] : [low, high],
    range: [height - PADDING, PADDING],
  });
  const last = points.at(-1);
  const place = { x: ([fraction]: Curves[string][number]) => x(fraction), y: ([, v]: Curves[string][number]) => y(v) };
  return (
    <div className="curve-line">
      <span>
        {name} <b>{last ? formatScore(last[1]) : ''}</b>
      </span>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} aria-hidden="true">
        <LinePath className="best" data={[...best]} {...place} fill="none" />
        <LinePath data={[...points]} {...place} fill="none" />
        {last && <circle cx={x(last[0])} cy={y(last[1])} r={2.5} />}
      </svg>
    </div>
  );
}
