import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';

/*
 * What people do in the editor, in the real application and in a browser: wire, refuse, undo, run, look, save, recover.
 */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const patience = 240_000;

async function middleOf(page: Page, selector: string): Promise<[x: number, y: number]> {
  const box = await page.locator(selector).first().boundingBox();
  if (!box) throw new Error(`${selector} is not on the screen`);
  return [box.x + box.width / 2, box.y + box.height / 2];
}

/** Draws a wire with the pointer; `before` is done while it is still in the hand, over the second place. */
async function drag(page: Page, from: string, to: string, before: () => Promise<void> = async () => {}): Promise<void> {
  const [start, end] = [await middleOf(page, from), await middleOf(page, to)];
  await page.mouse.move(...start);
  await page.mouse.down();
  await page.mouse.move(end[0] - 24, end[1] + 24, { steps: 4 });
  await page.mouse.move(...end, { steps: 4 });
  await before();
  await page.mouse.up();
}

const socket = (node: string, side: 'source' | 'target', name: string) =>
  `[data-id="${node}"] .socket.${side}[data-handleid="${name}"]`;

async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    () => (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run() as Promise<AxeResults>,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

describeInWindows('the editor', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  const start = async (home?: string) => {
    opened = await open({ preferences: { device: 'auto', theme: 'light', view: {} }, ...(home ? { home } : {}) });
    await opened.page.locator('[data-id="sample"]').waitFor({ timeout: patience });
    return opened.page;
  };
  const wires = (page: Page) => page.locator('.react-flow__edge').count();

  it(
    'wires by drag, refuses with a reason, finds nodes and undoes',
    async () => {
      const page = await start();
      expect(await wires(page)).toBe(6);
      await drag(page, socket('noise', 'source', 'noise'), socket('sample', 'target', 'prompt'), async () => {
        expect(await page.locator('.refusal').textContent()).toContain('"prompt" takes text');
      });
      expect(await wires(page)).toBe(6);
      await drag(page, socket('prompts', 'source', 'prompts'), socket('sample', 'target', 'negativePrompt'));
      await expect.poll(() => wires(page)).toBe(7);
      await page.locator('.react-flow__pane').click({ position: { x: 40, y: 600 } });
      await page.keyboard.press('Tab');
      await page.keyboard.type('score table');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('.card').count()).toBe(7);
      expect(await page.locator('.top-end').textContent()).toContain('1 problem');
      await page.keyboard.press('Delete');
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+z');
      await expect.poll(() => wires(page)).toBe(6);
      await expect.poll(() => page.locator('.card').count()).toBe(6);
      await page.keyboard.press('Control+Shift+z');
      await expect.poll(() => wires(page)).toBe(7);
    },
    patience,
  );

  it(
    'runs the template, shows pictures, and finds them among the runs; axe finds nothing serious',
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
      await expect.poll(() => page.locator('.picture-grid img').count(), { timeout: patience }).toBe(2);
      expect(await seriousViolations(page)).toEqual([]);
      expect(await readdir(opened.runs)).toHaveLength(2);
    },
    patience,
  );

  it(
    'keeps a draft of every change and offers it after a crash, and saves',
    async () => {
      const page = await start();
      await page.locator('[data-id="prompts"] textarea').fill('a photo of a green star');
      const drafts = join(opened.home, 'data', 'drafts');
      const whole = async () => (await readdir(drafts).catch(() => [])).filter((name) => name.endsWith('.json'));
      await expect.poll(whole, { timeout: patience }).toHaveLength(1);
      await opened.crash();
      const again = await start(opened.home);
      await again.getByRole('button', { name: 'Restore' }).click();
      await expect
        .poll(() => again.locator('[data-id="prompts"] textarea').inputValue())
        .toBe('a photo of a green star');
      await mkdir(opened.graphs, { recursive: true });
      const path = join(opened.graphs, 'stars.json');
      await opened.app?.evaluate(({ dialog }, filePath) => {
        dialog.showSaveDialog = (async () => ({ canceled: false, filePath })) as typeof dialog.showSaveDialog;
      }, path);
      await again.keyboard.press('Control+s');
      if (kind === 'chromium') {
        await again.getByLabel('Name of the file').fill('stars');
        await again.keyboard.press('Enter');
      }
      await expect.poll(() => readFile(path, 'utf8').catch(() => ''), { timeout: patience }).toContain('green star');
      await expect.poll(() => again.locator('.unsaved').count()).toBe(0);
      await expect.poll(() => readdir(drafts)).toEqual([]);
    },
    patience,
  );
});
