/**
 * Kernels that tfjs-node lacks, or has in a form that diffusion models cannot use. TensorFlow's convolutions take any
 * padding, but tfjs-node passes on only 'same' and 'valid' (and lists of numbers forward). Diffusion models pad by one
 * pixel before a stride of two, forward and backward, so the four kernels are replaced here.
 */
import type { Kernels } from '../../../nodes/ml/nn/ops.ts';
import {
  type Conv2DAttrs,
  concat,
  dispose,
  type Tensor,
  type Tensor4D,
  type TensorInfo,
  tensor1d,
  tidy,
  zerosLike,
} from '../../../nodes/ml/tf.ts';
import { registerKernels } from '../registerKernels.ts';

/** The part of tfjs-node's backend that kernels use. */
interface NativeBackend {
  readonly binding: {
    TF_ATTR_INT: number;
    TF_ATTR_STRING: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_TYPE: number;
    TF_FLOAT: number;
  };
  executeSingleOutput(name: string, attributes: object[], inputs: TensorInfo[]): Tensor;
}

const kernels: Kernels<NativeBackend> = {
  /**
   * Saves the reshapes of the plain form. (TensorFlow's MatMul would take half as long for small matrices, but 2.21's leaves
   * the heap corrupt after products of some shapes in a CLIP or a U-Net, as oneDNN's 1x1 convolutions do.)
   */
  NoiseloomLinear(backend, { x, weight, bias }, { transposed }) {
    const { TF_ATTR_BOOL, TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
    const type = { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT };
    const attributes = [
      type,
      { name: 'adj_x', type: TF_ATTR_BOOL, value: false },
      { name: 'adj_y', type: TF_ATTR_BOOL, value: transposed },
    ];
    const product = backend.executeSingleOutput('BatchMatMulV2', attributes, [x, weight]);
    if (!bias) return [product];
    const sum = backend.executeSingleOutput('AddV2', [type], [product, bias]);
    product.dispose();
    return [sum];
  },
  Conv2D: (_, inputs, attributes, original) => original(inputs, { ...attributes, pad: listPadding(attributes.pad) }),
  FusedConv2D: (_, inputs, attributes, original) =>
    original(inputs, { ...attributes, pad: listPadding(attributes.pad) }),
  Conv2DBackpropInput(backend, inputs, attributes, original) {
    if (!isOneToOne(inputs.filter)) return inputGradient(backend, inputs, attributes, original);
    // Here TensorFlow 2.21 reads uninitialised memory. A second output channel of zeros, which changes nothing, avoids it.
    const [dy, filter] = [inputs.dy, inputs.filter].map((x) => tidy(() => concat([x, zerosLike(x)], 3)));
    const result = inputGradient(backend, { dy: dy!, filter: filter! }, attributes, original);
    dispose([dy!, filter!]);
    return result;
  },
  Conv2DBackpropFilter(backend, inputs, attributes, original) {
    const pad = listPadding(attributes.pad);
    if (typeof pad === 'string') return original(inputs, { ...attributes, pad });
    const shape = tensor1d(attributes.filterShape, 'int32');
    const explicit = listExplicitPadding(backend, attributes.strides, pad);
    const result = backend.executeSingleOutput('Conv2DBackpropFilter', explicit, [inputs.x, shape, inputs.dy]);
    shape.dispose();
    return result;
  },
};

export function registerNativeKernels(): void {
  registerKernels('tensorflow', kernels);
}

type InputGradient = NonNullable<Kernels<NativeBackend>['Conv2DBackpropInput']>;

const inputGradient: InputGradient = (backend, inputs, attributes, original) => {
  const pad = listPadding(attributes.pad);
  if (typeof pad === 'string') return original(inputs, { ...attributes, pad });
  const shape = tensor1d(attributes.inputShape, 'int32');
  const explicit = listExplicitPadding(backend, attributes.strides, pad);
  const result = backend.executeSingleOutput('Conv2DBackpropInput', explicit, [shape, inputs.filter, inputs.dy]);
  shape.dispose();
  return result;
};

/** Whether a convolution has one input channel and one output channel. */
function isOneToOne({ shape }: Tensor4D): boolean {
  return shape[2] === 1 && shape[3] === 1;
}

type Padding = Conv2DAttrs['pad'];
type PaddingList = Exclude<Padding, 'valid' | 'same' | number>;

/** A number of pixels on every side as the list that TensorFlow understands. */
function listPadding(pad: Padding): 'valid' | 'same' | PaddingList {
  if (typeof pad !== 'number') return pad;
  return pad === 0
    ? 'valid'
    : [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ];
}

/** The attributes of TensorFlow's two convolution gradients for NHWC and explicit padding. */
function listExplicitPadding(backend: NativeBackend, strides: [number, number] | number, pad: PaddingList): object[] {
  const { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_BOOL, TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  const [down, right] = typeof strides === 'number' ? [strides, strides] : strides;
  return [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'strides', type: TF_ATTR_INT, value: [1, down, right, 1] },
    { name: 'padding', type: TF_ATTR_STRING, value: 'EXPLICIT' },
    { name: 'explicit_paddings', type: TF_ATTR_INT, value: pad.flat() },
    { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
    { name: 'use_cudnn_on_gpu', type: TF_ATTR_BOOL, value: true },
  ];
}
