import { noiseLikelihood } from '../optimise/noiseLikelihood.ts';
import type { Family } from './family.ts';

/** The regulariser of direct noise optimisation: its value, and its gradient on noise that is far from white. */
export const dno: Family = async (golden) => {
  const permutations = golden.input('in.permutations');
  const indexes = (await permutations.data()) as Int32Array;
  const size = permutations.shape[1]!;
  const orders = Array.from({ length: permutations.shape[0]! }, (_, i) => indexes.slice(i * size, (i + 1) * size));
  for (const name of ['plain', 'odd']) {
    const noise = (await golden.input(`in.${name}`).data()) as Float32Array;
    const { penalty, gradient } = noiseLikelihood(noise, orders, Number(golden.settings.subsample));
    golden.output(`out.${name}.value`, [penalty]);
    golden.output(`out.${name}.gradient`, Array.from(gradient));
  }
};
