import type { Files } from '../../files.ts';
import type { Tensor } from '../tf.ts';

/** One row of tensors.json. */
export interface GoldenTensor {
  readonly name: string;
  readonly dtype: 'float32' | 'int64' | 'uint8';
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
  /** An `out.*` tensor of the reference, likewise: for checks that start in the middle of a calculation. */
  reference(name: string): Promise<Tensor>;
  /** Hands over a computed output in the axis order and shape of the file; the harness disposes of a tensor. */
  output(name: string, value: Tensor | readonly number[], variant?: Variant): void;
}

/** Another way to compute an output: compared once more, in a row of its own and with its own tolerance. */
export interface Variant {
  /** Stands behind the name of the output. */
  readonly title: string;
  readonly rtol: number;
  readonly atol: number;
}

/**
 * Recomputes every wanted tensor of a folder with the product's own code, from the files alone. A tensor that is not
 * handed over counts as a failure.
 */
export type Family = (golden: GoldenFolder) => Promise<void>;
