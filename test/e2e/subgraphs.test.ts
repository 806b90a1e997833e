import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { chooseSavePath, drag, middleOf, patience, socket, startEditor, wiresShown } from './editorStories.ts';

/*
 * Graphs within graphs: made of a selection, edited inside, used again, run, taken apart; and dots on wires.
 */

describeInWindows('subgraphs and reroutes', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'a selection becomes a subgraph with ports, is edited inside, runs, and is saved',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.locator('[data-id="noise"] .card-title').click();
      await page.locator('[data-id="sample"] .card-title').click({ modifiers: ['Shift'] });
      await page.keyboard.press('Control+Shift+g');
      const naming = page.locator('input.card-title');
      await naming.fill('Draw');
      await naming.press('Enter');
      const outer = page.locator('[data-id="subgraph"]');
      expect(await outer.locator('.port').allTextContents()).toEqual(['generator', 'prompt', 'images']);
      await expect.poll(() => wiresShown(page)).toBe(4);

      await outer.getByRole('button', { name: 'Edit the subgraph' }).click();
      await page.locator('[data-id="sample"]').waitFor();
      expect(await page.locator('.breadcrumbs').textContent()).toContain('Draw');
      await page.locator('[id="noise.count"]').fill('1');
      const scale = socket('sample', 'target', 'steps');
      await page.locator('[data-id="sample"]').hover();
      await drag(page, socket('inputs', 'source', '+'), scale);
      await expect.poll(() => page.locator('[data-id="inputs"] .port').count()).toBe(4);
      await page.keyboard.press('Shift+Enter');
      await page.locator('[id="subgraph.steps"]').fill('2');
      await page.locator('[data-id="prompts"] textarea').fill('a photo of a red circle');

      await page.keyboard.press('Control+Enter');
      await outer.locator('.chip.good').waitFor({ timeout: patience });
      await page.locator('[data-id="save"] .chip.good').waitFor({ timeout: patience });

      const path = await chooseSavePath(opened, kind, 'drawn');
      await expect.poll(() => readFile(path, 'utf8').catch(() => ''), { timeout: patience }).toContain('"subgraphs"');
      const saved = JSON.parse(await readFile(path, 'utf8')) as GraphDocument;
      expect(saved.subgraphs?.subgraph).toMatchObject({ title: 'Draw', inputs: { steps: 'number' } });
      expect(saved.nodes.subgraph?.params).toEqual({ steps: 2 });

      await outer.locator('.card-title').click();
      await page.keyboard.press('Control+Alt+g');
      await page.locator('[data-id="sample"]').waitFor();
      expect(await page.locator('[id="sample.steps"]').inputValue()).toBe('2');
      await page.keyboard.press('Control+z');
      await outer.waitFor();
      expect(await readFile(join(opened.graphs, 'drawn.json'), 'utf8')).toContain('subgraph/subgraph');
    },
    patience,
  );

  it(
    'a double click puts a dot on a wire, and deleting it joins the wire again',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      expect(await wiresShown(page)).toBe(6);
      const [left, right] = [
        await middleOf(page, socket('generator', 'source', 'generator')),
        await middleOf(page, socket('sample', 'target', 'generator')),
      ];
      await page.mouse.dblclick((left[0] + right[0]) / 2, (left[1] + right[1]) / 2);
      await page.locator('.reroute.type-generator').waitFor();
      await expect.poll(() => wiresShown(page)).toBe(7);
      expect(await page.locator('.top-end').textContent()).not.toContain('problem');
      await page.keyboard.press('Delete');
      await expect.poll(() => wiresShown(page)).toBe(6);
    },
    patience,
  );
});
