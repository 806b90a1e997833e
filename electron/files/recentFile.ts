import { join } from 'node:path';
import { type JsonFile, jsonFile, type Tell } from './jsonFile.ts';

export interface Used {
  readonly location: string;
  readonly used: string;
}

/** The graphs that were opened or saved, newest first. `tell` as in `jsonFile`. */
export function recentFile(dataFolder: string, tell?: Tell): JsonFile<readonly Used[]> {
  return jsonFile<readonly Used[]>(
    join(dataFolder, 'recent.json'),
    [],
    (found) => Array.isArray(found) && found.every((each) => typeof each?.location === 'string'),
    tell,
  );
}
