import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, startEditor } from './editorStories.ts';

/*
 * A run stands still where the user says so, and goes on from there.
 */

describeInWindows('a pause', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'holds the sampler in the midst of its steps, and lets it go on to the end',
    async () => {
      opened = await startEditor(open, { preferences: { device: 'wasm' } });
      const { page } = opened;
      await page.locator('[id="noise.count"]').fill('1');
      await page.locator('[id="sample.steps"]').fill('24');
      await page.keyboard.press('Control+Enter');
      const told = page.locator('[data-id="sample"] .chip');
      await expect.poll(() => told.textContent(), { timeout: patience }).toMatch(/[1-9]\d? %/);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'Go on' }).waitFor();
      await page.waitForTimeout(1000); // the step that was under way ends
      const before = await told.textContent();
      await page.waitForTimeout(1500);
      expect(await told.textContent()).toBe(before);
      await page.keyboard.press('Control+Enter');
      await page.getByText('1 waiting').waitFor();
      expect(await told.textContent()).toBe(before); // the run that goes on is shown, not the one that waits
      await page.keyboard.press('Control+Shift+.');
      await page.getByText('1 waiting').waitFor({ state: 'detached', timeout: patience });
      await page.locator('[data-id="grid"] .chip:is(.good, :has-text("cached"))').waitFor({ timeout: patience });
      await expect.poll(() => page.getByRole('button', { name: /^(Pause|Go on)$/ }).count()).toBe(0);
    },
    2 * patience,
  );
});
