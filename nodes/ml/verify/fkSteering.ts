import {
  drawnParticles,
  drawRows,
  drawSystematic,
  effectiveSize,
  type Potential,
  readPotential,
  sharesOf,
  startParticles,
  weighParticles,
} from '../optimise/particles.ts';
import {
  add,
  clone,
  dispose,
  gather,
  keep,
  matMul,
  mean,
  mul,
  squaredDifference,
  sub,
  type Tensor2D,
  tidy,
} from '../tf.ts';
import type { Family, GoldenFolder } from './family.ts';

interface Settings {
  readonly particles: number;
  readonly steps: number;
  readonly events: readonly number[];
  readonly strength: number;
  readonly potentials: readonly string[];
}

/** What happened at an event, one number a particle where it is a list. */
type Event = Readonly<Record<string, number | readonly number[]>>;

/** At an event, from its number and the rewards of the particles: what is to be recorded, and which particles go on. */
type AtEvent = (event: number, rewards: readonly number[]) => { record: Event; rows: readonly number[] };

/** Steering of particles on a toy chain: as the released code does it, with its lost weights, and with weights that are carried on. */
export const fkSteering: Family = async (golden) => {
  const settings = golden.settings as unknown as Settings;
  const wants = (name: string) => golden.wanted.some((row) => row.name.startsWith(`${name}.`));
  const chain = async (name: string, atEvent: (uniforms: readonly (readonly number[])[]) => AtEvent) => {
    if (wants(name)) await outputChain(golden, settings, name, atEvent(await rowsOf(golden, 'in.uniforms')));
  };
  for (const potential of settings.potentials) {
    await chain(`out.${potential}`, (uniforms) => released(potential, false, settings, uniforms));
    await chain(`out.${potential}_adaptive`, (uniforms) => released(potential, true, settings, uniforms));
  }
  await chain('out.carried', (uniforms) => carriedOn(settings, uniforms));
  if (wants('out.tables')) await outputTables(golden);
};

async function outputTables(golden: GoldenFolder): Promise<void> {
  const weights = await rowsOf(golden, 'in.tables.weights');
  const uniforms = await rowsOf(golden, 'in.tables.uniforms');
  const stratified = (shares: readonly number[], points: readonly number[]) =>
    drawRows(
      shares,
      points.map((point, k) => (point + k) / shares.length),
    );
  golden.output(
    'out.tables.systematic',
    weights.flatMap((shares, i) => drawSystematic(shares, uniforms[i]![0]!)),
  );
  golden.output(
    'out.tables.stratified',
    weights.flatMap((shares, i) => stratified(shares, uniforms[i]!)),
  );
}

/** Runs the chain, and hands over what `atEvent` recorded and the latents at the end. */
async function outputChain(
  golden: GoldenFolder,
  { steps, events }: Settings,
  name: string,
  atEvent: AtEvent,
): Promise<void> {
  const records: Event[] = [];
  let latents: Tensor2D = clone(golden.input('in.latents') as Tensor2D);
  for (let step = 0; step < steps; step++) {
    const at = (tensor: string): Tensor2D => gather(golden.input(tensor), step) as Tensor2D;
    const rewards = tidy(() => {
      const estimate = matMul(latents, at('in.look'));
      return sub(1.5, mean(squaredDifference(estimate, golden.input('in.target')), 1));
    });
    const values = [...(await rewards.data())];
    const event = events.indexOf(step);
    const found = event < 0 ? undefined : atEvent(event, values);
    if (found) records.push(found.record);
    const next = tidy(() => {
      const moved: Tensor2D = add(mul(latents, 0.9), mul(at('in.noise'), 0.3));
      return keep(found ? gather(moved, [...found.rows]) : moved);
    });
    dispose([latents, rewards]);
    latents = next;
  }
  for (const what of Object.keys(records[0] ?? {}))
    golden.output(
      `${name}.${what}`,
      records.flatMap((record) => record[what]!),
    );
  golden.output(`${name}.latents`, latents);
}

/** What the released code calls the potentials; its rt is the reward alone. */
const potentialNames: Readonly<Record<string, Potential>> = { diff: 'difference', max: 'max', add: 'sum' };
const LARGEST_WEIGHT = 1e10;

/**
 * The released sampler: a weight counts only at its own event, draws by a number for each particle. Source:
 * zacharyhorvitz/Fk-Diffusion-Steering, fkd_class.py
 */
function released(
  name: string,
  adaptive: boolean,
  { particles, strength, events }: Settings,
  uniforms: readonly (readonly number[])[],
): AtEvent {
  let carried = new Array<number>(particles).fill(0);
  let spent = new Array<number>(particles).fill(0); // ln of the weights that each was drawn with
  return (event, reward) => {
    const isLast = event === events.length - 1;
    const read = reward.map((r, i) => {
      const potential = potentialNames[name];
      return potential ? readPotential(potential, carried[i]!, r, strength) : { carried: r, exponent: strength * r };
    });
    const exponents = read.map(({ exponent }, i) => exponent - (isLast && name !== 'diff' ? spent[i]! : 0));
    const weights = exponents.map((exponent) => Math.min(Math.exp(exponent), LARGEST_WEIGHT));
    const shares = sharesOf(weights.map(Math.log));
    const ess = effectiveSize(shares);
    const isDrawn = adaptive || isLast ? ess < particles / 2 : true;
    const rows = isDrawn ? drawRows(shares, uniforms[event]!) : reward.map((_, i) => i);
    carried = rows.map((row) => read[row]!.carried);
    if (isDrawn) spent = rows.map((row) => spent[row]! + Math.log(weights[row]!));
    return { record: { reward, weights, ess, drawn: isDrawn ? 1 : 0, indices: rows, carried }, rows };
  };
}

/** The sampler of `steerParticles`. */
function carriedOn(
  { particles: count, strength, events }: Settings,
  uniforms: readonly (readonly number[])[],
): AtEvent {
  let particles = startParticles(count, 'difference');
  return (event, rewards) => {
    const isLast = event === events.length - 1;
    particles = weighParticles(particles, rewards, { potential: 'difference', strength, isLast });
    const shares = sharesOf(particles.map(({ logWeight }) => logWeight));
    const ess = effectiveSize(shares);
    const isDrawn = !isLast && ess < count / 2;
    const rows = isDrawn ? drawSystematic(shares, uniforms[event]![0]!) : rewards.map((_, i) => i);
    if (isDrawn) particles = drawnParticles(particles, rows);
    return { record: { shares, ess, drawn: isDrawn ? 1 : 0, indices: rows }, rows };
  };
}

/** The rows of a matrix of the folder. */
async function rowsOf(golden: GoldenFolder, name: string): Promise<number[][]> {
  const input = golden.input(name);
  const values = [...(await input.data())];
  const width = input.shape[1]!;
  return Array.from({ length: input.shape[0]! }, (_, i) => values.slice(i * width, (i + 1) * width));
}
