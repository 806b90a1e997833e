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
import { withOwnTape } from './recompute.ts';

/** Tensors by name; one that is undefined is left out. */
type Inputs = object;

export interface OpDefinition<I extends Inputs, A extends object> {
  /** Unique among all kernels of TensorFlow.js. A device that registers a kernel of this name runs that for `forward`. */
  readonly name: string;
  /** Inputs that the gradient reads; they must always be given. */
  readonly reads?: readonly (keyof I & string)[];
  /** How many outputs the gradient reads: 1 keeps the result itself, 2 the first remainder as well, and so on. */
  readonly keeps?: number;
  /** The result, then what the gradient wants to remember (small tensors). Runs in a tidy. */
  forward(inputs: I, attributes: A): [result: Tensor, ...remembered: Tensor[]];
  /**
   * One function an input that returns the gradient with respect to it, of that input's shape. Only those asked for are
   * called, each in a tidy. What is made outside of them lives until the whole backward pass ends: keep that small.
   */
  gradient(dy: Tensor, saved: Tensor[], attributes: A): { [name in keyof I]-?: () => Tensor };
}

/** An operation of gradients: itself differentiated, where that is ever asked for, through its plain form. */
export function defineGradientOp<I extends Inputs, A extends object = object>(
  name: string,
  inputNames: readonly (keyof I & string)[],
  plain: (inputs: I, attributes: A) => Tensor,
): (inputs: I, attributes?: A) => Tensor {
  const op = defineGradientsOp<I, A>(name, inputNames, (inputs, attributes) => [plain(inputs, attributes)]);
  return (inputs, attributes) => op(inputs, attributes)[0] as Tensor;
}

/** The same with several results. The inputs named must always be given. */
export function defineGradientsOp<I extends Inputs, A extends object = object>(
  name: string,
  inputNames: readonly (keyof I & string)[],
  plain: (inputs: I, attributes: A) => Tensor[],
): (inputs: I, attributes?: A) => Tensor[] {
  registerGradient({
    kernelName: name,
    inputsToSave: [...inputNames],
    gradFunc(dys, saved, attributes) {
      const weighted = (...xs: Tensor[]) => {
        const named = Object.fromEntries(inputNames.map((each, i) => [each, xs[i]])) as I;
        const results = plain(named, attributes as unknown as A);
        return addN(results.map((result, i) => sum(mul(result, [dys].flat()[i] as Tensor))));
      };
      const slopes = withOwnTape(() => grads(weighted)(saved));
      return Object.fromEntries(inputNames.map((each, i) => [each, () => slopes[i] as Tensor]));
    },
  });
  return (inputs, attributes) => runOp(name, plain, inputs, attributes);
}

/**
 * An operation with a hand-written gradient. Unlike `customGrad`, it computes only the gradients that are asked for
 * (frozen weights cost nothing) and is one entry on the tape. `saved` holds the inputs of `reads`, then `keeps` outputs.
 */
export function defineOp<I extends Inputs, A extends object = object>(
  definition: OpDefinition<I, A>,
): (inputs: I, attributes?: A) => Tensor {
  const { name, reads = [], keeps = 0, forward, gradient } = definition;
  registerGradient({
    kernelName: name,
    inputsToSave: [...reads],
    outputsToSave: Array.from({ length: keeps }, () => true),
    gradFunc: (dy, saved, attributes) =>
      gradient(Array.isArray(dy) ? (dy[0] as Tensor) : dy, saved, attributes as unknown as A),
  });
  return (inputs, attributes) => {
    const [result, ...remembered] = runOp(name, forward, inputs, attributes);
    dispose(remembered);
    return result as Tensor;
  };
}

/** Runs the device's kernel of that name, or the plain form where it has none. */
function runOp<I extends Inputs, A extends object>(
  name: string,
  plain: (inputs: I, attributes: A) => Tensor[],
  inputs: I,
  attributes: A | undefined,
): Tensor[] {
  const backendName = getBackend();
  if (!getKernel(name, backendName))
    registerKernel({
      kernelName: name,
      backendName,
      kernelFunc: (call) => tidy(() => plain(call.inputs as unknown as I, call.attrs as unknown as A)),
    });
  const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor !== undefined));
  return engine().runKernel<Tensor[]>(name, given as NamedTensorMap, attributes as unknown as NamedAttrMap);
}
