import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
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
  const found = [...builtin, ...(await pulledModels(modelsFolder)), ...(await looseFiles(modelsFolder)), ...cached];
  const files = openFiles(folders);
  return Promise.all(
    found.map(async (model): Promise<Model> => {
      const place = model.from === 'hub cache' ? await files.locate(model.name).catch(() => model.path) : model.path;
      const recognised = await recogniseModel(files, place);
      const kind = kindByName(model.name) ?? recognised.kind;
      return { ...model, ...recognised, ...(kind && { kind }), bytes: model.bytes ?? (await bytesIn(model.path)) };
    }),
  );
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

/** Checkpoints that lie directly in the models folder, as a user puts them there. */
async function looseFiles(folder: string): Promise<Found[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && /\.(safetensors|sft|ckpt|pth?|bin)$/i.test(entry.name))
    .map(({ name }) => ({ name: join(folder, name), from: 'models folder', path: join(folder, name) }));
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
