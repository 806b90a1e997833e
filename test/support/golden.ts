import { openFiles } from '../../electron/files/files.ts';
import { packageFolder } from '../../electron/files/folders.ts';
import { anywhere } from '../../electron/files/paths.ts';
import { openSafetensors } from '../../nodes/ml/weights/safetensors.ts';

/** The repository's own files and golden folders. */
export const repository = packageFolder;
export const diskFiles = openFiles({
  builtinFolder: `${repository}/builtin`,
  modelsFolder: `${repository}/out/models`,
  hubCache: `${repository}/out/hub`,
  workingFolder: repository,
  mayRead: anywhere,
});

export function goldenFolder(family: string): string {
  return `${repository}/test/golden/${family}`;
}

/** Settings of a golden folder. */
export async function goldenCase(family: string): Promise<Record<string, unknown>> {
  return JSON.parse(new TextDecoder().decode(await diskFiles.read(`${goldenFolder(family)}/case.json`)));
}

/** Rows of a golden tensor of rank 2 or more, as plain numbers. */
export async function goldenRows(family: string, name: string): Promise<number[][]> {
  const expected = await openSafetensors(diskFiles, `${goldenFolder(family)}/expected.safetensors`);
  const values = Array.from(await expected.read(name), Number);
  const rows = expected.entry(name).shape[0] as number;
  const size = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.slice(row * size, (row + 1) * size));
}
