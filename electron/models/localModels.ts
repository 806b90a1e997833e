import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import type { Files } from '../../nodes/files.ts';
import type { ModelKind } from '../../nodes/params.ts';
import { type FileFolders, openFiles } from '../files/files.ts';
import { sumSizes } from './hub.ts';
import { kindByName } from './knownModels.ts';
import { readPullRecord } from './pullModel.ts';
import { recogniseModel } from './recogniseModel.ts';

/** A model on this machine's disk. */
export interface Model {
  /** What a graph writes to mean it. */
  readonly name: string;
  readonly from: 'built in' | 'pulled' | 'hub cache' | 'models folder';
  readonly path: string;
  /** Bytes on the disk. */
  readonly bytes: number;
  readonly commit?: string;
  /** What it is for, where its name or its content tells. */
  readonly kind?: ModelKind;
  /** For people: its architecture. */
  readonly family?: string;
  /** Steps that a generator's own files recommend. */
  readonly steps?: number;
}

type Found = Pick<Model, 'name' | 'from' | 'path' | 'commit'> & { readonly bytes?: number };

/**
 * The models that are built in, those in the models folder, pulled or put there, and those in the cache of Hugging Face's
 * tools, each with what it is.
 */
export async function listModels(folders: FileFolders): Promise<Model[]> {
  const { builtinFolder, modelsFolder, hubCache } = folders;
  const builtin = (await namesIn(builtinFolder)).map(
    (name): Found => ({ name: `builtin:${name}`, from: 'built in', path: join(builtinFolder, name) }),
  );
  const cached = (await namesIn(hubCache)).flatMap((folder): Found[] => {
    const [kind, ...parts] = folder.split('--');
    return kind === 'models' ? [{ name: parts.join('/'), from: 'hub cache', path: join(hubCache, folder) }] : [];
  });
  const found = [...builtin, ...(await pulledModels(modelsFolder)), ...(await broughtModels(modelsFolder)), ...cached];
  const files = openFiles(folders);
  const models: Model[] = [];
  for (let i = 0; i < found.length; i += OPENED)
    models.push(...(await Promise.all(found.slice(i, i + OPENED).map((model) => describeModel(files, model)))));
  return models;
}

/** The models whose headers are read at a time. */
const OPENED = 16;

async function describeModel(files: Files, model: Found): Promise<Model> {
  const place = model.from === 'hub cache' ? await files.locate(model.name).catch(() => model.path) : model.path;
  const recognised = await recogniseModel(files, place);
  const kind = kindByName(model.name) ?? recognised.kind;
  return { ...model, ...recognised, ...(kind && { kind }), bytes: model.bytes ?? (await bytesIn(model.path)) };
}

/** Deletes a model that was pulled. Throws UserError `NOT_FOUND`. */
export async function removeModel(name: string, folders: Pick<FileFolders, 'modelsFolder'>): Promise<void> {
  const model = (await pulledModels(folders.modelsFolder)).find((pulled) => pulled.name === name);
  if (!model) throw new UserError('NOT_FOUND', `"${name}" was not pulled into "${folders.modelsFolder}".`);
  await rm(model.path, { recursive: true });
}

/** Models with a record of their pull, `owner/name` or just `name`; of a collection the files that are models of their own. */
async function pulledModels(folder: string): Promise<Found[]> {
  const models: Found[] = [];
  for (const owner of await namesIn(folder)) {
    for (const name of ['', ...(await namesIn(join(folder, owner)))]) {
      const path = join(folder, owner, name);
      const record = await readPullRecord(path);
      if (!record) continue;
      const { commit, files } = record;
      const single = files.filter((file) => kindByName(`${record.name}/${file.path}`));
      for (const file of single)
        if ((await bytesIn(join(path, file.path))) > 0)
          models.push({
            name: `${record.name}/${file.path}`,
            from: 'pulled',
            path: join(path, file.path),
            bytes: file.size,
            commit,
          });
      if (single.length === 0) models.push({ name: record.name, from: 'pulled', path, bytes: sumSizes(files), commit });
    }
  }
  return models;
}

/** How deep the models folder is searched, and how many models of it are told. */
const [MAX_DEPTH, MAX_BROUGHT] = [4, 2000];

/**
 * What a user put into the models folder: checkpoints, and folders of diffusers and transformers, however they are sorted
 * into folders (as ComfyUI's `checkpoints`, `loras`, `vae`).
 */
async function broughtModels(folder: string, depth = MAX_DEPTH): Promise<Found[]> {
  const models: Found[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (models.length >= MAX_BROUGHT) break;
    if (entry.name.startsWith('.')) continue; // a pull that was interrupted, what systems keep beside files
    const path = join(folder, entry.name);
    const isFile = entry.isFile() && /\.(safetensors|sft|ckpt|pth?|bin)$/i.test(entry.name);
    if (!isFile && (!entry.isDirectory() || (await readPullRecord(path)))) continue; // what was pulled is listed as such
    if (isFile || (await isModelFolder(path))) models.push({ name: path, from: 'models folder', path });
    else if (depth > 1) models.push(...(await broughtModels(path, depth - 1)));
  }
  return models.slice(0, MAX_BROUGHT);
}

/** Whether a folder is one model. */
async function isModelFolder(path: string): Promise<boolean> {
  const names = await readdir(path).catch((): string[] => []);
  return names.some((name) => /^(model_index|config|adapter_config)\.json$/.test(name));
}

/** Names of the folders in a folder. */
async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

/** Bytes of the files in a folder and below, links not followed. */
async function bytesIn(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.isFile() ? found.size : 0;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => bytesIn(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
