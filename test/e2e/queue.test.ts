import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { GraphDocument } from '../../graphs/document/document.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, seriousViolations, startEditor } from './editorStories.ts';

/*
 * Runs that wait: named, moved, stopped, and not lost with the engine.
 */

describeInWindows('the queue', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'moves and stops runs, keeps what a stopped one had finished, and goes on after a crash of the engine',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const steps = page.locator('[id="sample.steps"]');
      const begin = async (count: string) => {
        await steps.fill(count);
        await page.keyboard.press('Control+Enter');
      };
      await page.locator('[id="noise.count"]').fill('1');
      await begin('300');
      await page.locator('[data-id="sample"] .chip.active').waitFor({ timeout: patience });
      await begin('999');
      await begin('2');
      await page.getByRole('button', { name: '2 waiting' }).click();
      const runs = page.locator('.queue-panel li');
      await expect.poll(() => runs.count()).toBe(3);
      expect(await seriousViolations(page)).toEqual([]);
      await runs
        .nth(2)
        .getByRole('button', { name: /run earlier/ })
        .click();
      await expect
        .poll(() =>
          runs
            .nth(2)
            .getByRole('button', { name: /run later/ })
            .isDisabled(),
        )
        .toBe(true);
      // the first of the four prompts is done by then
      await expect
        .poll(async () => Number.parseInt((await page.locator('[data-id="sample"] .chip').textContent()) ?? '0', 10), {
          timeout: patience,
        })
        .toBeGreaterThan(26);
      await runs.nth(0).getByRole('button', { name: /^Stop/ }).click();
      await expect.poll(() => runs.count(), { timeout: patience }).toBeLessThan(3);
      const states = async () => {
        const folders = (await readdir(opened.runs)).filter((name) => !name.startsWith('.')).sort();
        const read = (name: string) => readFile(join(opened.runs, name, 'run.json'), 'utf8').catch(() => []);
        const texts = (await Promise.all(folders.map(read))).flat(); // a folder has its record a moment later
        return texts.map((text) => JSON.parse(text) as { state: string; outputs: { name: string }[] });
      };
      const [stopped] = await states();
      expect(stopped?.state).toBe('interrupted');
      expect(stopped?.outputs.filter(({ name }) => name.startsWith('finished/')).length).toBeGreaterThan(0);
      await expect
        .poll(async () => (await states()).map(({ state }) => state), { timeout: patience })
        .toContain('done');
      await begin('3'); // waits for the one of 999 steps
      await page.locator('[data-id="sample"] .chip.active').waitFor({ timeout: patience });
      /** The steps of the runs that a crash would leave waiting. */
      const kept = async () => {
        const queues = join(opened.home, 'data', 'queues');
        const names = (await readdir(queues)).filter((name) => /^\w+\.json$/.test(name)); // others are being written
        const texts = await Promise.all(names.map((name) => readFile(join(queues, name), 'utf8')));
        const runs = texts.flatMap((text) => (JSON.parse(text) as { runs: { document: GraphDocument }[] }).runs);
        return runs.map(({ document }) => document.nodes.sample?.params.steps);
      };
      await expect.poll(kept, { timeout: patience }).toEqual([3]);
      process.kill(await opened.enginePid(), 'SIGKILL');
      await expect
        .poll(async () => (await states()).filter(({ state }) => state === 'done').length, { timeout: patience })
        .toBe(2);
      await expect.poll(() => runs.count()).toBe(0);
      expect(await page.locator('.queue-panel').getByText('Nothing runs and nothing waits.').count()).toBe(1);
    },
    2 * patience,
  );
});
