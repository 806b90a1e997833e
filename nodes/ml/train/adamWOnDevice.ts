import { runOp } from '../nn/defineOp.ts';
import type { Ops } from '../nn/ops.ts';
import {
  add,
  dispose,
  div,
  minimum,
  mul,
  norm,
  split,
  sqrt,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tidy,
} from '../tf.ts';
import { type AdamWSettings, type AdamWState, adamWFactors } from './adamW.ts';
import { flatten, type ParameterLayout, unflatten } from './flatParameters.ts';

/** `AdamWState` as tensors on the device, which it owns. */
export interface AdamWTensors {
  /** Steps done. */
  step: number;
  /** In the order of the layout. */
  parameters: readonly Tensor[];
  /** Of all parameters in that order, [P]. */
  m: Tensor1D;
  v: Tensor1D;
  average: Tensor1D;
}

/** Copies a state to the device. The caller owns the result, see `disposeAdamW`. */
export function toDevice({ step, parameters, m, v, average }: AdamWState, layout: ParameterLayout): AdamWTensors {
  const copy = (values: Float32Array) => tensor1d(values.slice());
  return {
    step,
    parameters: tidy(() => unflatten(copy(parameters), layout)),
    m: copy(m),
    v: copy(v),
    average: copy(average),
  };
}

/** Reads a state from the device. */
export async function fromDevice({ step, parameters, m, v, average }: AdamWTensors): Promise<AdamWState> {
  const flat = flatten(parameters);
  const read = async (x: Tensor1D) => (await x.data()) as Float32Array<ArrayBuffer>;
  try {
    return { step, parameters: await read(flat), m: await read(m), v: await read(v), average: await read(average) };
  } finally {
    flat.dispose();
  }
}

export function disposeAdamW({ parameters, m, v, average }: AdamWTensors): void {
  dispose([...parameters, m, v, average]);
}

/**
 * `adamWStep` on the device, in float32. Replaces the tensors of `state`, which stays as it was where the step fails; the gradients,
 * one a parameter, stay the caller's.
 */
export function stepOnDevice(state: AdamWTensors, gradients: readonly Tensor[], settings: AdamWSettings): void {
  const { parameters, m, v, average } = state;
  const { beta1, beta2, epsilon, clipNorm } = settings;
  const { rate, root, keep, decay } = adamWFactors(state.step + 1, settings);
  const factors = tensor1d([rate, root, keep, beta1, beta2, epsilon, clipNorm, decay]);
  const inputs: Record<string, Tensor> = {};
  for (const [i, gradient] of gradients.entries()) inputs[`gradient ${i}`] = gradient;
  for (const [i, parameter] of parameters.entries()) inputs[`parameter ${i}`] = parameter;
  try {
    const results = runOp('NoiseloomAdamW', plainStep, { ...inputs, m, v, average, factors });
    const [nextM, nextV, nextAverage, ...next] = results;
    Object.assign(state, { step: state.step + 1, parameters: next, m: nextM, v: nextV, average: nextAverage });
  } finally {
    factors.dispose();
  }
  dispose([...parameters, m, v, average]);
}

type Inputs = Ops['NoiseloomAdamW']['inputs'];

/** The tensors of one kind among the inputs, in their order. */
export function listParts<T>(inputs: Readonly<Record<string, T>>, kind: 'gradient' | 'parameter'): T[] {
  return Object.keys(inputs).flatMap((name) => (name.startsWith(kind) ? inputs[name]! : []));
}

function plainStep(inputs: Inputs): Ops['NoiseloomAdamW']['results'] {
  const { m, v, average, factors } = inputs;
  const parameters = listParts<Tensor>(inputs, 'parameter');
  const [rate, root, keep, beta1, beta2, epsilon, clipNorm, decay] = split(factors, 8) as Factors; // each [1]
  const mix = (factor: Tensor1D, before: Tensor1D, now: Tensor1D): Tensor1D =>
    add(mul(factor, before), mul(sub(1, factor), now));
  const gradient = flatten(listParts<Tensor>(inputs, 'gradient'));
  const g: Tensor1D = mul(gradient, minimum(1, div(clipNorm, add(norm(gradient), 1e-6))));
  const [nextM, nextV] = [mix(beta1, m, g), mix(beta2, v, square(g))];
  const change = div(mul(rate, nextM), add(mul(root, sqrt(nextV)), epsilon));
  const next: Tensor1D = sub(mul(keep, flatten(parameters)), change);
  const layout = parameters.map(({ shape }, i) => ({ name: String(i), shape }));
  return [nextM, nextV, mix(decay, average, next), ...unflatten(next, layout)];
}

type Eight<T> = [T, T, T, T, T, T, T, T];
type Factors = Eight<Tensor1D>;
