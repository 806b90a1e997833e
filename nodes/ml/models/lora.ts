import { addProduct } from '../nn/linear.ts';
import { stopGradient } from '../nn/stopGradient.ts';
import {
  add,
  concat,
  dispose,
  keep,
  matMul,
  mul,
  reshape,
  type Tensor,
  type Tensor2D,
  tidy,
  transpose,
} from '../tf.ts';
import type { AdaptedPart } from '../weights/loraNames.ts';
import type { Weights } from '../weights/weights.ts';

/** The product of two matrices, or one that is whole. */
export type Factored = { readonly whole: Tensor2D } | { readonly a: Tensor2D; readonly b: Tensor2D };

/**
 * A change D of one weight W: W + scale * D. Matrices are as in the file, kernels [n, m, k, k] of it as [n, m k k]: D is
 * [out, in k k].
 *
 * | kind | D | Source |
 * | --- | --- | --- |
 * | lora | up down; up [out, r], down [r, in k k] | arXiv 2106.09685, equation 3 |
 * | loha | (a1 b1) * (a2 b2), elementwise; a [out, r], b [r, in k k] | arXiv 2108.06098, proposition 1 |
 * | lokr | w1 (x) w2, Kronecker; w1 [p, q], w2 [out/p, in/q k k] | arXiv 2212.10650; LyCORIS, functional/lokr.py |
 *
 * `scale` is strength * alpha / r. The tensors belong to the adapter.
 */
export type WeightChange = { readonly scale: number } & (
  | { readonly kind: 'lora'; readonly up: Tensor2D; readonly down: Tensor2D }
  | { readonly kind: 'loha'; readonly first: Factored; readonly second: Factored }
  | { readonly kind: 'lokr'; readonly first: Factored; readonly second: Factored }
);

/** scale * D of a change, [out, in k k]. Differentiable. The caller owns the result. */
function changeMatrix({ scale, ...change }: WeightChange): Tensor2D {
  return tidy(() => {
    if (change.kind === 'lora') return matMul(mul(change.up, scale), change.down) as Tensor2D;
    const [first, second] = [product(change.first), product(change.second)];
    return change.kind === 'loha' ? mul<Tensor2D>(mul(first, scale), second) : kronecker(mul(first, scale), second);
  });
}

const product = (factored: Factored): Tensor2D =>
  'whole' in factored ? factored.whole : (matMul(factored.a, factored.b) as Tensor2D);

/** [p, q] (x) [r, s] -> [p r, q s]; a kernel's [r, s k k] gives [p r, q s k k], since its own axes come last. */
function kronecker(a: Tensor2D, b: Tensor2D): Tensor2D {
  const [p, q] = a.shape;
  const [r, s] = b.shape;
  return reshape(mul(reshape(a, [p, 1, q, 1]), reshape(b, [1, r, 1, s])), [p * r, q * s]);
}

/**
 * W + sum of scale * D, in the layout of `Weights` (kernels HWIO). Changes of scale 0 leave no trace. Differentiable. The
 * caller owns the result.
 */
export function changedWeight(weight: Tensor, changes: readonly WeightChange[]): Tensor {
  return tidy(() => {
    const [kh, kw, from, to] = weight.shape as [number, number, number, number];
    const arrange = (matrix: Tensor2D): Tensor =>
      weight.rank === 4 ? transpose(reshape(matrix, [to, from, kh, kw]), [2, 3, 1, 0]) : reshape(matrix, weight.shape);
    const acting = changes.filter(({ scale }) => scale !== 0);
    const [products, others] = [acting.filter(isProduct), acting.filter((change) => !isProduct(change))];
    const start = products.length === 0 ? weight.clone() : addProducts(weight, products, arrange);
    return others.reduce((sum, change) => add(sum, arrange(changeMatrix(change))), start);
  });
}

type Product = Extract<WeightChange, { kind: 'lora' }>;
const isProduct = (change: WeightChange): change is Product => change.kind === 'lora';

/**
 * W + scale * up down of several changes, by one product [s1 up1, s2 up2 ...] [down1; down2 ...] that is added to the matrix
 * W while it is written: for ranks r in all, 2 r FLOPs an element of W, which is read once.
 */
function addProducts(weight: Tensor, changes: readonly Product[], arrange: (matrix: Tensor2D) => Tensor): Tensor {
  const a = joined(
    changes.map(({ up, scale }): Tensor2D => mul(up, scale)),
    1,
  );
  const b = joined(
    changes.map(({ down }) => down),
    0,
  );
  if (weight.rank === 2) return addProduct({ start: weight as Tensor2D, a, b });
  return add(weight, arrange(matMul(a, b) as Tensor2D));
}

const joined = (matrices: readonly Tensor2D[], axis: number): Tensor2D =>
  matrices.length === 1 ? (matrices[0] as Tensor2D) : concat([...matrices], axis);

/** What adapters change of a network: full names of weights, each with its changes, of which none has the scale 0. */
export type WeightChanges = ReadonlyMap<string, readonly WeightChange[]>;

/**
 * Weights with changes over them. A changed weight is computed when it is first asked for, as a constant, and kept until
 * `dispose`; all others are the base's own tensors. Borrows base and changes.
 */
export function changedWeights(base: Weights, changes: WeightChanges): { weights: Weights; dispose(): void } {
  const computed = new Map<string, Tensor>();
  const view = (from: Weights, prefix: string): Weights => ({
    get(name) {
      const [key, original] = [prefix + name, from.get(name)];
      const own = changes.get(key);
      if (own === undefined) return original;
      const known = computed.get(key) ?? keep(stopGradient(() => changedWeight(original, own)));
      computed.set(key, known);
      return known;
    },
    has: (name) => from.has(name),
    names: () => from.names(),
    at: (name) => view(from.at(name), `${prefix}${name}.`),
  });
  return {
    weights: view(base, ''),
    dispose() {
      dispose([...computed.values()]);
      computed.clear();
    },
  };
}

/** A low-rank adapter in memory: changes of the networks of one model. */
export interface Adapter {
  readonly name: string;
  /** Bytes of its factors. */
  readonly bytes: number;
  readonly changes: Readonly<Partial<Record<AdaptedPart, WeightChanges>>>;
  dispose(): void;
}

/** All that several adapters change of one part. */
export function joinChanges(adapters: readonly Adapter[], part: AdaptedPart): WeightChanges {
  const joined = new Map<string, readonly WeightChange[]>();
  for (const { changes } of adapters)
    for (const [weight, own] of changes[part] ?? []) joined.set(weight, [...(joined.get(weight) ?? []), ...own]);
  return joined;
}
