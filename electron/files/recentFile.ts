import { join } from 'node:path';
import { type JsonFile, jsonFile } from './jsonFile.ts';

export interface Used {
  readonly location: string;
  readonly used: string;
}

/** The graphs that were opened or saved, newest first. */
export function recentFile(dataFolder: string): JsonFile<readonly Used[]> {
  return jsonFile<readonly Used[]>(
    join(dataFolder, 'recent.json'),
    [],
    (found) => Array.isArray(found) && found.every((each) => typeof each?.location === 'string'),
  );
}
