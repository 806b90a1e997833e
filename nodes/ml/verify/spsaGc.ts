import { type SpsaSchedule, spsaGradient, spsaMove, spsaSteps } from '../optimise/spsa.ts';
import type { Family } from './family.ts';

/** Of cos in the loss. */
const [RIPPLE, FREQUENCY] = [0.2, 3];

/** SPSA-GC on a rippled quadratic loss with given perturbations: the released form, and the paper's. */
export const spsaGc: Family = async (golden) => {
  const read = (name: string) => golden.input(name).data() as Promise<Float32Array>;
  const [start, target, curvature, signs, magnitudes] = (await Promise.all(
    ['in.start', 'in.target', 'in.curvature', 'in.signs', 'in.magnitudes'].map(read),
  )) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
  const { steps, pairs, momentum, ...stated } = golden.settings as Record<string, number>;
  const schedule: SpsaSchedule = {
    stepSize: stated.a!,
    perturbation: stated.c!,
    offset: stated.o!,
    stepDecay: stated.alpha!,
    perturbationDecay: stated.gamma!,
  };
  const d = start.length;
  const loss = (w: Float32Array) =>
    w.reduce((sum, x, i) => sum + (curvature[i]! * (x - target[i]!) ** 2) / 2 + RIPPLE * Math.cos(FREQUENCY * x), 0);
  const deltasOf = (k: number) =>
    Array.from({ length: pairs! }, (_, j) => {
      const first = (k * pairs! + j) * d;
      return Float32Array.from({ length: d }, (_, i) => signs[first + i]! * magnitudes[first + i]!);
    });
  /** Of the negative loss, which is what is climbed. */
  const gradientAt = (w: Float32Array, k: number, c: number): Float32Array => {
    const deltas = deltasOf(k);
    const moved = (delta: Float32Array, sign: number) => w.map((x, i) => x + sign * c * delta[i]!);
    const rewards = deltas.flatMap((delta) => [-loss(moved(delta, 1)), -loss(moved(delta, -1))]);
    return spsaGradient(rewards, deltas, c);
  };
  const rows: Record<string, number[]> = {
    schedule: [],
    gradient: [],
    momentum: [],
    w: [...start],
    loss: [loss(start)],
  };
  let w = start;
  let m: Float32Array | undefined;
  let [phi, v] = [start, new Float32Array(d)];
  rows['paper.phi'] = [...phi];
  for (let k = 0; k < steps!; k++) {
    const { a, c } = spsaSteps(k + 1, schedule);
    const g = gradientAt(w, k, c);
    ({ w, m } = spsaMove(w, m, g, a, momentum!));
    rows.schedule!.push(a, c);
    rows.gradient!.push(...g.map((each) => -each)); // of the loss
    rows.momentum!.push(...m.map((each) => -each));
    rows.w!.push(...w);
    rows.loss!.push(loss(w));
    const ahead = phi.map((x, i) => x + momentum! * v[i]!);
    const own = gradientAt(ahead, k, c);
    v = v.map((each, i) => momentum! * each + a * own[i]!);
    phi = phi.map((x, i) => x + v[i]!);
    rows['paper.phi']!.push(...phi);
  }
  rows['paper.v'] = [...v];
  for (const [name, values] of Object.entries(rows)) golden.output(`out.${name}`, values);
};
