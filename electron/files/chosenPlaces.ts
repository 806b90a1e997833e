import { dirname, join } from 'node:path';
import { jsonFile, type Tell } from './jsonFile.ts';
import { recentFile } from './recentFile.ts';

/** How many chosen files and folders are remembered. */
const MAX_CHOSEN = 500;

/**
 * The files and folders that graphs may read because the user chose them: by a dialog, or by opening or saving a graph,
 * which may read what lies beside it. `tell` as in `jsonFile`.
 */
export function chosenPlaces(dataFolder: string, tell?: Tell) {
  const chosen = jsonFile<readonly string[]>(
    join(dataFolder, 'chosen.json'),
    [],
    (found) => Array.isArray(found) && found.every((each) => typeof each === 'string'),
    tell,
  );
  const recent = recentFile(dataFolder);
  return {
    async remember(path: string): Promise<void> {
      await chosen.change((before) => [path, ...before.filter((other) => other !== path)].slice(0, MAX_CHOSEN));
    },
    async list(): Promise<string[]> {
      const [places, graphs] = await Promise.all([chosen.read(), recent.read()]);
      return [...places, ...graphs.map(({ location }) => dirname(location))];
    },
  };
}
