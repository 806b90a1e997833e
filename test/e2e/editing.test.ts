import { afterAll, afterEach, expect, it } from 'vitest';
import { emptyDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import {
  drag,
  dropFile,
  middleOf,
  patience,
  seriousViolations,
  socket,
  standsStill,
  startEditor,
  wiresShown,
} from './editorStories.ts';

/*
 * The hand at work on a graph: everything between opening one and running it.
 */

describeInWindows('editing', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'copies as text, pastes, duplicates, names, mutes, folds, frames, notes and aligns',
    async () => {
      opened = await startEditor(open, { preferences: { theme: 'dark' } });
      const { page } = opened;
      const cards = () => page.locator('.card').count();
      expect(await seriousViolations(page)).toEqual([]);

      await page.locator('[data-id="noise"] .card-title').click();
      await page.locator('[data-id="sample"] .card-title').click({ modifiers: ['Shift'] });
      await page.evaluate(() => {
        globalThis.addEventListener('copy', (event) => {
          Object.assign(globalThis, { copied: (event as ClipboardEvent).clipboardData?.getData('text/plain') });
        });
      });
      await page.keyboard.press('Control+c');
      const copied = await page.evaluate(() => (globalThis as unknown as { copied: string }).copied);
      expect(Object.keys(JSON.parse(copied).nodes)).toEqual(['noise', 'sample']);
      await page.locator('.react-flow__pane').hover({ position: { x: 500, y: 560 } });
      await page.keyboard.press('Control+v');
      await expect.poll(cards).toBe(8);
      expect(await wiresShown(page)).toBe(7);
      await page.keyboard.press('Control+z');
      await expect.poll(cards).toBe(6);

      await page.locator('[data-id="noise"] .card-title').click();
      await page.keyboard.press('Control+d');
      await page.locator('[data-id="noise-2"]').waitFor();
      await page.keyboard.press('F2');
      await page.keyboard.type('Other noise');
      await page.keyboard.press('Enter');
      expect(await page.locator('[data-id="noise-2"] .card-title').textContent()).toBe('Other noise');
      await page.keyboard.press('m');
      await page.locator('[data-id="noise-2"] .card.muted').waitFor();
      await page.keyboard.press('c');
      await page.locator('[data-id="noise-2"] .card-folded').waitFor();
      await page.keyboard.press('Delete');
      await expect.poll(cards).toBe(6);

      await page.locator('[data-id="grid"] .card-title').click();
      await page.locator('[data-id="save"] .card-title').click({ modifiers: ['Shift'] });
      await page.keyboard.press('Shift+L');
      const lefts = async () =>
        Promise.all(['grid', 'save'].map(async (id) => (await page.locator(`[data-id="${id}"]`).boundingBox())?.x));
      await expect.poll(async () => new Set(await lefts()).size).toBe(1);
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+g');
      await page.keyboard.type('Results');
      await page.keyboard.press('Enter');
      expect(await page.locator('h3.frame-title').textContent()).toBe('Results');
      const before = await middleOf(page, '[data-id="grid"]');
      const [x, y] = await middleOf(page, '.frame-title');
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x, y + 40, { steps: 4 });
      await page.mouse.move(x, y + 80, { steps: 4 });
      await page.mouse.up();
      await expect.poll(async () => (await middleOf(page, '[data-id="grid"]'))[1]).toBeGreaterThan(before[1] + 40);

      await page.locator('.react-flow__pane').hover({ position: { x: 400, y: 620 } });
      await page.keyboard.press('n');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('Look here.');
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('.note').last().textContent()).toContain('Look here.');
    },
    patience,
  );

  it(
    'finds what fits a wire, puts a node into one, shows models and settings, and opens what is dropped on it',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      const pane = page.locator('.react-flow__pane');
      const { x = 0, y = 0 } = (await pane.boundingBox()) ?? {};
      const overview = page.getByRole('img', { name: 'Overview map' });
      expect(await overview.isVisible()).toBe(false); // all of the graph is seen
      await drag(page, socket('sample', 'source', 'images'), [x + 760, y + 620]);
      const search = page.getByRole('combobox', { name: 'Nodes that fit images' });
      await search.fill('score');
      await page.keyboard.press('Enter');
      await page.locator('[data-id="score"]').waitFor();
      await expect.poll(() => wiresShown(page)).toBe(7);

      await pane.dblclick({ position: { x: 420, y: 60 } });
      await page.getByRole('combobox', { name: 'Search nodes' }).fill('before and after');
      await page.keyboard.press('Escape');
      for (let i = 0; i < 4; i++) await page.keyboard.press('+');
      await overview.waitFor();
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Search commands' }).fill('overview');
      await page.keyboard.press('Enter');
      await overview.waitFor({ state: 'detached' });
      await page.keyboard.press('1');

      await page.getByRole('button', { name: 'Models' }).click();
      await page.locator('.side').getByText('world', { exact: true }).waitFor({ timeout: patience });
      await page.getByRole('button', { name: 'Nodes' }).click();
      await page.locator('.side').getByRole('option', { name: /^Top/ }).first().waitFor();
      await page.keyboard.press('Control+,');
      await page.getByLabel('Theme').selectOption('dark');
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await expect.poll(ground).toBe('rgb(23, 25, 28)');
      await page.getByLabel('Theme').selectOption('light');
      await expect.poll(ground).toBe('rgb(244, 245, 246)');
      await page.keyboard.press('Escape');

      const dropped = {
        ...emptyDocument('Dropped'),
        notes: [{ text: 'From a file.', position: [0, 0], size: [240, 96] }],
      };
      await dropFile(page, 'dropped.json', new TextEncoder().encode(writeGraph(dropped as never)));
      await expect.poll(() => page.locator('.graph-title').textContent()).toContain('Dropped');
      await dropFile(page, 'text.json', new TextEncoder().encode('{}'));
      await page.getByText('This is not a Noiseloom graph').waitFor();
      expect(errors).toEqual([]);
    },
    patience,
  );

  it(
    'wires nodes that are too far to be read, and finds the view as it was after a look at the runs',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.mouse.move(640, 400);
      for (let i = 0; i < 8; i++) await page.mouse.wheel(0, 120);
      await page.locator('.card.far').first().waitFor();
      await standsStill(page);
      const view = await page.locator('.react-flow__viewport').getAttribute('style');
      await page.keyboard.press('Alt+2');
      await page.locator('.runs-page').waitFor();
      await page.keyboard.press('Alt+1');
      await page.locator('.card.far').first().waitFor();
      expect(await page.locator('.react-flow__viewport').getAttribute('style')).toBe(view);
      const pointAt = async (selector: string) => page.mouse.move(...(await middleOf(page, selector)), { steps: 3 });
      await pointAt('[data-id="prompts"]');
      await page.locator(socket('prompts', 'source', 'prompts')).waitFor();
      await pointAt(socket('prompts', 'source', 'prompts'));
      await page.mouse.down();
      await pointAt('[data-id="sample"]');
      await page.locator(socket('sample', 'target', 'negativePrompt')).waitFor();
      await pointAt(socket('sample', 'target', 'negativePrompt'));
      await page.locator('.react-flow__connection.valid').waitFor({ state: 'attached' });
      await page.mouse.up();
      await page.locator('.graph-title .unsaved').waitFor();
      await page.keyboard.press('1');
      await expect.poll(() => wiresShown(page)).toBe(7);
    },
    patience,
  );
});
