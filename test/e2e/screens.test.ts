import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, expect, it } from 'vitest';
import { unlikeKept } from '../support/keptScreen.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, startEditor } from './editorStories.ts';

/*
 * The main screens look as they did. What differs from run to run, times and durations, is hidden; the built-in model on
 * WebAssembly draws the same images everywhere. The images that are kept were taken with Debian's fonts.
 */

const isRequired = (process.env.NOISELOOM_REQUIRE ?? '') !== '';
const hasFonts = isRequired || /DejaVuSans\.ttf/.test(fontOf('system-ui'));
if (!hasFonts) console.warn('SKIPPED: the looks of screens: system-ui is not DejaVu Sans, which they were taken with.');

function fontOf(family: string): string {
  try {
    return execFileSync('fc-match', [family], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

const still = `
  * { caret-color: transparent !important; transition: none !important; animation: none !important; }
  .chip, .device, .notices, .gallery small { visibility: hidden !important; }
`;

describeInWindows('the looks of', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  const start = async (theme: 'light' | 'dark') => {
    opened = await startEditor(open, { preferences: { device: 'wasm', theme } });
    const { page } = opened;
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.evaluate((css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      Date.prototype.toLocaleString = () => 'today';
    }, still);
    return page;
  };
  /** The screen, once it no longer changes, is as it was. */
  const expectSame = async (name: string) => {
    const { page } = opened;
    await page.mouse.move(640, 790);
    let last = await page.screenshot();
    await expect
      .poll(
        async () => {
          const before = last;
          last = await page.screenshot();
          return before.equals(last);
        },
        { interval: 300, timeout: patience },
      )
      .toBe(true);
    expect.soft(await unlikeKept(last, `${kind}-${name}`)).toBeUndefined();
  };

  it.runIf(hasFonts)(
    'the first start, the search for nodes, templates and problems stay as they are, in both themes',
    async () => {
      const page = await start('light');
      await expectSame('start');
      await page.locator('.react-flow__pane').click({ position: { x: 700, y: 650 } });
      await page.keyboard.press('Tab');
      await page.keyboard.type('score');
      await page.getByRole('option').first().waitFor();
      await expectSame('search');
      await page.getByRole('option', { name: 'Score table' }).click();
      await page.locator('[data-id="score-table"]').waitFor();
      await page.keyboard.press('p'); // checks
      await page.locator('.problems li').waitFor();
      await expectSame('problems');
      await page.keyboard.press('Control+z');
      await page.getByRole('button', { name: 'Problems' }).or(page.getByLabel('Close')).first().click();
      await page.getByRole('button', { name: 'Templates' }).click();
      await expect.poll(() => page.locator('.templates img').count(), { timeout: patience }).toBeGreaterThan(5);
      await expectSame('templates');
      await opened.close();
      await start('dark');
      await expectSame('start-dark');
    },
    patience,
  );

  it.runIf(hasFonts)(
    'a graph that ran, its images, its Pareto front and two runs compared stay as they are',
    async () => {
      const page = await start('light');
      await page.getByRole('button', { name: 'Templates' }).click();
      await page.getByRole('button', { name: /^Pareto front/ }).click();
      await page.locator('h1', { hasText: 'Pareto front' }).waitFor();
      await page.keyboard.press('1'); // all of it
      await page.locator('[data-id="front"]').waitFor();
      await page.getByRole('button', { name: 'Templates', exact: true }).click();
      await page.locator('[id="noise.count"]').fill('4');
      await page.locator('[id="sample.steps"]').fill('2');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="grid"] .chip.good').waitFor({ state: 'attached', timeout: patience });
      await page.locator('[data-id="grid"] .outcome-images img').first().waitFor();
      await expectSame('ran');
      await page.locator('[id="noise.seed"]').fill('9');
      await page.keyboard.press('Control+Enter');
      await page
        .locator('[data-id="noise"] .chip.active, [data-id="sample"] .chip.active')
        .waitFor({ state: 'attached' });
      await page.locator('[data-id="grid"] .chip.good').waitFor({ state: 'attached', timeout: patience });
      await page.keyboard.press('Alt+2');
      await expect.poll(() => page.locator('.gallery li').count(), { timeout: patience }).toBe(3);
      await page.locator('.gallery-images').first().click();
      await page.getByRole('tab', { name: 'Pareto' }).click();
      await expect.poll(() => page.locator('.point').count(), { timeout: patience }).toBe(4);
      await page.locator('.point').first().click();
      await page.locator('.pareto-current img').waitFor(); // the record of the run is read
      await expectSame('pareto');
      await page.getByRole('tab', { name: 'Compare' }).click();
      await expectSame('compare');
    },
    patience,
  );
});
