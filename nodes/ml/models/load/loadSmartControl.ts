import { UserError } from '../../../errors.ts';
import type { Files } from '../../../files.ts';
import { quote } from '../../../quote.ts';
import { badCheckpoint } from '../../weights/checkpoint.ts';
import { seemsLike } from '../../weights/fileKinds.ts';
import { openWhole, type WholeFile } from '../../weights/wholeFile.ts';
import { type JunctionScale, smartControl } from '../smartControl.ts';
import type { Shapes } from '../unetBlocks.ts';
import { type LoadOptions, loadParts } from './loadParts.ts';
import { nameOf } from './modelFolder.ts';

export interface LoadedSmartControl {
  readonly name: string;
  readonly bytes: number;
  readonly scaleAt: JunctionScale;
  dispose(): void;
}

/** Networks of the widest U-Net that there is. */
const MOST_JUNCTIONS = 64;

/**
 * Loads the networks of SmartControl from a file as it is published: c_pre_list.i.{0,2,4}.{weight,bias}. The caller owns the
 * result. Throws UserError `UNSUPPORTED`, `BAD_CHECKPOINT`, `NOT_ENOUGH_MEMORY` and what reading throws.
 */
export async function loadSmartControl(
  files: Files,
  location: string,
  options: LoadOptions = {},
): Promise<LoadedSmartControl> {
  const path = await files.locate(location);
  const file = await openWhole(files, path);
  const part = { title: 'SmartControl', checkpoint: file, shapes: shapesOf(file), file };
  const { weights, bytes, dispose } = await loadParts(nameOf(path), { control: part }, options);
  const scaleAt = smartControl(weights.control, { recompute: true, ...options.memory });
  return { name: nameOf(path), bytes, scaleAt, dispose };
}

/** What the networks have to be: each follows from the channels that its first convolution takes. */
function shapesOf(file: WholeFile): Shapes {
  const shapes: Shapes = new Map();
  for (let i = 0; i < MOST_JUNCTIONS && file.has(`c_pre_list.${i}.0.weight`); i++) {
    const [, from] = file.entry(`c_pre_list.${i}.0.weight`).shape;
    if (file.entry(`c_pre_list.${i}.0.weight`).shape.length !== 4 || !from || from % 8 !== 0)
      throw badCheckpoint(
        file.path,
        `${quote(`c_pre_list.${i}.0.weight`)} takes ${from ?? 'no'} channels, not a multiple of 8`,
      );
    for (const [layer, to, taken] of [
      [0, from / 4, from],
      [2, from / 8, from / 4],
      [4, 1, from / 8],
    ] as const) {
      shapes.set(`c_pre_list.${i}.${layer}.weight`, [to, taken, 3, 3]);
      shapes.set(`c_pre_list.${i}.${layer}.bias`, [to]);
    }
  }
  if (shapes.size > 0) return shapes;
  const names = file.names();
  throw new UserError(
    'UNSUPPORTED',
    `"${file.path}" is no SmartControl: looked for c_pre_list.0.0.weight; its names start with ${names.slice(0, 3).join(', ') || 'nothing'}.${seemsLike(names)}`,
  );
}
