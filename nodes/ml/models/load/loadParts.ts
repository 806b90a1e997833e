import { UserError } from '../../../errors.ts';
import { dispose, type Tensor } from '../../tf.ts';
import type { Checkpoint } from '../../weights/checkpoint.ts';
import { checkpointBytes, loadWeights, requireMemory } from '../../weights/loadWeights.ts';
import { type Weights, weightsOf } from '../../weights/weights.ts';
import { requireNothingUnknown, type WholeFile } from '../../weights/wholeFile.ts';
import type { PromptReading } from '../promptReader.ts';
import type { MemoryOptions, Shapes } from '../unetBlocks.ts';

export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** Bytes free for weights now, where the device tells. */
  freeBytes?(): number;
  /** Called and awaited before each part, with the fraction of bytes loaded so far. Where it rejects, nothing is left. */
  progress?(fraction: number, text: string): Promise<void>;
  /** Told, in a sentence, what the user should know though nothing failed. */
  remark?(sentence: string): void;
  /** How the model spends memory; by default blocks are recomputed in the backward pass. */
  readonly memory?: MemoryOptions;
  /** How a generator reads prompts; plain by default. */
  readonly reading?: PromptReading;
}

/** One network of a model: its file, under the names that its architecture uses. */
export interface Part {
  /** For people, e.g. `U-Net`. */
  readonly title: string;
  readonly checkpoint: Checkpoint;
  /** Names and shapes that are needed; undefined loads everything there is. */
  readonly shapes: Shapes | undefined;
  /** What the checkpoint is read from, where nothing of it may be left over; parts may share it. */
  readonly file?: WholeFile;
}

export interface LoadedParts<Name extends string> {
  readonly weights: Readonly<Record<Name, Weights>>;
  /** Of all weights in memory. */
  readonly bytes: number;
  dispose(): void;
}

/**
 * Checks all parts against their architectures and the free memory, and that nothing of their files is left over, then
 * loads their weights. After a failure or an abort nothing is left. Throws UserError `WRONG_WEIGHTS`, `UNKNOWN_WEIGHTS`,
 * `NOT_ENOUGH_MEMORY` and what reading throws.
 */
export async function loadParts<Name extends string>(
  name: string,
  parts: Readonly<Record<Name, Part>>,
  { signal, freeBytes, progress }: LoadOptions,
): Promise<LoadedParts<Name>> {
  const entries = Object.entries<Part>(parts) as [Name, Part][];
  for (const [, part] of entries) checkShapes(part);
  for (const file of new Set(entries.map(([, part]) => part.file)))
    if (file)
      requireNothingUnknown(
        file,
        titleOf(
          entries.map(([, part]) => part),
          file,
        ),
      );
  const sizes = entries.map(([, part]) => checkpointBytes(part.checkpoint, neededOf(part)));
  const bytes = sumOf(sizes);
  if (freeBytes) requireMemory(`"${name}"`, bytes, freeBytes());

  const loaded: [Name, Map<string, Tensor>][] = [];
  const free = () => {
    for (const [, tensors] of loaded) dispose([...tensors.values()]);
  };
  try {
    for (const [i, [key, part]] of entries.entries()) {
      await progress?.(
        sumOf(sizes.slice(0, i)) / bytes,
        `loading the ${part.title}, ${inUnits(sizes[i]!)} of ${inUnits(bytes)}`,
      );
      loaded.push([key, await loadWeights(part.checkpoint, { ...neededOf(part), ...(signal && { signal }) })]);
    }
  } catch (error) {
    free();
    throw error;
  }
  const weights = Object.fromEntries(loaded.map(([key, tensors]) => [key, weightsOf(tensors)]));
  return { weights: weights as Record<Name, Weights>, bytes, dispose: free };
}

/** For people: 3.4 GiB, or 12 MiB below one of them. */
function inUnits(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function neededOf({ shapes }: Part): { keep?: (name: string) => boolean } {
  return shapes ? { keep: (name) => shapes.has(name) } : {};
}

/** The part that a file holds, or the parts' common name. */
function titleOf(parts: readonly Part[], file: WholeFile): string {
  const held = parts.filter((part) => part.file === file);
  return held.length === 1 ? (held[0] as Part).title : 'model';
}

/** Tensors that are too many are named where others are missing. */
function checkShapes({ title, checkpoint, shapes }: Part): void {
  if (!shapes) {
    for (const name of checkpoint.names()) checkpoint.entry(name);
    return;
  }
  const names = new Set(checkpoint.names());
  const missing = [...shapes.keys()].filter((name) => !names.has(name));
  const unexpected = [...names].filter((name) => !shapes.has(name));
  const misshapen = [...shapes].flatMap(([name, shape]) => {
    const found = names.has(name) ? checkpoint.entry(name).shape : shape;
    return found.join() === shape.join() ? [] : [`${name} is [${found.join(', ')}] instead of [${shape.join(', ')}]`];
  });
  if (missing.length + misshapen.length === 0) return;
  const findings = [
    sentence(missing, `of ${shapes.size} tensors are missing`),
    sentence(misshapen, 'have another shape'),
    sentence(unexpected, 'are unexpected'),
  ];
  throw new UserError(
    'WRONG_WEIGHTS',
    `"${checkpoint.path}" does not fit the ${title} that its config describes: ${findings.filter(Boolean).join('; ')}.`,
  );
}

function sentence(found: readonly string[], what: string): string {
  if (found.length === 0) return '';
  return `${found.length} ${what} (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', ...' : ''})`;
}
