import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { chooseSavePath, drag, patience, seriousViolations, socket, startEditor, wiresShown } from './editorStories.ts';

/*
 * What people do in the editor, in the real application and in a browser: wire, refuse, undo, run, look, save, recover.
 */

describeInWindows('the editor', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  const start = async (home?: string) => {
    opened = await startEditor(open, home ? { home } : {});
    return opened.page;
  };

  it(
    'wires by drag, refuses with a reason, finds nodes and undoes',
    async () => {
      const page = await start();
      expect(await wiresShown(page)).toBe(6);
      await drag(page, socket('noise', 'source', 'noise'), socket('sample', 'target', 'prompt'), async () => {
        expect(await page.locator('.refusal').textContent()).toContain('"prompt" takes text');
      });
      expect(await wiresShown(page)).toBe(6);
      await drag(page, socket('prompts', 'source', 'prompts'), socket('sample', 'target', 'negativePrompt'));
      await expect.poll(() => wiresShown(page)).toBe(7);
      await page.locator('.react-flow__pane').click({ position: { x: 40, y: 600 } });
      await page.keyboard.press('Tab');
      await page.keyboard.type('score table');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('.card').count()).toBe(7);
      expect(await page.locator('.top-end').textContent()).not.toContain('problem'); // it is new
      await page.keyboard.press('Delete');
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+z');
      await expect.poll(() => wiresShown(page)).toBe(6);
      await expect.poll(() => page.locator('.card').count()).toBe(6);
      await page.keyboard.press('Control+Shift+z');
      await expect.poll(() => wiresShown(page)).toBe(7);
    },
    patience,
  );

  it(
    'runs the template, shows images, and finds them among the runs; axe finds nothing serious',
    async () => {
      const page = await start();
      await page.locator('[data-id="prompts"] textarea').fill('a photo of a red circle');
      await page.locator('[id="noise.count"]').fill('1');
      await page.locator('[id="sample.steps"]').fill('2');
      expect(await seriousViolations(page)).toEqual([]);
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="save"] .chip.good').waitFor({ timeout: patience });
      await page.locator('[data-id="save"] .outcome img').waitFor();
      await page.keyboard.press('Control+Enter');
      await expect.poll(() => page.locator('[data-id="sample"] .chip').textContent()).toContain('cached');
      await page.keyboard.press('Alt+2');
      await expect.poll(() => page.locator('.image-grid img').count(), { timeout: patience }).toBe(4); // of two runs
      expect(await seriousViolations(page)).toEqual([]);
      expect(await readdir(opened.runs)).toHaveLength(2);
    },
    patience,
  );

  it(
    'keeps a draft of every change and opens it again after a crash, and saves',
    async () => {
      const page = await start();
      await page.locator('[data-id="prompts"] textarea').fill('a photo of a green star');
      const drafts = join(opened.home, 'data', 'drafts');
      const whole = async () => (await readdir(drafts).catch(() => [])).filter((name) => name.endsWith('.json'));
      await expect.poll(whole, { timeout: patience }).toHaveLength(1);
      await opened.crash();
      const again = await start(opened.home);
      await expect
        .poll(() => again.locator('[data-id="prompts"] textarea').inputValue())
        .toBe('a photo of a green star');
      const path = await chooseSavePath(opened, kind, 'stars');
      await expect.poll(() => readFile(path, 'utf8').catch(() => ''), { timeout: patience }).toContain('green star');
      await expect.poll(() => again.locator('.unsaved').count()).toBe(0);
      await expect.poll(() => readdir(drafts)).toEqual([]);
    },
    patience,
  );
});
