import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../nodes/errors.ts';
import type { FileFolders } from '../files/files.ts';
import { sumSizes } from './hub.ts';
import { readPullRecord } from './pullModel.ts';

/** A model on this machine's disk. */
export interface Model {
  /** What a graph writes to mean it. */
  readonly name: string;
  readonly from: 'built in' | 'pulled' | 'hub cache';
  readonly path: string;
  readonly bytes?: number;
  readonly commit?: string;
}

type Folders = Pick<FileFolders, 'builtinFolder' | 'modelsFolder' | 'hubCache'>;

/** The models that are built in, those in the models folder and those in the cache of Hugging Face's tools. */
export async function listModels({ builtinFolder, modelsFolder, hubCache }: Folders): Promise<Model[]> {
  const builtin = (await folderNames(builtinFolder)).map(
    (name): Model => ({ name: `builtin:${name}`, from: 'built in', path: join(builtinFolder, name) }),
  );
  const cached = (await folderNames(hubCache)).flatMap((folder): Model[] => {
    const [kind, ...parts] = folder.split('--');
    return kind === 'models' ? [{ name: parts.join('/'), from: 'hub cache', path: join(hubCache, folder) }] : [];
  });
  return [...builtin, ...(await pulledModels(modelsFolder)), ...cached];
}

/** Deletes a model that was pulled. Throws UserError `NOT_FOUND`. */
export async function removeModel(name: string, folders: Folders): Promise<void> {
  const model = (await pulledModels(folders.modelsFolder)).find((pulled) => pulled.name === name);
  if (!model) throw new UserError('NOT_FOUND', `"${name}" was not pulled into "${folders.modelsFolder}".`);
  await rm(model.path, { recursive: true });
}

/** Models with a record of their pull, `owner/name` or just `name`. */
async function pulledModels(folder: string): Promise<Model[]> {
  const models: Model[] = [];
  for (const owner of await folderNames(folder)) {
    for (const name of ['', ...(await folderNames(join(folder, owner)))]) {
      const path = join(folder, owner, name);
      const record = await readPullRecord(path);
      if (record)
        models.push({ name: record.name, from: 'pulled', path, bytes: sumSizes(record.files), commit: record.commit });
    }
  }
  return models;
}

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}
