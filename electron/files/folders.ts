import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileFolders } from './files.ts';
import { within } from './paths.ts';

interface Package {
  readonly name: string;
  readonly version: string;
}

/** The folder of this package: a checkout, or where it was installed. */
export const packageFolder = findPackage(dirname(fileURLToPath(import.meta.url)));

/** The version of this program. */
export const version = readPackage(packageFolder)?.version ?? '0.0.0';

/** Graphs that come with the program. */
export const templatesFolder = join(packageFolder, 'graphs', 'templates');

/**
 * Folders of models, what relative paths start from, and what may be read besides: by default what lies there.
 * NOISELOOM_MODELS names the models folder.
 */
export function fileFolders(
  workingFolder: string,
  mayRead: FileFolders['mayRead'] = within(async () => [workingFolder]),
): FileFolders {
  return {
    mayRead,
    builtinFolder: join(packageFolder, 'nodes', 'model', 'builtin'),
    modelsFolder: modelsFolder(),
    hubCache: hubCache(),
    fingerprints: join(dataFolder(), 'fingerprints.json'),
    workingFolder,
  };
}

/** Where pulled models are kept for this user: NOISELOOM_MODELS, else the folder chosen in Settings, else in the data folder. */
export function modelsFolder(): string {
  const { NOISELOOM_MODELS } = process.env;
  if (NOISELOOM_MODELS) return resolve(NOISELOOM_MODELS);
  try {
    const { models } = JSON.parse(readFileSync(chosenFoldersPath(), 'utf8')) as { readonly models?: unknown };
    if (typeof models === 'string' && isAbsolute(models)) return models;
  } catch {
    // none was chosen
  }
  return join(dataFolder(), 'models');
}

/** The file that holds the folder of models which the user chose. */
export function chosenFoldersPath(): string {
  return join(dataFolder(), 'folders.json');
}

/** What is kept for this user: NOISELOOM_DATA, else the place that the system has for data. */
export function dataFolder(): string {
  const { NOISELOOM_DATA, LOCALAPPDATA, XDG_DATA_HOME } = process.env;
  if (NOISELOOM_DATA) return resolve(NOISELOOM_DATA);
  const home = homedir();
  const places: Partial<Record<NodeJS.Platform, string>> = {
    win32: LOCALAPPDATA ?? join(home, 'AppData', 'Local'),
    darwin: join(home, 'Library', 'Application Support'),
  };
  return join(places[process.platform] ?? (XDG_DATA_HOME || join(home, '.local', 'share')), 'noiseloom');
}

/** The cache that Hugging Face's own tools keep, by the variables that they read. */
function hubCache(): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  return HF_HUB_CACHE || join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'hub');
}

function findPackage(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (readPackage(folder)?.name === 'noiseloom') return folder;
    if (folder === dirname(folder)) return start;
  }
}

function readPackage(folder: string): Package | undefined {
  const path = join(folder, 'package.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Package) : undefined;
}
