import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, seriousViolations, startEditor } from './editorStories.ts';

/*
 * Models are picked and not typed, in the nodes and in the inspector; what there is stands in the panel.
 */

describeInWindows('models', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'are picked by keys from those that fit, a new node takes one that is here, and the panel tells of all',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const field = page.locator('[id="generator.model"]');
      const options = page.locator('.model-list').getByRole('option');
      const labels = () => options.locator('.search-label').allInnerTexts();
      expect(await field.inputValue()).toMatch(/^world/);
      const before = await field.inputValue();
      await field.click();
      await options.filter({ hasText: /^world-one-step/ }).waitFor();
      expect((await labels()).map((label) => label.split('\n')[0])).toEqual(
        expect.arrayContaining(['world', 'world-one-step', 'stabilityai/sd-turbo']),
      );
      expect(await page.getByText('Stability AI Community').count()).toBeGreaterThan(0);
      expect(await seriousViolations(page)).toEqual([]);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Escape');
      expect(await options.count()).toBe(0);
      expect(await field.inputValue()).toBe(before);
      expect(await page.locator('.unsaved').count()).toBe(0);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.type('one-step');
      await page.keyboard.press('Enter');
      await expect.poll(() => field.inputValue()).toBe('world-one-step');

      await page.locator('.react-flow__pane').click({ position: { x: 500, y: 660 } });
      await page.keyboard.press('Tab');
      await page.keyboard.type('clip score');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('[id="clip-score.model"]').inputValue()).toBe('world-clip');

      await page.getByRole('button', { name: 'Models', exact: true }).click();
      const panel = page.locator('.side');
      await panel.getByRole('heading', { name: 'Generators' }).waitFor();
      await panel
        .getByRole('button', { name: /^used by/ })
        .first()
        .waitFor();
      await panel.getByText(/ free$/).waitFor();
      expect(await seriousViolations(page)).toEqual([]);
    },
    patience,
  );
});
