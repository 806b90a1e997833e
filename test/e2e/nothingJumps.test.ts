import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, it } from 'vitest';
import { emptyDocument, type GraphDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { drag, dropFile, middleOf, patience, socket, startEditor } from './editorStories.ts';

/*
 * Nothing jumps: a node lands where the pointer is, the view stays, the focus comes back to the canvas, and all of a large
 * graph can be seen.
 */

describeInWindows('nothing jumps:', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  const viewOf = (page: Page) => page.locator('.react-flow__viewport').getAttribute('style');

  it(
    'a node lands with its socket at the pointer, from an output and from an input, and the view stays',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const view = await viewOf(page);
      const { x = 0, y = 0 } = (await page.locator('.react-flow__pane').boundingBox()) ?? {};
      const below = [x + 420, y + 640] as const;
      await drag(page, socket('sample', 'target', 'generator'), below);
      await page.keyboard.type('load generator');
      await page.keyboard.press('Enter');
      const added = '[data-id="load-generator"], [data-id="generator-2"], [data-id="load-generator-2"]';
      await page.locator(added).waitFor();
      const [left, top] = await middleOf(
        page,
        `${added
          .split(', ')
          .map((each) => `${each} .socket.source`)
          .join(', ')}`,
      );
      expect(Math.abs(left - below[0])).toBeLessThan(8);
      expect(Math.abs(top - below[1])).toBeLessThan(8);
      await drag(page, socket('sample', 'source', 'images'), [x + 900, y + 640]);
      await page.keyboard.type('image grid');
      await page.keyboard.press('Enter');
      await page.locator('[data-id="image-grid"]').waitFor();
      const [gridLeft, gridTop] = await middleOf(page, socket('image-grid', 'target', 'images'));
      expect(Math.abs(gridLeft - x - 900)).toBeLessThan(8);
      expect(Math.abs(gridTop - y - 640)).toBeLessThan(8);
      expect(await viewOf(page)).toBe(view);

      const noise = async () => Math.round((await page.locator('[data-id="noise"]').boundingBox())?.x ?? 0);
      const before = await noise();
      await page.getByRole('button', { name: 'Nodes' }).click();
      await page.locator('.side').waitFor();
      await expect.poll(noise).toBe(before);
    },
    patience,
  );

  it(
    'Tab and a double click open the palette after every menu, palette and dialog, and with a node in hand',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const palette = page.getByRole('dialog', { name: 'Search nodes' });
      const opens = async (how: string, gesture: () => Promise<void>) => {
        await gesture();
        await palette.waitFor().catch((cause: unknown) => {
          throw new Error(`no palette: ${how}`, { cause });
        });
        await page.keyboard.press('Escape');
        await palette.waitFor({ state: 'detached' });
      };
      const tab = () => page.keyboard.press('Tab');
      const { x = 0, y = 0 } = (await page.locator('.react-flow__pane').boundingBox()) ?? {};
      await opens('at the start', tab);
      await opens('after the palette', tab);
      await page.getByRole('menuitem', { name: 'View' }).click();
      await page.locator('[role=menu]:focus-within').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('menu').waitFor({ state: 'detached' });
      await opens('after a menu', tab);
      await page.keyboard.press('Control+,');
      await page.getByRole('dialog', { name: 'Settings' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog', { name: 'Settings' }).waitFor({ state: 'detached' });
      await opens('after a dialog', tab);
      await page.mouse.click(x + 500, y + 650, { button: 'right' });
      await page.getByRole('menuitem', { name: /^Select all/ }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('menu').waitFor({ state: 'detached' });
      await opens('after the menu of the canvas', tab);
      await page.locator('[data-id="noise"] .card-title').click();
      await opens('with a node selected', tab);
      const twice = () => page.mouse.dblclick(x + 500, y + 650);
      await opens('by a double click', twice);
      await page.keyboard.press('Control+a');
      await page.keyboard.press('Control+g');
      await page.keyboard.press('Escape');
      await opens('by a double click once more', twice);
    },
    patience,
  );

  it(
    'all of a thousand nodes in a row are seen at once',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const nodes: Record<string, GraphDocument['nodes'][string]> = {};
      for (let i = 0; i < 1000; i++)
        nodes[`n${i}`] = { type: 'input/number', version: 1, params: {}, inputs: {}, position: [i * 320, 0] };
      const text = writeGraph({ ...emptyDocument('Row'), nodes });
      await dropFile(page, 'row.json', new TextEncoder().encode(text));
      await page.locator('[data-id="n0"]').waitFor();
      await page.keyboard.press('1');
      await expect.poll(() => page.locator('.react-flow__node').count(), { timeout: patience }).toBe(1000);
      const canvas = await page.locator('.react-flow').boundingBox();
      const [first, last] = await Promise.all(
        ['n0', 'n999'].map((id) => page.locator(`[data-id="${id}"]`).boundingBox()),
      );
      expect(first!.x).toBeGreaterThanOrEqual(canvas!.x);
      expect(last!.x + last!.width).toBeLessThanOrEqual(canvas!.x + canvas!.width);
    },
    patience,
  );
});
