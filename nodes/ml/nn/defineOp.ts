import {
  addN,
  dispose,
  engine,
  getBackend,
  getKernel,
  grads,
  mul,
  type NamedAttrMap,
  type NamedTensorMap,
  registerGradient,
  registerKernel,
  sum,
  type Tensor,
  tidy,
} from '../tf.ts';
import type { OpName, Ops } from './ops.ts';
import { withOwnTape } from './recompute.ts';

type Inputs<K extends OpName> = Ops[K]['inputs'];
type Attributes<K extends OpName> = Ops[K]['attributes'];
type PlainForm<K extends OpName> = (inputs: Inputs<K>, attributes: Attributes<K>) => Ops[K]['results'];
/** An op without attributes is called without them. */
type Arguments<K extends OpName> = [
  inputs: Inputs<K>,
  ...(object extends Attributes<K> ? [] : [attributes: Attributes<K>]),
];

interface OpDefinition<K extends OpName> {
  /** Inputs that the gradient reads; they are never optional. */
  readonly reads?: readonly (keyof Inputs<K> & string)[];
  /** How many results the gradient reads: 1 keeps the first, 2 the second as well, and so on. */
  readonly keeps?: number;
  /** The plain form, for devices without a kernel: the result, then small tensors that the gradient reads. Runs in a tidy. */
  readonly forward: PlainForm<K>;
  /**
   * For each input a function that returns the gradient with respect to it, in its shape. `saved` holds the inputs of
   * `reads`, then `keeps` results. Only those asked for are called, each in a tidy. What is made outside of them lives until
   * the whole backward pass ends: keep that small.
   */
  gradient(dy: Tensor, saved: Tensor[], attributes: Attributes<K>): { [name in keyof Inputs<K>]-?: () => Tensor };
}

/**
 * Defines an op that computes gradients, with one result or several. Should it be differentiated itself, that goes through
 * its plain form. The caller owns the results.
 */
export function defineGradientOp<K extends OpName>(
  name: K,
  inputNames: readonly (keyof Inputs<K> & string)[],
  plain: PlainForm<K>,
): (...args: Arguments<K>) => Ops[K]['results'] {
  registerGradient({
    kernelName: name,
    inputsToSave: [...inputNames],
    gradFunc(dys, saved, attributes) {
      const weighted = (...xs: Tensor[]) => {
        const named = Object.fromEntries(inputNames.map((each, i) => [each, xs[i]])) as Inputs<K>;
        const results: readonly Tensor[] = plain(named, attributes as unknown as Attributes<K>);
        return addN(results.map((result, i) => sum(mul(result, [dys].flat()[i]!))));
      };
      const gradients = withOwnTape(() => grads(weighted)(saved));
      return Object.fromEntries(inputNames.map((each, i) => [each, () => gradients[i]!]));
    },
  });
  return (...args) => runOp(name, plain, ...args);
}

/**
 * Defines an op with a hand-written gradient. Unlike `customGrad`, it computes only the gradients that are asked for (frozen
 * weights cost nothing) and is one entry on the tape. A call returns the first result, which the caller owns.
 */
export function defineOp<K extends OpName>(name: K, definition: OpDefinition<K>): (...args: Arguments<K>) => Tensor {
  const { reads = [], keeps = 0, forward, gradient } = definition;
  registerGradient({
    kernelName: name,
    inputsToSave: [...reads],
    outputsToSave: Array.from({ length: keeps }, () => true),
    gradFunc: (dy, saved, attributes) =>
      gradient(Array.isArray(dy) ? dy[0]! : dy, saved, attributes as unknown as Attributes<K>),
  });
  return (...args) => {
    const [result, ...others]: readonly Tensor[] = runOp(name, forward, ...args);
    dispose(others);
    return result!;
  };
}

/** Runs the device's kernel of that name, or the plain form where it has none. The caller owns the results. */
export function runOp<K extends OpName>(name: K, plain: PlainForm<K>, ...args: Arguments<K>): Ops[K]['results'] {
  const [inputs, attributes] = args;
  const backendName = getBackend();
  if (!getKernel(name, backendName))
    registerKernel({
      kernelName: name,
      backendName,
      kernelFunc: (call) =>
        tidy(() => [...plain(call.inputs as unknown as Inputs<K>, call.attrs as unknown as Attributes<K>)]),
    });
  const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  return engine().runKernel<Tensor[]>(
    name,
    given as NamedTensorMap,
    attributes as unknown as NamedAttrMap,
  ) as Ops[K]['results'];
}
