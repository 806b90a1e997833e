import { UserError } from './errors.ts';
import type { Tensor } from './ml/tf.ts';
import type { Condition, LoadedFunction, PortType, PortValues } from './ports.ts';

/** A part of a value that must be freed: a tensor, or a loaded model with its weights. */
export type Resource = Tensor | LoadedFunction;

/** What a value on a wire is made of. */
interface Parts {
  readonly tensors: readonly Tensor[];
  readonly functions: readonly LoadedFunction[];
}

const nothing: Parts = { tensors: [], functions: [] };
const withUsed = (value: LoadedFunction): LoadedFunction[] => [value, ...(value.uses ?? []).flatMap(withUsed)];
const aFunction = (value: LoadedFunction): Parts => ({ tensors: [], functions: withUsed(value) });
const parts: { readonly [Type in PortType]: (value: PortValues[Type]) => Parts } = {
  text: () => nothing,
  number: () => nothing,
  scores: () => nothing,
  trace: () => nothing,
  statistics: () => nothing,
  noise: ({ latents }) => ({ tensors: [latents], functions: [] }),
  distribution: ({ mean, std }) => ({ tensors: [mean, std], functions: [] }),
  images: ({ pixels }) => ({ tensors: [pixels], functions: [] }),
  condition: ({ image, map, controlnet }: Condition) => ({
    tensors: map ? [image, map] : [image],
    functions: withUsed(controlnet),
  }),
  generator: aFunction,
  reward: aFunction,
  consistency: aFunction,
  controlnet: aFunction,
};

/** The tensors and loaded models that a value of a port type is made of. */
export function partsOf(type: PortType, value: unknown): Parts {
  return (parts[type] as (value: unknown) => Parts)(value);
}

/** Bytes of memory that a resource holds; tensors on wires are float32. */
export function bytesOf(resource: Resource): number {
  return isTensor(resource) ? resource.size * 4 : resource.bytes;
}

/** Whether a resource was disposed of; always false for a loaded model, which does not know. */
export function isGone(resource: Resource): boolean {
  return isTensor(resource) && resource.isDisposed;
}

function isTensor(resource: Resource): resource is Tensor {
  return 'dataId' in resource;
}

/** Freezes a value and the lists inside it, so that no reader can change what another reads. Models keep their own state. */
export function freezeValue(type: PortType, value: unknown): void {
  if (typeof value !== 'object' || value === null || partsOf(type, value).functions.includes(value as LoadedFunction))
    return;
  for (const part of Object.values(value)) if (Array.isArray(part)) freezeList(part);
  Object.freeze(value);
}

function freezeList(items: readonly unknown[]): void {
  for (const item of items) {
    if (Array.isArray(item)) freezeList(item);
    else if (typeof item === 'object') Object.freeze(item);
  }
  Object.freeze(items);
}

/**
 * Refuses a value with a NaN or an infinity in it. Returns a promise only where a tensor has to be read.
 * Throws or rejects with UserError `NOT_FINITE`.
 */
export function refuseNonFinite(type: PortType, value: unknown, output: string): Promise<void> | undefined {
  if (type === 'number') refuse([value as number], output);
  if (type === 'scores') for (const row of (value as PortValues['scores']).values) refuse(row, output);
  if (type === 'trace') for (const row of (value as PortValues['trace']).values.flat()) refuse(row, output);
  const { tensors } = partsOf(type, value);
  if (tensors.length === 0) return undefined;
  return Promise.all(tensors.map(async (tensor) => refuse(await tensor.data(), output))).then(() => undefined);
}

function refuse(numbers: ArrayLike<number>, output: string): void {
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isFinite(numbers[i])) continue;
    const message = `its output "${output}" holds ${numbers[i]} at element ${i} of ${numbers.length}. No node before it gave one: check its params, e.g. a step size or scale that is too large, and its model, whose weights may hold NaN.`;
    throw new UserError('NOT_FINITE', message);
  }
}
