import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** The weights of a linearPatchAutoencoder, in checkpoint layout. */
export interface PatchBasis {
  /** [components, size] and [components] */
  readonly encoder: { weight: Float32Array; bias: Float32Array };
  /** [size, components] and [size] */
  readonly decoder: { weight: Float32Array; bias: Float32Array };
  /** Mean absolute error of the reconstruction over the given patches, in the units of the patches. */
  readonly meanAbsoluteError: number;
}

/**
 * Principal components of image patches: z = S (x - m) U^T, x = m + (z S^-1) U, with U the `components` leading
 * eigenvectors of the patches' covariance and S = diag(scale / sqrt(deviation)). Dividing by the square root of each
 * component's deviation keeps part of the natural order from coarse to fine; `scale` makes the mean square of z 1.
 *
 * @param patches rows of `size` values, one patch each
 */
export function patchBasis(patches: Float32Array, size: number, components: number): PatchBasis {
  const count = patches.length / size;
  const mean = columnMeans(patches, size);
  const { vectors, deviations } = leadingEigenvectors(covariance(patches, size, mean), components);
  const power = deviations.reduce((sum, deviation) => sum + deviation, 0) / components; // mean of deviation^2 / deviation
  const scales = deviations.map((deviation) => 1 / Math.sqrt(deviation * power));

  const encoder = { weight: new Float32Array(components * size), bias: new Float32Array(components) };
  const decoder = { weight: new Float32Array(size * components), bias: Float32Array.from(mean) };
  for (let k = 0; k < components; k++)
    for (let i = 0; i < size; i++) {
      encoder.weight[k * size + i] = scales[k]! * vectors[k]![i]!;
      decoder.weight[i * components + k] = vectors[k]![i]! / scales[k]!;
      encoder.bias[k]! -= scales[k]! * vectors[k]![i]! * mean[i]!;
    }

  let error = 0;
  for (let row = 0; row < count; row++) {
    const z = Array.from({ length: components }, (_, k) => {
      let sum = encoder.bias[k]!;
      for (let i = 0; i < size; i++) sum += encoder.weight[k * size + i]! * patches[row * size + i]!;
      return sum;
    });
    for (let i = 0; i < size; i++) {
      let x = decoder.bias[i]!;
      for (let k = 0; k < components; k++) x += decoder.weight[i * components + k]! * z[k]!;
      error += Math.abs(x - patches[row * size + i]!);
    }
  }
  return { encoder, decoder, meanAbsoluteError: error / patches.length };
}

function columnMeans(patches: Float32Array, size: number): Float64Array {
  const mean = new Float64Array(size);
  for (let i = 0; i < patches.length; i++) mean[i % size]! += patches[i]!;
  return mean.map((sum) => (sum * size) / patches.length);
}

function covariance(patches: Float32Array, size: number, mean: Float64Array): Matrix {
  const sums = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (let start = 0; start < patches.length; start += size) {
    for (let i = 0; i < size; i++) centred[i] = patches[start + i]! - mean[i]!;
    for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) sums[i * size + j]! += centred[i]! * centred[j]!;
  }
  const result = Matrix.zeros(size, size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      const value = (sums[i * size + j]! * size) / patches.length;
      result.set(i, j, value);
      result.set(j, i, value);
    }
  return result;
}

/** Eigenvectors with the largest eigenvalues, first component of each made positive so that the basis is repeatable. */
function leadingEigenvectors(symmetric: Matrix, count: number): { vectors: number[][]; deviations: number[] } {
  const { eigenvectorMatrix, realEigenvalues } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  const leading = order.slice(0, count);
  const vectors = leading.map((i) => {
    const vector = eigenvectorMatrix.getColumn(i);
    return vector[0]! < 0 ? vector.map((value) => -value) : vector;
  });
  return { vectors, deviations: leading.map((i) => Math.sqrt(Math.max(realEigenvalues[i]!, 1e-12))) };
}
