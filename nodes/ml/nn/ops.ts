import type * as tf from '../tf.ts';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D, TensorInfo } from '../tf.ts';

/**
 * What every op takes and gives: tensors by name, attributes, and results. Ops called Noiseloom... are our own: each has a
 * plain form made of TensorFlow.js' ops, which defines its values, and gives a list of results. The others are those of
 * TensorFlow.js that a device replaces; they give one result. A device's kernels are typed by this, see `Kernels`.
 *
 * Gradient ops: dy is the gradient with respect to the result y of the op; dx that with respect to an input x.
 */
export interface Ops {
  NoiseloomSilu: Activation;
  NoiseloomSiluGradient: ActivationGradient;
  NoiseloomQuickGelu: Activation;
  NoiseloomQuickGeluGradient: ActivationGradient;
  NoiseloomGelu: Activation;
  NoiseloomGeluGradient: ActivationGradient;
  /** x [..., 2 C] -> y [..., C] */
  NoiseloomGeglu: Activation;
  NoiseloomGegluGradient: ActivationGradient;

  NoiseloomAttention: Op<AttentionInputs, AttentionAttributes, [y: Tensor]>;
  NoiseloomAttentionGradient: Op<
    AttentionInputs & AttentionResults,
    AttentionAttributes,
    [dq: Tensor, dk: Tensor, dv: Tensor]
  >;
  NoiseloomMaskedAttention: Op<AttentionInputs & Mask, AttentionAttributes, [y: Tensor]>;
  NoiseloomMaskedAttentionGradient: Op<
    AttentionInputs & Mask & AttentionResults,
    AttentionAttributes,
    [dq: Tensor, dk: Tensor, dv: Tensor]
  >;
  /** ds = p (dp - level), level [..., 1] the sum of p dp over the last axis */
  NoiseloomSoftmaxGradient: Op<{ p: Tensor; dp: Tensor; level: Tensor }, object, [ds: Tensor]>;

  /** m and r [N, 1, 1, C]: mean and 1 / standard deviation of each channel's group */
  NoiseloomGroupNorm: Op<
    { x: Tensor4D; scale: Tensor1D; offset: Tensor1D },
    GroupNormAttributes,
    [y: Tensor, m: Tensor, r: Tensor]
  >;
  NoiseloomGroupNormGradient: Op<
    { dy: Tensor; x: Tensor4D; scale: Tensor1D; offset: Tensor1D; m: Tensor; r: Tensor },
    GroupNormAttributes,
    [dx: Tensor]
  >;
  NoiseloomGroupNormWeightGradients: Op<
    { dy: Tensor; x: Tensor4D; scale: Tensor1D; offset: Tensor1D; m: Tensor; r: Tensor },
    GroupNormAttributes,
    [dScale: Tensor, dOffset: Tensor]
  >;
  /** m and r [..., 1]: mean and 1 / standard deviation of each row */
  NoiseloomLayerNorm: Op<
    { x: Tensor; scale: Tensor1D; offset: Tensor1D },
    { eps: number },
    [y: Tensor, m: Tensor, r: Tensor]
  >;
  NoiseloomLayerNormGradient: Op<{ dy: Tensor; x: Tensor; scale: Tensor; m: Tensor; r: Tensor }, object, [dx: Tensor]>;
  NoiseloomLayerNormScaleGradient: Op<{ dy: Tensor; x: Tensor; m: Tensor; r: Tensor }, object, [dScale: Tensor]>;

  /** x [..., in], weight [in, out] or, where `transposed`, [out, in], bias [out] -> y [..., out] */
  NoiseloomLinear: Op<
    { x: Tensor; weight: Tensor2D; bias?: Tensor1D | undefined },
    { transposed: boolean },
    [y: Tensor]
  >;
  /** start [M, N], a [M, K], b [K, N] -> y = start + a b */
  NoiseloomAddProduct: Op<{ start: Tensor2D; a: Tensor2D; b: Tensor2D }, object, [y: Tensor]>;
  NoiseloomConvolution: Op<
    { x: Tensor4D; filter: Tensor4D; bias?: Tensor1D | undefined },
    { strides: number; pad: 'same' | 'valid'; activation: 'linear' | 'relu' },
    [y: Tensor]
  >;
  NoiseloomResidual: Op<{ a: Tensor; b: Tensor }, object, [y: Tensor]>;
  NoiseloomAddPerImage: Op<{ x: Tensor4D; offset: Tensor2D }, object, [y: Tensor]>;
  NoiseloomMaxPool: Op<{ x: Tensor4D }, object, [y: Tensor]>;
  /** `size`: height and width of y */
  NoiseloomUpsample: Op<{ x: Tensor4D }, { size: [number, number] }, [y: Tensor]>;
  /** `largest` is 1 where a length is kept, else 0 */
  NoiseloomThinEdges: Op<{ length: Tensor4D; slopes: Tensor4D }, object, [y: Tensor, largest: Tensor]>;

  /**
   * 16-bit floats, two in the bits of each element of `halves`, to `count` float32 values. With `taps` > 0 they are kernels
   * [outputs, inputs, taps], `halves` is [outputs, ..], and y is [taps, inputs, outputs]. It has no plain form.
   */
  NoiseloomToFloat32: Op<{ halves: Tensor }, { count: number; bfloat16: boolean; taps: number }, [y: Tensor]>;

  /**
   * Parameters and their gradients, tensors of any shapes; vectors [P] of all of them; and what a step multiplies by [8], see
   * `stepOnDevice` -> the vectors, then the parameters, after the step
   */
  NoiseloomAdamW: Op<
    { [each: `gradient ${number}` | `parameter ${number}`]: Tensor } & Record<
      'm' | 'v' | 'average' | 'factors',
      Tensor1D
    >,
    object,
    [m: Tensor1D, v: Tensor1D, average: Tensor1D, ...parameters: Tensor[]]
  >;

  BatchMatMul: Op<{ a: Tensor; b: Tensor }, tf.BatchMatMulAttrs, Tensor>;
  _FusedMatMul: Op<{ a: Tensor; b: Tensor; bias?: Tensor }, tf._FusedMatMulAttrs, Tensor>;
  Conv2D: Op<{ x: Tensor4D; filter: Tensor4D }, tf.Conv2DAttrs, Tensor>;
  FusedConv2D: Op<{ x: Tensor4D; filter: Tensor4D; bias?: Tensor }, tf.FusedConv2DAttrs, Tensor>;
  Conv2DBackpropInput: Op<{ dy: Tensor4D; filter: Tensor4D }, tf.Conv2DBackpropInputAttrs, Tensor>;
  Conv2DBackpropFilter: Op<{ x: Tensor4D; dy: Tensor4D }, tf.Conv2DBackpropFilterAttrs, Tensor>;
  ResizeNearestNeighborGrad: Op<{ images: Tensor4D; dy: Tensor4D }, tf.ResizeNearestNeighborGradAttrs, Tensor>;
  Sum: Op<{ x: Tensor }, tf.SumAttrs, Tensor>;
  Softmax: Op<{ logits: Tensor }, tf.SoftmaxAttrs, Tensor>;
  UnsortedSegmentSum: Op<{ x: Tensor; segmentIds: Tensor1D }, tf.UnsortedSegmentSumAttrs, Tensor>;
}

/** Our own ops. */
export type OpName = keyof Ops & `Noiseloom${string}`;

/** What a kernel returns: the op's results, which the caller owns. */
export type Results<K extends keyof Ops> = Infos<Ops[K]['results']>;
type Infos<R> = R extends Tensor ? TensorInfo : { [i in keyof R]: TensorInfo };

/** A device's implementation of an op; `original` is the one that it replaces, where there is one. */
export type Kernel<K extends keyof Ops, Backend> = (
  backend: Backend,
  inputs: Ops[K]['inputs'],
  attributes: Ops[K]['attributes'],
  original: (inputs: Ops[K]['inputs'], attributes: Ops[K]['attributes']) => Results<K>,
) => Results<K>;

/** The ops that a device implements itself. */
export type Kernels<Backend> = { readonly [K in keyof Ops]?: Kernel<K, Backend> };

interface Op<Inputs, Attributes, Result extends Tensor | readonly Tensor[]> {
  readonly inputs: Readonly<Inputs>;
  readonly attributes: Readonly<Attributes>;
  readonly results: Result;
}

type Activation = Op<{ x: Tensor }, object, [y: Tensor]>;
type ActivationGradient = Op<{ dy: Tensor; x: Tensor }, object, [dx: Tensor]>;

/** q [N, T, C], k and v [N, S, C], or with rows [N T, C] and [N S, C]; heads lie side by side in C. */
interface AttentionInputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
interface Mask {
  /** Added to the scores; broadcast to [N, heads, T, S]. */
  readonly mask: Tensor4D;
}
interface AttentionResults {
  readonly dy: Tensor;
  readonly y: Tensor;
}
export interface AttentionAttributes {
  /** N */
  readonly batch: number;
  readonly heads: number;
  /** 1 / sqrt(width of a head) */
  readonly scale: number;
  /** Largest score matrix that the plain form holds at once, in bytes. */
  readonly sliceBytes: number;
}

export interface GroupNormAttributes {
  readonly groups: number;
  readonly eps: number;
  readonly activation: 'linear' | 'silu';
}
