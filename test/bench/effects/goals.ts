import { frontMethod } from './populations.ts';
import type { Row } from './report.ts';
import type { ConditionRow } from './reportConsistency.ts';

/** What the methods are meant to reach, and what they reached. */
export interface Goal {
  readonly goal: string;
  readonly reached: string;
  readonly met: boolean;
}

/** The goals that the rows tell something of. */
export function goalsOf(rows: readonly Row[], conditionRows: readonly ConditionRow[], controlled: string): Goal[] {
  const row = (method: string) => rows.find((each) => each.method === method);
  const [base, reno, sameTime, find] = ['one sample', 'ReNO', 'best of N, equal time', 'FIND, equal time'].map(row);
  const goals: (Goal | undefined)[] = [
    base && goal('one sample is between 0.35 and 0.75', base.mean, base.mean >= 0.35 && base.mean <= 0.75),
    base && reno && goal('ReNO is 0.12 above one sample', reno.gain.mean, reno.gain.mean >= 0.12),
    reno &&
      sameTime &&
      goal('ReNO is not below best of N at equal time', reno.mean - sameTime.mean, reno.mean >= sameTime.mean),
    ...preregisteredGoals(rows),
    reno && find && shareGoal(find.gain.mean, reno.gain.mean),
    ...['WCO', 'UWO'].map((way) => gapGoal(way, row(`ReNO, ${way}`), row('ReNO, weighted sum'))),
    ...rows.filter(({ method }) => method.startsWith('weights ')).map((fixed) => volumeGoal(row(frontMethod), fixed)),
    ...conditionGoals(conditionRows, controlled),
  ];
  return goals.filter((each) => each !== undefined);
}

/** What was said of ReNO of few evaluations before it was measured, see `preregistered`. */
function preregisteredGoals(rows: readonly Row[]): Goal[] {
  return rows.flatMap(({ method, gain, mean }) => {
    const rival = (name: string) => rows.find((each) => each.method.endsWith(`: ${name} of ${method}`));
    const [calls, time] = [rival('calls'), rival('time')];
    if (!calls || !time) return [];
    const surely = gain.mean >= 0.12 && (gain.low ?? 0) > 0;
    return [
      goal(`${method} is 0.12 above one sample, its interval above 0`, gain.mean, surely),
      goal(`${method} is 0.03 above best of N at equal calls`, mean - calls.mean, mean - calls.mean >= 0.03),
      goal(`${method} is not below best of N at equal time`, mean - time.mean, mean >= time.mean),
    ];
  });
}

function goal(text: string, reached: number, met: boolean): Goal {
  return { goal: text, reached: reached.toFixed(3), met };
}

function shareGoal(find: number, reno: number): Goal {
  const share = find / reno;
  return goal("FIND has 60 % of ReNO's gain", share, reno > 0 && share >= 0.6);
}

function gapGoal(way: string, own: Row | undefined, sum: Row | undefined): Goal | undefined {
  if (own?.gap === undefined || sum?.gap === undefined) return undefined;
  return goal(
    `${way} has a smaller gap between optimised and held-out gain than the weighted sum`,
    own.gap - sum.gap,
    own.gap < sum.gap,
  );
}

function volumeGoal(front: Row | undefined, fixed: Row): Goal | undefined {
  if (front?.volume === undefined || fixed.volume === undefined) return undefined;
  const more = front.volume - fixed.volume;
  return goal(`${frontMethod} has a larger hypervolume than ${fixed.method}`, more, more > 0);
}

function conditionGoals(rows: readonly ConditionRow[], controlled: string): (Goal | undefined)[] {
  const plain = rows.find(({ method }) => method === controlled)?.values;
  const kept = rows.find(({ method }) => method === `${controlled} + consistency reward`)?.values;
  if (!plain || !kept || kept.depth === undefined) return []; // the kind that comes last
  const [ratio, ssim, rmse] = [
    kept.segmentation! / plain.segmentation! - 1,
    kept.edges! - plain.edges!,
    kept.depth - plain.depth!,
  ];
  return [
    goal(`the consistency reward raises the mIoU of ${controlled} by 30 %`, ratio, ratio >= 0.3),
    goal(`it raises the SSIM of edges`, ssim, ssim > 0),
    goal(`it lowers the RMSE of depth`, rmse, rmse < 0),
  ];
}
