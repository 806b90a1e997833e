import { type Tensor, tensor1d, tidy } from '../../nodes/ml/tf.ts';
import { type ParameterLayout, unflatten } from '../../nodes/ml/train/flatParameters.ts';

/** The parameters that a vector holds, in the order of the layout. The caller owns them. */
export const parametersOf = (vector: Float32Array, layout: ParameterLayout): Tensor[] =>
  tidy(() => unflatten(tensor1d(vector), layout));
