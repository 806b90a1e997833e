/**
 * Kernels that tfjs-node lacks, or has in a form that diffusion models cannot use. TensorFlow's convolutions take any
 * padding, but tfjs-node passes on only 'same' and 'valid' (and lists of numbers forward). Diffusion models pad by one
 * pixel before a stride of two, forward and backward, so the four kernels are registered anew here.
 */
import {
  type Conv2DAttrs,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropInputAttrs,
  concat,
  dispose,
  getKernel,
  type KernelConfig,
  type NamedAttrMap,
  registerKernel,
  type Tensor,
  type Tensor4D,
  type TensorInfo,
  tensor1d,
  tidy,
  unregisterKernel,
  zerosLike,
} from '../../../nodes/ml/tf.ts';

const backendName = 'tensorflow';

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

export function registerNativeKernels(): void {
  registerKernel({ kernelName: 'NoiseloomLinear', backendName, kernelFunc: linear });
  for (const name of ['Conv2D', 'FusedConv2D']) {
    replaceKernel(name, (original) => (args) => {
      const attrs = args.attrs as unknown as Conv2DAttrs;
      return original({ ...args, attrs: { ...attrs, pad: asList(attrs.pad) } as unknown as NamedAttrMap });
    });
  }
  replaceKernel('Conv2DBackpropInput', (original) => (args) => {
    const attrs = args.attrs as unknown as Conv2DBackpropInputAttrs;
    const { dy, filter } = args.inputs as { dy: TensorInfo; filter: TensorInfo };
    const pad = asList(attrs.pad);
    if (typeof pad === 'string') return original({ ...args, attrs: { ...attrs, pad } as unknown as NamedAttrMap });
    const backend = args.backend as NativeBackend;
    const shape = tensor1d(attrs.inputShape, 'int32');
    const result = backend.executeSingleOutput('Conv2DBackpropInput', explicit(backend, attrs.strides, pad), [
      shape,
      filter,
      dy,
    ]);
    shape.dispose();
    return result;
  });
  replaceKernel('Conv2DBackpropInput', withTwoOutputs);
  replaceKernel('Conv2DBackpropFilter', (original) => (args) => {
    const attrs = args.attrs as unknown as Conv2DBackpropFilterAttrs;
    const { x, dy } = args.inputs as { x: TensorInfo; dy: TensorInfo };
    const pad = asList(attrs.pad);
    if (typeof pad === 'string') return original({ ...args, attrs: { ...attrs, pad } as unknown as NamedAttrMap });
    const backend = args.backend as NativeBackend;
    const shape = tensor1d(attrs.filterShape, 'int32');
    const result = backend.executeSingleOutput('Conv2DBackpropFilter', explicit(backend, attrs.strides, pad), [
      x,
      shape,
      dy,
    ]);
    shape.dispose();
    return result;
  });
}

/**
 * `project` of linear.ts without the reshapes around it. (TensorFlow's MatMul would take half as long for small matrices,
 * but 2.21's leaves the heap corrupt after products of some shape in a CLIP or a U-Net, as oneDNN's 1x1 convolutions do.)
 */
const linear: KernelConfig['kernelFunc'] = ({ inputs, attrs, backend }) => {
  const native = backend as NativeBackend;
  const { x, weight, bias } = inputs as { x: TensorInfo; weight: TensorInfo; bias: TensorInfo | undefined };
  const { TF_ATTR_BOOL, TF_ATTR_TYPE, TF_FLOAT } = native.binding;
  const type = { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT };
  const turned = [
    { name: 'adj_x', type: TF_ATTR_BOOL, value: false },
    { name: 'adj_y', type: TF_ATTR_BOOL, value: attrs?.transposed },
  ];
  const product = native.executeSingleOutput('BatchMatMulV2', [type, ...turned], [x, weight]);
  if (!bias) return [product];
  const sum = native.executeSingleOutput('AddV2', [type], [product, bias]);
  product.dispose();
  return [sum];
};

/**
 * From one channel to one channel, TensorFlow 2.21 reads memory that nobody wrote. A second output channel of zeros,
 * which changes nothing, avoids it.
 */
const withTwoOutputs: Wrap = (original) => (args) => {
  const { dy, filter } = args.inputs as { dy: Tensor4D; filter: Tensor4D };
  if (filter.shape[2] !== 1 || filter.shape[3] !== 1) return original(args);
  const [wideDy, wideFilter] = [dy, filter].map((x) => tidy(() => concat([x, zerosLike(x)], 3))) as [Tensor, Tensor];
  const result = original({ ...args, inputs: { dy: wideDy, filter: wideFilter } });
  dispose([wideDy, wideFilter]);
  return result;
};

type Wrap = (original: KernelConfig['kernelFunc']) => KernelConfig['kernelFunc'];

function replaceKernel(kernelName: string, wrap: Wrap) {
  const original = getKernel(kernelName, backendName);
  unregisterKernel(kernelName, backendName);
  registerKernel({ ...original, kernelFunc: wrap(original.kernelFunc) });
}

type Padding = Conv2DAttrs['pad'];
type PaddingList = Exclude<Padding, 'valid' | 'same' | number>;

/** A number of pixels on every side as the list that TensorFlow understands. */
function asList(pad: Padding): 'valid' | 'same' | PaddingList {
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
function explicit(backend: NativeBackend, strides: [number, number] | number, pad: PaddingList): object[] {
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
