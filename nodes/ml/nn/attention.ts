import {
  add,
  concat,
  matMul,
  mul,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
  transpose,
} from '../tf.ts';
import { defineGradientOp, defineOp } from './defineOp.ts';
import type { AttentionAttributes, Ops } from './ops.ts';

interface AttentionOptions {
  readonly heads: number;
  /** N, where the inputs are given as rows [N T, C] and [N S, C] (which spares linear layers their reshapes). */
  readonly batch?: number;
  /** Added to the scores before the softmax; rank 4, broadcast to [N, heads, T, S]. A constant: it gets no gradient. */
  readonly mask?: Tensor4D;
  /** Largest score matrix held at once, in bytes; a larger one is computed slice by slice. */
  readonly sliceBytes?: number;
}

/**
 * Scaled dot-product attention. q [N, T, C], k and v [N, S, C], heads side by side in C -> [N, T, C]. Scores are never
 * kept: the backward pass recomputes them in the same slices. The caller owns the result.
 * Source: arXiv 1706.03762, equation 1; gradient arXiv 2205.14135, appendix B.2
 */
export function attention<T extends Tensor2D | Tensor3D>(q: T, k: T, v: T, options: AttentionOptions): T {
  const { heads, mask, sliceBytes = 2 ** 28, batch = q.shape[0] } = options;
  const width = q.shape.at(-1)! / heads;
  const attributes = { batch, heads, scale: 1 / Math.sqrt(width), sliceBytes };
  return (mask ? attendMasked({ q, k, v, mask }, attributes) : attend({ q, k, v }, attributes)) as T;
}

/** With or without a mask. */
type Inputs = Ops['NoiseloomAttention']['inputs'] & { readonly mask?: Tensor4D };
type GradientInputs = Ops['NoiseloomAttentionGradient']['inputs'] & { readonly mask?: Tensor4D };

/** P = softmax(s q k^T + mask), y = P v, s = 1 / sqrt(C / heads) */
function attendSliced({ q, k, v, mask }: Inputs, attributes: AttentionAttributes): Tensor {
  const scaled = apart(mul(q, attributes.scale), attributes); // [N, heads, T, C / heads]
  const [keys, values] = [apart(k, attributes), apart(v, attributes)]; // [N, heads, S, C / heads]
  const [y] = inSlices(
    [scaled, keys],
    attributes.sliceBytes,
    (rows, whole) => [matMul(weights(rows(scaled), whole(keys), mask && rows(mask)), whole(values))],
    () => false,
  );
  return together(y!, q.rank);
}

/** dv = P^T dy,  dS = P (dy v^T - rowsum(dy y)),  dq = s dS k,  dk = s dS^T q:  [dq, dk, dv] */
function attendSlicedGradient(
  { q, k, v, mask, dy, y }: GradientInputs,
  attributes: AttentionAttributes,
): [dq: Tensor, dk: Tensor, dv: Tensor] {
  const { scale, sliceBytes } = attributes;
  const scaled = apart(mul(q, scale), attributes);
  const [keys, values, d] = [k, v, dy].map((x) => apart(x, attributes)) as [Tensor, Tensor, Tensor];
  const level = sum(apart(mul(dy, y), attributes), 3, true); // [N, heads, T, 1]
  const parts = inSlices(
    [scaled, keys],
    sliceBytes,
    (rows, whole) => {
      const p = weights(rows(scaled), whole(keys), mask && rows(mask));
      const [dS] = softmaxGradient({ p, dp: matMul(rows(d), whole(values), false, true), level: rows(level) });
      return [mul(matMul(dS, whole(keys)), scale), matMul(dS, rows(scaled), true), matMul(p, rows(d), true)];
    },
    (output) => output > 0,
  );
  return parts.map((part) => together(part, dy.rank)) as [Tensor, Tensor, Tensor];
}

function noMaskGradient(): never {
  throw new Error('An attention mask is a constant: it has no gradient.');
}

const attendGradient = defineGradientOp('NoiseloomAttentionGradient', ['q', 'k', 'v', 'dy', 'y'], attendSlicedGradient);
const attend = defineOp('NoiseloomAttention', {
  reads: ['q', 'k', 'v'],
  keeps: 1,
  forward: (inputs, attributes) => [attendSliced(inputs, attributes)],
  gradient(dy, [q, k, v, y], attributes) {
    const [dq, dk, dv] = attendGradient({ q: q!, k: k!, v: v!, dy, y: y! }, attributes);
    return { q: () => dq, k: () => dk, v: () => dv };
  },
});

const attendMaskedGradient = defineGradientOp(
  'NoiseloomMaskedAttentionGradient',
  ['q', 'k', 'v', 'mask', 'dy', 'y'],
  attendSlicedGradient,
);
const attendMasked = defineOp('NoiseloomMaskedAttention', {
  reads: ['q', 'k', 'v', 'mask'],
  keeps: 1,
  forward: (inputs, attributes) => [attendSliced(inputs, attributes)],
  gradient(dy, [q, k, v, mask, y], attributes) {
    const inputs = { q: q!, k: k!, v: v!, mask: mask as Tensor4D, dy, y: y! };
    const [dq, dk, dv] = attendMaskedGradient(inputs, attributes);
    return { q: () => dq, k: () => dk, v: () => dv, mask: noMaskGradient };
  },
});

/** p (dp - level), level [.., T, 1] the sum of p dp over the last axis */
const softmaxGradient = defineGradientOp('NoiseloomSoftmaxGradient', ['p', 'dp', 'level'], ({ p, dp, level }) => [
  mul(p, sub(dp, level)),
]);

/** softmax(q k^T + mask) [.., T, S] */
function weights(q: Tensor, k: Tensor, mask: Tensor | undefined): Tensor {
  const scores = matMul(q, k, false, true);
  return softmax(mask ? add(scores, mask) : scores);
}

/** [N, T, C] or [N T, C] -> [N, heads, T, C / heads] */
function apart(x: Tensor, { batch, heads }: AttentionAttributes): Tensor4D {
  const width = x.shape.at(-1)! / heads;
  if (heads === 1) return reshape(x, [batch, 1, -1, width]);
  return transpose(reshape(x, [batch, -1, heads, width]), [0, 2, 1, 3]);
}

/** [N, heads, T, C / heads] -> [N, T, C] or [N T, C] */
function together(x: Tensor, rank: number): Tensor {
  const [n, heads, t, width] = x.shape as [number, number, number, number];
  return reshape(
    heads === 1 ? x : transpose(x, [0, 2, 1, 3]),
    rank === 2 ? [n * t, heads * width] : [n, t, heads * width],
  );
}

type Cut = (x: Tensor) => Tensor;

/**
 * Runs `body` on boxes of images, heads and query rows whose score matrices fit in `bytes`, and joins each of its
 * outputs: along query rows end to end, or added where `added(output)`. `rows(x)` cuts a box out of a tensor with query
 * rows, `whole(x)` out of one with keys.
 */
function inSlices(
  [queries, keys]: readonly [Tensor, Tensor],
  bytes: number,
  body: (rows: Cut, whole: Cut) => Tensor[],
  added: (output: number) => boolean,
): Tensor[] {
  const [n, heads, t] = queries.shape as [number, number, number];
  const fit = Math.floor(bytes / (4 * keys.shape[2]!)); // rows of scores
  const lengths = [n, heads, t];
  const atOnce = [fit / (t * heads), fit / t, fit].map((count) => Math.max(1, Math.floor(count)));
  const visit = (begin: readonly number[], size: readonly number[]): Tensor[] => {
    const axis = begin.length;
    if (axis === 3)
      return tidy(() =>
        body(
          (x) => cut(x, begin, size),
          (x) => cut(x, begin.slice(0, 2), size.slice(0, 2)),
        ),
      );
    const step = atOnce[axis]!;
    const pieces = chunks(lengths[axis]!, step).map(([at, length]) => visit([...begin, at], [...size, length]));
    const [first] = pieces as [Tensor[], ...Tensor[][]];
    if (pieces.length === 1) return first;
    return first.map((_, output) => {
      const parts = pieces.map((piece) => piece[output]!);
      return axis === 2 && added(output) ? parts.reduce((sum, part) => add(sum, part)) : concat(parts, axis);
    });
  };
  return visit([], []);
}

const chunks = (length: number, size: number): [begin: number, size: number][] =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => [i * size, Math.min(size, length - i * size)]);

/** A box of a rank-4 tensor by its leading axes; an axis of length 1 is broadcast, hence taken whole. */
function cut(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  const extent = x.shape.map((length, axis) => (length === 1 ? 1 : (size[axis] ?? length)));
  if (extent.every((length, axis) => length === x.shape[axis])) return x;
  return slice(
    x,
    x.shape.map((length, axis) => (length === 1 ? 0 : (begin[axis] ?? 0))),
    extent,
  );
}
