import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, seriousViolations, startEditor } from './editorStories.ts';

/*
 * Images where they are made, and all of them together.
 */

describeInWindows('images', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'stay in their nodes, open large, and are searched, starred, compared, deleted and brought back among all runs',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      page.setDefaultTimeout(patience);
      await page.locator('[id="noise.count"]').fill('2');
      await page.locator('[id="sample.steps"]').fill('1');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="save"] .chip.good').waitFor();
      await page.locator('[data-id="grid"] .chip.good').waitFor();

      const shown = page.locator('[data-id="sample"] .outcome-images button');
      await expect.poll(() => shown.count()).toBe(8);
      await shown.nth(1).click();
      await page.getByText(/^2 \/ 8$/).waitFor();
      await page.keyboard.press('ArrowRight');
      await page.getByText(/^3 \/ 8$/).waitFor();
      expect(await seriousViolations(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('.viewer-dialog').count()).toBe(0);
      await page.locator('[id="noise.seed"]').fill('9');
      await page.locator('[data-id="sample"] .outcome.stale').waitFor();
      expect(await shown.count()).toBe(8);

      await page.keyboard.press('Alt+2');
      const cards = page.locator('.gallery-grid li');
      await expect.poll(() => cards.count()).toBe(9); // and the grid of all
      expect(await seriousViolations(page)).toEqual([]);
      await page.getByRole('searchbox').fill('blue star');
      await expect.poll(() => cards.count()).toBe(2);
      await cards
        .nth(0)
        .getByRole('button', { name: /^Star: / })
        .click();
      await page.getByRole('searchbox').fill('');
      await page.getByRole('button', { name: 'Starred' }).click();
      await expect.poll(() => cards.count()).toBe(1);
      await page.getByRole('button', { name: 'Starred' }).click();

      await cards.nth(0).getByRole('checkbox').click();
      await cards.nth(1).getByRole('checkbox').click();
      await page.getByRole('button', { name: 'Compare', exact: true }).click();
      await page.locator('.compare .before-after').waitFor();
      expect(await seriousViolations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Back to all images' }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await expect.poll(() => cards.count()).toBe(7);
      const bin = () => readdir(join(opened.runs, '.bin', 'images'), { recursive: true });
      expect((await bin()).filter((name) => name.endsWith('.png')).length).toBeGreaterThan(1);
      await page.locator('.notice').getByRole('button', { name: 'Undo' }).click();
      await expect.poll(() => cards.count()).toBe(9);
    },
    3 * patience,
  );
});
