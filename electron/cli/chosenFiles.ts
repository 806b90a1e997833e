import { resolve } from 'node:path';
import type { Files } from '../../nodes/files.ts';
import { chosenPlaces } from '../files/chosenPlaces.ts';
import { openFiles } from '../files/files.ts';
import { dataFolder, fileFolders } from '../files/folders.ts';
import { expandHome, within } from '../files/paths.ts';

/**
 * The disk as a graph sees it that runs on the command line: models, and what lies in some files and folders or was
 * chosen in the editor before.
 */
export function chosenFiles(workingFolder: string, named: readonly string[]): Files {
  const places = named.map((place) => resolve(expandHome(place)));
  const before = chosenPlaces(dataFolder());
  const mayRead = within(async () => [...places, ...(await before.list())]);
  return openFiles(fileFolders(workingFolder, mayRead));
}
