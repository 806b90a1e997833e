import { backend, type Tensor } from '../../../nodes/ml/tf.ts';

/** What one kind of operation came to. */
export interface OperationTotal {
  readonly name: string;
  count: number;
  seconds: number;
  /** Of all tensors that it read and wrote. */
  bytes: number;
  /** Floating-point operations that convolutions and matrix products need as plain sums; others count as none. */
  flops: number;
}

interface Attribute {
  readonly name: string;
  readonly value: unknown;
}
type Execute = (name: string, attributes: readonly Attribute[], inputs: readonly Tensor[]) => Tensor | Tensor[];

/**
 * Runs `work` and tells every operation that native TensorFlow was given meanwhile, by kind, the longest first; nothing on
 * other devices. They have run when the call returns, so that the times are theirs.
 */
export function operationsOf(work: () => void): OperationTotal[] {
  const native = backend() as unknown as Record<'executeSingleOutput' | 'executeMultipleOutputs', Execute>;
  const totals = new Map<string, OperationTotal>();
  if (typeof native.executeSingleOutput !== 'function') return [];
  const counted =
    (execute: Execute): Execute =>
    (...call) => {
      const start = performance.now();
      const result = execute.apply(native, call);
      const milliseconds = performance.now() - start;
      const [name, attributes, inputs] = call;
      const total = totals.get(name) ?? { name, count: 0, seconds: 0, bytes: 0, flops: 0 };
      totals.set(name, total);
      total.seconds += milliseconds / 1000;
      total.count++;
      for (const { shape } of [...inputs, ...[result].flat()]) if (shape) total.bytes += 4 * sizeOf(shape);
      total.flops += flopsOf(name, attributes, inputs, [result].flat()[0] as Tensor);
      return result;
    };
  const { executeSingleOutput, executeMultipleOutputs } = native;
  native.executeSingleOutput = counted(executeSingleOutput);
  native.executeMultipleOutputs = counted(executeMultipleOutputs);
  try {
    work();
  } finally {
    Object.assign(native, { executeSingleOutput, executeMultipleOutputs });
  }
  return [...totals.values()].sort((a, b) => b.seconds - a.seconds);
}

export function sumOf(totals: readonly OperationTotal[], quantity: 'count' | 'bytes' | 'flops' | 'seconds'): number {
  return totals.reduce((sum, total) => sum + total[quantity], 0);
}

/** Two for each product that is added up. */
function flopsOf(name: string, attributes: readonly Attribute[], inputs: readonly Tensor[], result: Tensor): number {
  const shapeOf = (i: number) => inputs[i]?.shape ?? [];
  const kernel = (shape: readonly number[]) => sizeOf(shape.slice(0, 3)); // height, width, channels read
  switch (name) {
    case 'Conv2D':
    case '_FusedConv2D':
      return 2 * result.size * kernel(shapeOf(1));
    case 'Conv2DBackpropInput':
      return 2 * sizeOf(shapeOf(2)) * kernel(shapeOf(1));
    case 'Conv2DBackpropFilter':
      return 2 * sizeOf(shapeOf(2)) * kernel(result.shape);
    case 'NoiseloomConvolution3x3':
    case 'NoiseloomConvolution3x3WithBias':
      return 2 * result.size * 9 * (shapeOf(0)[3] ?? 0);
    case 'NoiseloomFilterGradient3x3':
      return 2 * result.size * sizeOf(shapeOf(0).slice(0, 3));
    case 'MatMul':
    case '_FusedMatMul':
    case 'BatchMatMul':
    case 'BatchMatMulV2':
    case 'NoiseloomMatMul':
    case 'NoiseloomMatMulWithBias': {
      const isTransposed = attributes.some(({ name, value }) => /^(transpose_a|adj_x)$/.test(name) && value === true);
      return 2 * result.size * (shapeOf(0).at(isTransposed ? -2 : -1) ?? 0);
    }
    case 'NoiseloomAttention':
      return 4 * sizeOf(shapeOf(0)) * keysOf(attributes, shapeOf(1));
    case 'NoiseloomAttentionGradient':
      return 10 * sizeOf(shapeOf(0)) * keysOf(attributes, shapeOf(1));
    default:
      return 0;
  }
}

/** Of one image, from [images keys, channels] or [images, keys, channels]. */
function keysOf(attributes: readonly Attribute[], shape: readonly number[]): number {
  const images = attributes.find(({ name }) => name === 'batch')?.value as number;
  return sizeOf(shape.slice(0, -1)) / images;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
