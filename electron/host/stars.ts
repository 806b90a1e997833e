import { join } from 'node:path';
import { jsonFile } from '../files/jsonFile.ts';
import type { ImagePlace } from './ipc.ts';

/** The images of runs that the user likes, in the data folder. */
export function stars(dataFolder: string) {
  const file = jsonFile<readonly ImagePlace[]>(
    join(dataFolder, 'stars.json'),
    [],
    (found) => Array.isArray(found) && found.every(isPlace),
  );
  return {
    list: () => file.read(),
    async mark(images: readonly ImagePlace[], starred: boolean): Promise<void> {
      await file.change((known) => {
        const others = known.filter((one) => !images.some((image) => isSame(image, one)));
        return starred ? [...others, ...images.map(({ folder, name }) => ({ folder, name }))] : others;
      });
    },
  };
}

function isPlace(found: unknown): found is ImagePlace {
  const { folder, name } = (found ?? {}) as Partial<ImagePlace>;
  return typeof folder === 'string' && typeof name === 'string';
}

function isSame(a: ImagePlace, b: ImagePlace): boolean {
  return a.folder === b.folder && a.name === b.name;
}
