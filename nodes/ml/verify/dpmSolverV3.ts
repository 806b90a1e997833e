import { joinPath } from '../../files.ts';
import { type DpmV3Options, dpmSolverV3, dpmV3Defaults, spacedPoints } from '../diffusion/dpmSolverV3.ts';
import { estimateStatistics } from '../diffusion/estimateStatistics.ts';
import { alphaSigma, type LogSnr, logSnr } from '../diffusion/logSnr.ts';
import { alphasCumprod } from '../diffusion/noiseSchedule.ts';
import type { SchedulerConfig } from '../diffusion/scheduler.ts';
import { readSettings, trainedAllowed, trainedDefaults } from '../diffusion/settings.ts';
import { integrate, lambdaGrid, type SolverStatistics } from '../diffusion/solverIntegrals.ts';
import { readStatistics } from '../diffusion/statisticsFiles.ts';
import {
  add,
  div,
  gather,
  log,
  mul,
  reshape,
  softmax,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  transpose,
} from '../tf.ts';
import type { Family, GoldenFolder } from './family.ts';

/** A case of case.json, in the names of the published solver. */
interface SolverCase {
  readonly steps: number;
  readonly order: number;
  readonly use_corrector: boolean;
  readonly skip_type: 'time_uniform' | 'logSNR';
  readonly p_pseudo: boolean;
  readonly c_pseudo: boolean;
  readonly lower_order_final: boolean;
  readonly half: boolean;
  readonly degenerated: boolean;
}
const HALF = 0.5;
/** Steps of the Runge-Kutta method for the exact solution. */
const EXACT_STEPS = 200;

/** DPM-Solver-v3: grid, statistics of the exact model of a Gaussian mixture, integrals and trajectories. */
export const dpmSolverV3Family: Family = async (golden) => {
  const { settings } = golden;
  const config: SchedulerConfig = { _class_name: 'DPMSolverV3Scheduler', ...settings };
  const snr = logSnr(alphasCumprod(readSettings(config, trainedDefaults, trainedAllowed)));
  const lambdas = lambdaGrid(snr, Number(settings.grid));
  golden.output('out.grid.lambda', lambdas);
  golden.output('out.grid.time', lambdas.map(snr.timeAt));
  const mixture = readMixture(golden);
  try {
    await outputEstimates(golden, lambdas, mixture.predict);
    const place = (name: string) => joinPath(golden.path, `statistics/${name}`);
    const statistics = await readStatistics(golden.files, { l: place('l.npz'), sb: place('sb.npz') });
    outputIntegrals(golden, statistics, lambdas);
    const cases = Object.entries(settings.cases as Record<string, SolverCase>);
    const exact = tidy(() => solveExactly(mixture.predict, golden.input('in.start'), lambdas));
    golden.output(
      'out.exact',
      tidy(() => channelsFirst(exact)),
    );
    const errors: number[] = [];
    for (const [name, each] of cases) {
      const result = runCase(golden, name, each, { config, snr, lambdas, statistics, predict: mixture.predict });
      const distance = tidy(() => sum(square(sub(result, exact))));
      errors.push(Math.sqrt((await distance.data())[0]! / exact.size));
      distance.dispose();
      result.dispose();
    }
    exact.dispose();
    golden.output('out.errors', errors);
  } finally {
    mixture.dispose();
  }
};

const channelsLast = (x: Tensor): Tensor => transpose(x, [...keysBefore(x, 3), x.rank - 2, x.rank - 1, x.rank - 3]);
const channelsFirst = (x: Tensor): Tensor => transpose(x, [...keysBefore(x, 3), x.rank - 1, x.rank - 3, x.rank - 2]);
const keysBefore = (x: Tensor, last: number): number[] => [...x.shape.keys()].slice(0, -last);

type Predict = (x: Tensor, lambda: number) => Tensor;

/** The noise prediction that is exact for a mixture of Gaussians with one diagonal covariance, x [N, h, w, c]. */
function readMixture(golden: GoldenFolder): { predict: Predict; dispose(): void } {
  const [means, variances, logWeights] = tidy(() => [
    channelsLast(golden.input('in.mixture.means')), // [M, h, w, c]
    channelsLast(golden.input('in.mixture.variances')),
    log(golden.input('in.mixture.weights')),
  ]) as [Tensor, Tensor, Tensor];
  return {
    predict(x, lambda) {
      const [alpha, sigma] = alphaSigma(lambda);
      const v = add(mul(variances, alpha ** 2), sigma ** 2);
      const away = sub(reshape(x, [x.shape[0]!, 1, ...x.shape.slice(1)]), mul(means, alpha)); // [N, M, h, w, c]
      const w = softmax(sub(logWeights, sum(div(square(away), mul(v, 2)), [2, 3, 4])) as Tensor); // [N, M]
      const each = add(means, mul(div(mul(variances, alpha), v), away));
      const clean = sum(mul(reshape(w, [...w.shape, 1, 1, 1]), each), 1);
      return div(sub(x, mul(clean, alpha)), sigma);
    },
    dispose() {
      for (const each of [means, variances, logWeights]) each.dispose();
    },
  };
}

async function outputEstimates(golden: GoldenFolder, lambdas: readonly number[], predict: Predict): Promise<void> {
  const [clean, noise, probe] = tidy(() =>
    ['in.clean', 'in.noise', 'in.probe'].map((name) => channelsLast(golden.input(name))),
  ) as [Tensor, Tensor, Tensor];
  try {
    const settings = { batch: clean.shape[0]!, share: false };
    const found = await estimateStatistics(predict, { clean, noise, probe }, lambdas, settings, async () => {});
    const shape = [lambdas.length, ...clean.shape.slice(1)];
    const output = (name: string, values: Float32Array) =>
      golden.output(
        name,
        tidy(() => channelsFirst(tensor(values, shape))),
      );
    output('out.ems.l_transposed', found.l);
    output('out.ems.l', found.l); // J is the Jacobian of a gradient here, and hence symmetric: J^T v = J v
    output('out.ems.l_slope', found.slope);
    output('out.ems.f', found.f);
    output('out.ems.f_change', found.change);
    output('out.ems.s', found.s);
    output('out.ems.b', found.b);
  } finally {
    for (const each of [clean, noise, probe]) each.dispose();
  }
}

function outputIntegrals(golden: GoldenFolder, statistics: SolverStatistics, lambdas: readonly number[]): void {
  const { size: _, ...integrals } = integrate(statistics, lambdas);
  for (const [name, values] of Object.entries(integrals)) {
    const whole = tidy(() => channelsFirst(tensor(Float32Array.from(values), [lambdas.length, ...statistics.shape])));
    golden.output(`out.integral.${name}`, whole);
  }
}

interface Run {
  readonly config: SchedulerConfig;
  readonly snr: LogSnr;
  readonly lambdas: readonly number[];
  readonly statistics: SolverStatistics;
  readonly predict: Predict;
}

/** Hands over both trajectories of a case; the result of the one with the mixture is the caller's. */
function runCase(golden: GoldenFolder, name: string, each: SolverCase, run: Run): Tensor {
  const { config, snr, lambdas, predict } = run;
  const plain = (value: number) => run.statistics.l.map(() => value);
  const degenerate = { ...run.statistics, l: plain(1), s: plain(0), b: plain(0) };
  const options: DpmV3Options = {
    ...dpmV3Defaults,
    order: each.order,
    corrector: each.use_corrector,
    predictorPseudo: each.p_pseudo,
    correctorPseudo: each.c_pseudo,
    lowerOrderFinal: each.lower_order_final,
    correctAbove: each.half ? HALF : 0,
    spacing: each.skip_type === 'logSNR' ? 'lambda' : 'time',
  };
  const scheduler = dpmSolverV3(config, each.degenerated ? degenerate : run.statistics, options);
  const points = spacedPoints(snr, lambdas, options.spacing, each.steps);
  golden.output(`out.${name}.indexes`, points);
  golden.output(
    `out.${name}.times`,
    points.map((point) => snr.timeAt(lambdas[point]!)),
  );
  const plan = scheduler.plan(each.steps);
  const trajectory = (answer: (x: Tensor, i: number) => Tensor): Tensor[] => {
    let [x, state]: [Tensor, Tensor[]] = [channelsLast(golden.input('in.start')), []];
    const passed: Tensor[] = [];
    for (const i of plan.timesteps.keys()) {
      ({ x, state } = scheduler.step(plan, i, { x, modelOutput: answer(x, i), state }));
      passed.push(state[0]!); // corrected, where a corrector acts
    }
    return [...passed, x];
  };
  const stacked = (states: readonly Tensor[]) => stack(states.map(channelsFirst));
  const given = tidy(() => stacked(trajectory((_x, i) => channelsLast(gather(golden.input('in.model_outputs'), i)))));
  golden.output(`out.${name}.given`, given);
  const [all, result] = tidy(() => {
    const states = trajectory((x, i) => predict(x, lambdas[points[i]!]!));
    return [stacked(states), states.at(-1)!];
  }) as [Tensor, Tensor];
  golden.output(`out.${name}.run`, all);
  return result;
}

/** The solution at the end of the grid of dx / dlambda = sigma^2 x - sigma eps, by the classical Runge-Kutta method. */
function solveExactly(predict: Predict, start: Tensor, lambdas: readonly number[]): Tensor {
  const [first, last] = [lambdas[0]!, lambdas.at(-1)!];
  const h = (last - first) / EXACT_STEPS;
  const slope = (x: Tensor, lambda: number) => {
    const [, sigma] = alphaSigma(lambda);
    return sub(mul(x, sigma ** 2), mul(predict(x, lambda), sigma));
  };
  let x = channelsLast(start);
  for (let i = 0; i < EXACT_STEPS; i++)
    x = tidy(() => {
      const at = first + i * h;
      const k1 = slope(x, at);
      const k2 = slope(add(x, mul(k1, h / 2)), at + h / 2);
      const k3 = slope(add(x, mul(k2, h / 2)), at + h / 2);
      const k4 = slope(add(x, mul(k3, h)), at + h);
      return add(x, mul(add(add(k1, k4), mul(add(k2, k3), 2)), h / 6));
    });
  return x;
}
