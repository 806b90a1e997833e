import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { dropFile, patience, seriousViolations, startEditor } from './editorStories.ts';

/*
 * What comes of runs: compared, brushed, opened again from their images, and not lost by closing the window.
 */

describeInWindows('results', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'of two runs are compared, brushed in the Pareto plot, and opened again from an image',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.getByRole('button', { name: 'Templates' }).click();
      await page.getByRole('button', { name: /^Pareto front/ }).click();
      await page.locator('h1', { hasText: 'Pareto front' }).waitFor();
      await page.keyboard.press('1'); // all of it
      await page.locator('[data-id="front"]').waitFor(); // the graph before has nodes of these names, too
      await page.locator('[id="noise.count"]').fill('4');
      await page.locator('[id="sample.steps"]').fill('1');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="grid"] .chip.good').waitFor({ timeout: patience });
      await page.locator('[id="noise.seed"]').fill('9');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="grid"] .chip.active, [data-id="grid"] .chip svg[aria-label="waiting"]').waitFor();
      await page.locator('[data-id="grid"] .chip.good').waitFor({ timeout: patience });

      await page.keyboard.press('Alt+2');
      await expect.poll(() => page.locator('.gallery li').count()).toBe(3); // all images, and two runs
      await page.locator('.gallery-images').first().click();
      await page.locator('.image-grid button').nth(1).click();
      await page.keyboard.press('ArrowRight');
      await page.getByText(/^3 \/ 5$/).waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.image-grid li:nth-child(3) button:focus').waitFor();
      await page.getByRole('tab', { name: 'Compare' }).click();
      await expect.poll(() => page.locator('.one-run').textContent()).toContain('noise.seed');
      await page.getByRole('tab', { name: 'Pareto' }).click();
      await expect.poll(() => page.locator('.point').count()).toBe(4);
      await page.waitForTimeout(1000); // the plot takes its size from the panel that opens
      const plot = await page.locator('.plot').boundingBox();
      if (!plot) throw new Error('the plot is not on the screen');
      await page.mouse.move(plot.x + plot.width * 0.11, plot.y + 4);
      await page.mouse.down();
      await page.mouse.move(plot.x + plot.width - 4, plot.y + plot.height * 0.87, { steps: 5 });
      await page.mouse.up();
      await expect.poll(() => page.locator('.point.chosen').count()).toBe(4);
      await page.locator('.point').first().click();
      await page.locator('.ring').waitFor();
      await page.locator('.pareto-current img').waitFor();
      const first = await page.locator('.point').first().boundingBox();
      if (!first) throw new Error('the first point is not on the screen');
      await page.mouse.move(first.x - 8, first.y - 8);
      await page.mouse.down();
      await page.mouse.move(first.x + first.width + 8, first.y + first.height + 8, { steps: 5 });
      await page.mouse.up();
      const chosen = () => page.locator('.point.chosen title').allTextContents();
      const before = await chosen();
      expect(before.length).toBeGreaterThan(0);
      await resize(opened, 1000, 700);
      const drawnWidth = async () => Number((await page.locator('.plot').getAttribute('viewBox'))?.split(' ')[2]);
      await expect.poll(drawnWidth).toBeLessThan(plot.width - 200);
      expect(await chosen()).toEqual(before);
      const [brush, point] = [
        await page.locator('.brush').boundingBox(),
        await page.locator('.point').first().boundingBox(),
      ];
      if (!brush || !point) throw new Error('the brush and the first point are not on the screen');
      expect(Math.abs(brush.x + brush.width / 2 - point.x - point.width / 2)).toBeLessThan(4);
      expect(Math.abs(brush.y + brush.height / 2 - point.y - point.height / 2)).toBeLessThan(4);
      await resize(opened, 1280, 800); // the graph is to be large enough for its fields
      await expect.poll(drawnWidth).toBeCloseTo(plot.width, 0);

      const [folder] = await readdir(opened.runs);
      const image = (await readdir(join(opened.runs, folder as string))).find((name) => name.endsWith('.png'));
      const bytes = await readFile(join(opened.runs, folder as string, image as string));
      await page.keyboard.press('Alt+1');
      await dropFile(page, image as string, bytes);
      await page.getByRole('button', { name: 'Open its graph' }).click();
      await expect.poll(() => page.locator('[id="noise.count"]').inputValue()).toBe('4');
      await expect.poll(() => page.locator('.graph-title .unsaved').count()).toBe(0);
      expect(await page.locator('.chip').count()).toBe(0); // this graph did not run yet
    },
    2 * patience,
  );

  it(
    'are zoomed by the wheel, shown 1:1 and fitted, also under the slider',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.locator('[id="noise.count"]').fill('2');
      await page.locator('[id="sample.steps"]').fill('1');
      await page.keyboard.press('Control+Enter');
      await expect.poll(() => page.locator('.chip.good').count(), { timeout: patience }).toBeGreaterThan(2);
      await page.keyboard.press('Alt+2');
      await page.locator('.gallery-images').first().click();
      await page.locator('.image-grid button').nth(1).click();

      const percent = () => page.locator('.zoom-buttons output').textContent();
      const image = page.locator('.zoom-place img').first();
      const size = async () => Math.round((await image.boundingBox())?.width ?? 0);
      const pixels = () => image.evaluate((image) => (image as HTMLImageElement).naturalWidth);
      const rendering = () => image.evaluate((image) => getComputedStyle(image).imageRendering);
      await expect.poll(percent).toMatch(/^\d+ %$/);
      const [fitted, fittedSize] = [await percent(), await size()];
      await page.keyboard.press('1');
      await expect.poll(percent).toBe('100 %');
      expect(await size()).toBe(await pixels());
      expect(await rendering()).toBe('auto');
      expect(await seriousViolations(page)).toEqual([]);
      await page.keyboard.press('0');
      await expect.poll(percent).toBe(fitted);
      expect(await size()).toBe(fittedSize);

      /** Where in the image that place of the window is, from 0 to 1. */
      const seenAt = async (x: number, y: number) => {
        const box = await image.boundingBox();
        if (!box) throw new Error('the image is not on the screen');
        return [(x - box.x) / box.width, (y - box.y) / box.height] as const;
      };
      const place = await image.boundingBox();
      if (!place) throw new Error('the image is not on the screen');
      const [x, y] = [place.x + place.width * 0.6, place.y + place.height * 0.45];
      const seen = await seenAt(x, y);
      await page.mouse.move(x, y);
      await page.mouse.wheel(0, -500);
      await expect.poll(async () => Math.abs((await size()) - fittedSize * 2)).toBeLessThan(2); // the fitted size was rounded
      const zoomed = await seenAt(x, y);
      expect(zoomed[0]).toBeCloseTo(seen[0], 2);
      expect(zoomed[1]).toBeCloseTo(seen[1], 2);
      expect(await rendering()).toBe('pixelated');

      const top = async () => (await image.boundingBox())?.y ?? Number.NaN;
      const from = await top();
      await page.mouse.down();
      await page.mouse.move(x, y - 30, { steps: 3 });
      await page.mouse.up();
      await expect.poll(top).toBeCloseTo(from - 30, 0);
      await page.keyboard.press('Shift+ArrowDown');
      await expect.poll(top).toBeCloseTo(from - 94, 0);
      await page.mouse.dblclick(x, y);
      await expect.poll(percent).toBe(fitted);

      await page.getByLabel('Before and after').selectOption({ index: 3 });
      const both = page.locator('.before-after img');
      await expect.poll(() => both.count()).toBe(2);
      await page.getByRole('button', { name: 'Zoom in' }).click();
      await page.getByRole('button', { name: 'Zoom in' }).click();
      await expect.poll(async () => Math.abs((await size()) - fittedSize * 1.25 ** 2)).toBeLessThan(2);
      expect(await both.nth(1).boundingBox()).toEqual(await both.nth(0).boundingBox());
      const [slider, middle] = [page.getByRole('slider'), await page.locator('.divider').boundingBox()];
      if (!middle) throw new Error('the divider is not on the screen');
      await page.mouse.move(middle.x + 1, y);
      await page.mouse.down();
      await page.mouse.move(middle.x + 101, y, { steps: 4 });
      await page.mouse.up();
      await expect.poll(async () => Number(await slider.inputValue())).toBeGreaterThan(55);
      const [value, at] = [await slider.inputValue(), await top()];
      await page.mouse.move(middle.x - 60, y);
      await page.mouse.down();
      await page.mouse.move(middle.x - 60, y - 20, { steps: 4 });
      await page.mouse.up();
      await expect.poll(top).toBeCloseTo(at - 20, 0);
      expect(await slider.inputValue()).toBe(value);
      await page.getByRole('button', { name: 'Fit' }).click();
      await expect.poll(percent).toBe(fitted);
    },
    2 * patience,
  );

  it.runIf(kind === 'electron')(
    'of a run that goes on are not lost by closing the window without a question',
    async () => {
      opened = await startEditor(open);
      const { page, app } = opened;
      await page.locator('[id="sample.steps"]').fill('500');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="sample"] .chip.active').waitFor({ timeout: patience });
      const closeWindow = () => app?.evaluate(({ BrowserWindow }) => BrowserWindow.getFocusedWindow()?.close());
      await closeWindow();
      await page.getByRole('button', { name: 'Go on running' }).click();
      await page.locator('[data-id="sample"] .chip.active').waitFor();
      await closeWindow();
      const closed = page.waitForEvent('close');
      await page.getByRole('button', { name: 'Stop it and close' }).click();
      await closed;
      const [folder] = await readdir(opened.runs);
      const record = JSON.parse(await readFile(join(opened.runs, folder as string, 'run.json'), 'utf8'));
      expect(record.state).not.toBe('done');
    },
    patience,
  );
});

/** Gives the window another size, as a user who draws at its corner. */
async function resize({ app, page }: OpenedWindow, width: number, height: number): Promise<void> {
  if (!app) return page.setViewportSize({ width, height });
  await app.evaluate(({ BrowserWindow }, size) => BrowserWindow.getFocusedWindow()?.setContentSize(...size), [
    width,
    height,
  ] as [number, number]);
}
