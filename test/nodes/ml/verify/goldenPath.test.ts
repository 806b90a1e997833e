import { expect, it } from 'vitest';
import type { GoldenFolder } from '../../../../nodes/ml/verify/family.ts';
import { locateShared } from '../../../../nodes/ml/verify/goldenPath.ts';
import { diskFiles, repository } from '../../../support/golden.ts';
import { memoryFiles } from '../../../support/memoryFiles.ts';

const golden = (path: string, file: string) =>
  ({ path, files: memoryFiles({ [file]: '' }) }) as unknown as GoldenFolder;

it.each([
  ['/sets/b/taesd', '/sets/b/taesd/real/w', '/sets/b/taesd/real'],
  ['/sets/b/taesd-b', '/sets/b/taesd/real/w', '/sets/b/taesd/real'],
  ['/sets/b/taesd', '/sets/shared/golden/taesd/real/w', '/sets/shared/golden/taesd/real'],
  ['/sets/b/taesd', '/sets/golden/taesd/real/w', '/sets/golden/taesd/real'],
])('from %s finds %s', async (path, file, found) => {
  expect(await locateShared(golden(path, file), 'shared/golden/taesd/real')).toBe(found);
});

it('finds what is stored in this repository, and names what is nowhere', async () => {
  const elsewhere = { path: '/nowhere/taesd', files: diskFiles } as unknown as GoldenFolder;
  expect(await locateShared(elsewhere, 'shared/golden/taesd/real')).toBe(`${repository}/test/golden/taesd/real`);
  await expect(locateShared(elsewhere, 'shared/golden/taesd/unreal')).rejects.toThrow(/taesd\/unreal/);
});
