import { scaleLinear } from '@visx/scale';
import { LinePath } from '@visx/shape';
import { messages } from '../messages.ts';
import type { Curves } from '../state/run.ts';

const [width, height, pad] = [232, 64, 4];

/** The curves of a node while they climb: one line for each name, its last value beside it. */
export function RewardCurve({ curves }: { curves: Curves }) {
  const names = Object.keys(curves);
  return (
    <figure className="curve" aria-label={messages.run.curve(names)}>
      {names.map((name, i) => (
        <OneCurve key={name} name={name} points={curves[name] ?? []} number={i} />
      ))}
    </figure>
  );
}

function OneCurve({ name, points, number }: { name: string; points: Curves[string]; number: number }) {
  const values = points.map(([, value]) => value);
  const x = scaleLinear({ domain: [0, 1], range: [pad, width - pad] });
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = scaleLinear({ domain: low === high ? [low - 1, high + 1] : [low, high], range: [height - pad, pad] });
  const last = points.at(-1);
  return (
    <div className={`curve-line line-${number % 4}`}>
      <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        <LinePath data={[...points]} x={([fraction]) => x(fraction)} y={([, value]) => y(value)} fill="none" />
        {last && <circle cx={x(last[0])} cy={y(last[1])} r={2.5} />}
      </svg>
      <span>
        {name} <b>{last ? messages.results.number(last[1]) : ''}</b>
      </span>
    </div>
  );
}
