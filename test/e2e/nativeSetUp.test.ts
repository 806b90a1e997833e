import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { type NativeArchive, nativeBuild, serveNativeArchive } from '../support/nativeArchive.ts';
import { describeInWindows, makeHome, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, startEditor } from './editorStories.ts';

/*
 * Native TensorFlow comes without a checkout and without a compiler: downloaded from the settings over a
 * connection that breaks.
 */

const build = nativeBuild();

describeInWindows('native TensorFlow', (open) => {
  let opened: OpenedWindow;
  let archive: NativeArchive | undefined;
  afterEach(async () => {
    await opened.close();
    await archive?.close();
    archive = undefined;
  });
  afterAll(removeHomes);

  it.skipIf(!build)(
    'is fetched from the settings, and computes after a restart of the engine',
    async () => {
      const home = await makeHome({});
      const cache = join(home, 'cache');
      archive = await serveNativeArchive(build as string, cache);
      const env = { XDG_CACHE_HOME: cache, TFJS_NODE_CDN_STORAGE: archive.host };
      opened = await startEditor(open, { home, env });
      const { page } = opened;
      const device = page.locator('.device');
      await expect.poll(() => device.textContent(), { timeout: patience }).toMatch(/webgpu|wasm/);
      await page.keyboard.press('Control+,');
      await page.getByRole('button', { name: 'Download native TensorFlow' }).click({ timeout: patience });
      await page.getByText('Native TensorFlow is ready.').waitFor({ timeout: patience });
      await page.getByRole('button', { name: 'Restart the engine' }).click();
      await expect.poll(() => device.textContent(), { timeout: patience }).toBe('native');
    },
    patience,
  );

  it(
    'is not offered where NOISELOOM_NATIVE names the only folder that is looked in',
    async () => {
      const home = await makeHome({});
      opened = await startEditor(open, { home, env: { NOISELOOM_NATIVE: join(home, 'nothing') } });
      const { page } = opened;
      await page.keyboard.press('Control+,');
      await page.getByText('which NOISELOOM_NATIVE names').first().waitFor({ timeout: patience });
      expect(await page.getByRole('button', { name: 'Download native TensorFlow' }).count()).toBe(0);
    },
    patience,
  );
});
