import type { Files } from '../../files.ts';
import type { Tensor } from '../tf.ts';

/** One row of tensors.json. */
export interface GoldenTensor {
  readonly name: string;
  readonly dtype: 'float32' | 'int64';
  readonly shape: readonly number[];
  readonly description: string;
  readonly rtol?: number;
  readonly atol?: number;
}

/** A golden folder as a family sees it: settings, inputs, and which outputs are wanted. */
export interface GoldenFolder {
  readonly files: Files;
  readonly path: string;
  /** case.json, parsed. */
  readonly settings: Record<string, unknown>;
  /** Rows of tensors.json whose names start with `out.`. */
  readonly wanted: readonly GoldenTensor[];
  /** An `in.*` tensor as stored (float32, or int32 for int64; PyTorch's axis order). The harness owns it. */
  input(name: string): Tensor;
  /** Hands over a computed output in the axis order and shape of the file; the harness disposes of a tensor. */
  output(name: string, value: Tensor | readonly number[]): void;
}

/**
 * Recomputes every wanted tensor of a folder with the product's own code, from the files alone. A tensor that is not
 * handed over counts as a failure.
 */
export type Family = (golden: GoldenFolder) => Promise<void>;
