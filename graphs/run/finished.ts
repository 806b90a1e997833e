import type { ImageLabel } from '../../nodes/ports.ts';
import type { Step } from './plan.ts';
import type { RunWorld } from './run.ts';

/*
 * A run that is cancelled keeps the images that it had finished: as files, where no node had saved them yet.
 */

/** The world of a run that knows which images were saved, by their ids. */
export interface SavingWorld extends RunWorld {
  readonly savedIds: Set<string>;
}

export function noteSaved(world: RunWorld): SavingWorld {
  const savedIds = new Set<string>();
  return {
    ...world,
    savedIds,
    emit(event) {
      if (event.type === 'image' && event.label?.id !== undefined) savedIds.add(event.label.id);
      world.emit(event);
    },
  };
}

/** Saves the images among what calls of a step gave, those that nobody saved. Borrows the values. */
export async function saveFinished(
  { copyImages, emit, run, savedIds }: SavingWorld,
  { id, definition }: Step,
  given: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const isNew = ({ label }: { readonly label?: ImageLabel }) => label?.id === undefined || !savedIds.has(label.id);
  for (const output in definition.outputs) {
    const { type } = definition.outputs[output]!;
    if (type !== 'images' || !copyImages) continue;
    const values = given.flatMap((outputs) => outputs[output]);
    const { copies } = await copyImages(type, values, true);
    for (const copy of copies) if (isNew(copy)) emit({ type: 'image', run, node: id, ...copy });
  }
}
