import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, it } from 'vitest';
import { writeGraph } from '../../graphs/document/write.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';
import { writeSafetensors } from '../../nodes/ml/weights/writeSafetensors.ts';
import { graph } from '../graphs/example.ts';
import { tinyLora } from '../support/loraFile.ts';
import { tinyModel } from '../support/tinyModels.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, startEditor } from './editorStories.ts';

/*
 * Files that are dragged from the file browser onto the window.
 */

const builtin = new URL('../../nodes/model/builtin/', import.meta.url).pathname;

describeInWindows('files that are dropped', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'become the nodes that load them, where the pointer is, and graphs are opened',
    async () => {
      opened = await startEditor(open);
      const { page, home } = opened;
      const folder = join(home, 'brought');
      await mkdir(folder);
      const image = join(folder, 'grey.png');
      await writeFile(image, encodePng({ width: 16, height: 16, rgb: new Uint8Array(16 * 16 * 3).fill(128) }));
      const model = join(folder, 'world-depth');
      await cp(join(builtin, 'world-depth'), model, { recursive: true });
      const lora = join(folder, 'lora.safetensors');
      await writeFile(lora, writeSafetensors(tinyLora(tinyModel('sd1'), 'kohya').tensors));
      await writeFile(join(folder, 'words.txt'), 'a photo of a red circle\n');
      await writeFile(join(folder, 'brought.json'), writeGraph(graph({}, 'Brought')));
      await page.getByRole('menuitem', { name: 'File' }).click();
      await page.getByRole('menuitem', { name: /^New/ }).click();
      await page.locator('[data-id="sample"]').waitFor({ state: 'detached' });

      const at = [840, 300] as const;
      await drop(page, at, [image]);
      const loaded = page.locator('.react-flow__node.selected');
      await expect.poll(() => titles(page)).toEqual(['Load images']);
      const box = (await loaded.boundingBox())!;
      expect(Math.abs(box.x - at[0])).toBeLessThan(60);
      expect(Math.abs(box.y - at[1])).toBeLessThan(60);
      expect(await loaded.locator('input, textarea').first().inputValue()).toContain('grey.png');

      await drop(page, [400, 200], [lora, join(folder, 'words.txt')]);
      await expect.poll(() => titles(page)).toContain('Text');
      if (kind === 'electron') {
        await drop(page, [840, 560], [model]);
        const expected = ['Load images', 'Load LoRA', 'Text', 'Depth'];
        await expect.poll(async () => (await titles(page)).sort()).toEqual(expected.sort());
      } else await page.getByText('A browser does not tell where "lora.safetensors" lies').waitFor();

      await drop(page, at, [join(folder, 'brought.json')]);
      await page.getByRole('tab', { name: 'Brought' }).waitFor();
    },
    patience,
  );
});

/** The titles of all nodes on the canvas. */
function titles(page: Page): Promise<string[]> {
  return page
    .locator('.react-flow__node article')
    .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('aria-label') ?? ''));
}

/** Drags files of this machine onto the window, as the system does, and lets them go. */
async function drop(page: Page, [x, y]: readonly [number, number], files: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, x, y, data });
  await session.detach();
}
