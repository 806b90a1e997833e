import { randomStream } from '../../nodes/ml/random.ts';
import { type StoredTensor, writeSafetensors } from '../../nodes/ml/weights/writeSafetensors.ts';
import { unetName } from './ldmFile.ts';
import type { Tensors, TinyModel } from './tinyModels.ts';

export type LoraLayout = 'diffusers' | 'peft' | 'old' | 'kohya' | 'ldm' | 'loha' | 'lokr';

/** An adapter of random factors for a tiny model, and the changes that it stands for, calculated one number at a time. */
export interface TinyLora {
  readonly tensors: Tensors;
  readonly metadata: Record<string, string>;
  /** Component -> weight -> its change at strength 1, row-major as in the file of the weight. */
  readonly changes: ReadonlyMap<string, ReadonlyMap<string, Float64Array>>;
}

const [rank, alpha] = [2, 3];

export function tinyLora({ kind, components }: TinyModel, layout: LoraLayout, seed = 11): TinyLora {
  const random = randomStream(seed);
  const tensors: Tensors = new Map();
  const changes = new Map<string, Map<string, Float64Array>>();
  const matrix = (shape: number[], size: number): StoredTensor => {
    const count = shape.reduce((product, each) => product * each, 1);
    return { dtype: 'F32', shape, values: Float32Array.from({ length: count }, () => size * random.normal()) };
  };
  for (const [component, { tensors: weights }] of Object.entries(components)) {
    if (component === 'vae') continue;
    const own = new Map<string, Float64Array>();
    for (const [weight, { shape }] of weights) {
      if (!adapted(component, weight, layout)) continue;
      const name = nameIn(layout, { kind, component, module: weight.slice(0, -'.weight'.length) }, weights);
      const [out, ...rest] = shape as [number, ...number[]];
      const inner = rest.reduce((product, each) => product * each, 1);
      const kernel = rest.length > 1 ? [1, 1] : [];
      const put = (end: string, tensor: StoredTensor) => tensors.set(name + end, tensor) && tensor.values;
      if (layout === 'loha') {
        const part = (i: number) =>
          product(
            put(`.hada_w${i}_a`, matrix([out, rank], 0.4)),
            put(`.hada_w${i}_b`, matrix([rank, inner], 0.4)),
            rank,
          );
        const [first, second] = [part(1), part(2)];
        own.set(
          weight,
          first.map((value, i) => (alpha / rank) * value * second[i]!),
        );
      } else if (layout === 'lokr') {
        const w1 = put('.lokr_w1', matrix([2, 2], 0.3));
        const [half, width] = [out / 2, inner / 2];
        const w2 = product(
          put('.lokr_w2_a', matrix([half, rank], 0.2)),
          put('.lokr_w2_b', matrix([rank, width], 0.2)),
          rank,
        );
        const change = (_: unknown, at: number) => {
          const [i, j] = [Math.floor(at / inner), at % inner];
          const factor = w1[2 * Math.floor(i / half) + Math.floor(j / width)]!;
          return (alpha / rank) * factor * w2[(i % half) * width + (j % width)]!;
        };
        own.set(weight, Float64Array.from({ length: out * inner }, change));
      } else {
        const [down, up] = ends[layout](component);
        const right = put(down, matrix([rank, ...rest], 0.1));
        const change = product(put(up, matrix([out, rank, ...kernel], 0.2)), right, rank);
        const scaled = layout === 'diffusers' || layout === 'old' ? 1 : alpha / rank;
        own.set(
          weight,
          change.map((value) => scaled * value),
        );
      }
      if (!['diffusers', 'peft', 'old'].includes(layout))
        put('.alpha', { dtype: 'F32', shape: [], values: Float32Array.of(alpha) });
    }
    changes.set(component, own);
  }
  const settings = Object.fromEntries([...changes.keys()].map((component) => [`${component}.lora_alpha`, alpha]));
  return {
    tensors,
    metadata: layout === 'peft' ? { lora_adapter_metadata: JSON.stringify(settings) } : {},
    changes,
  };
}

/** The model's folder with changes added to its weights, each times a strength. */
export function mergedFolder(model: TinyModel, loras: readonly (readonly [TinyLora, number])[]): TinyModel['files'] {
  const files: Record<string, Uint8Array | string> = { ...model.files };
  for (const [component, { tensors }] of Object.entries(model.components)) {
    const path = Object.keys(files).find((each) => each.startsWith(`${component}/`) && each.endsWith('.safetensors'))!;
    const merged = [...tensors].map(([name, { shape, values }]) => {
      const sum = Float32Array.from(values, (value, i) =>
        loras.reduce(
          (total, [lora, strength]) => total + strength * (lora.changes.get(component)?.get(name)?.[i] ?? 0),
          stored(tensors.get(name)!, value),
        ),
      );
      return [name, { dtype: 'F32', shape, values: sum }] as const;
    });
    files[path] = writeSafetensors(new Map(merged));
  }
  return files;
}

/** What is left of a value in a file of half precision. */
function stored({ dtype }: StoredTensor, value: number): number {
  return dtype === 'F16' ? halved(value) : value;
}
function halved(value: number): number {
  const exponent = value === 0 ? 0 : Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const step = 2 ** (exponent - 10);
  const quotient = value / step;
  const floor = Math.floor(quotient);
  const up = quotient - floor > 0.5 || (quotient - floor === 0.5 && floor % 2 !== 0);
  return (floor + (up ? 1 : 0)) * step;
}

function product(left: Float32Array, right: Float32Array, inner: number): Float64Array {
  const [rows, columns] = [left.length / inner, right.length / inner];
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++)
      sum += left[Math.floor(at / columns) * inner + k]! * right[k * columns + (at % columns)]!;
    return sum;
  });
}

function adapted(component: string, weight: string, layout: LoraLayout): boolean {
  if (layout === 'old' || layout === 'diffusers')
    return /(attn[12]\.(to_[qkv]|to_out\.0)|self_attn\.(q|k|v|out)_proj)\.weight$/.test(weight);
  if (component !== 'unet') return /encoder\.layers\..*(proj|fc[12])\.weight$/.test(weight);
  const isKernel =
    /(conv|proj|attn|ff|shortcut)[\w.]*\.weight$/.test(weight) && !/(conv_in|conv_out|norm)/.test(weight);
  return layout === 'lokr' ? /attn|conv1/.test(weight) && isKernel : isKernel;
}

const linearLayer = (component: string) => (component === 'unet' ? '.lora' : '.lora_linear_layer');
const kohya = () => ['.lora_down.weight', '.lora_up.weight'] as const;
const ends: Readonly<Record<Exclude<LoraLayout, 'loha' | 'lokr'>, (component: string) => readonly [string, string]>> = {
  diffusers: (component) => [`${linearLayer(component)}.down.weight`, `${linearLayer(component)}.up.weight`],
  peft: () => ['.lora_A.weight', '.lora_B.weight'],
  old: () => ['_lora.down.weight', '_lora.up.weight'],
  kohya,
  ldm: kohya,
};

function nameIn(
  layout: LoraLayout,
  { kind, component, module }: { kind: string; component: string; module: string },
  weights: Tensors,
): string {
  if (layout === 'diffusers' || layout === 'peft') return `${component}.${module}`;
  if (layout === 'old')
    return component === 'unet'
      ? `unet.${module.replace(/\.(to_\w+?)(\.0)?$/, '.processor.$1')}`
      : `${component}.${module.replace('q_proj', 'to_q').replace('k_proj', 'to_k').replace('v_proj', 'to_v').replace('out_proj', 'to_out')}`;
  const starts: Record<string, string> = {
    unet: 'lora_unet',
    text_encoder: kind === 'sdxl' ? 'lora_te1' : 'lora_te',
    text_encoder_2: 'lora_te2',
  };
  const crossed = weights.has('up_blocks.0.attentions.0.norm.weight');
  const place = layout === 'ldm' && component === 'unet' ? unetName(`${module}.`, crossed).slice(0, -1) : module;
  return `${starts[component]}_${place.replaceAll('.', '_')}`;
}
