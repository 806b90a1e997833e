import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, seriousViolations, startEditor } from './editorStories.ts';

/*
 * The form of a graph: set and run by someone who does not wire.
 */

describeInWindows('the form', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'of a template is filled in and run, and shows its images',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.keyboard.press('Alt+3');
      await page.getByLabel('steps').fill('2');
      await page.getByLabel('prompts').fill('a photo of a red circle');
      await page.keyboard.press('Control+Enter');
      await page.locator('.form-results img').first().waitFor({ timeout: patience });
      expect(await seriousViolations(page)).toEqual([]);
      await page.locator('.form-results button').first().click();
      await page.getByText(/^1 \/ \d+$/).waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Alt+1');
      await expect.poll(() => page.locator('[id="sample.steps"]').inputValue()).toBe('2');
    },
    patience,
  );
});
