import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, startEditor } from './editorStories.ts';

/*
 * The main screens in every language: nothing that the window says itself is cut, and no control covers another. What files
 * say (titles of graphs, prompts, paths) may be cut.
 */

const languages = {
  en: { file: 'File', save: 'Save', sample: 'Sample' },
  'zh-Hans': { file: '文件', save: '保存', sample: '采样' },
  ja: { file: 'ファイル', save: '保存', sample: 'サンプリング' },
  de: { file: 'Datei', save: 'Speichern', sample: 'Samplen' },
  es: { file: 'Archivo', save: 'Guardar', sample: 'Muestrear' },
};

/** Names of the controls and labels on the screen whose text does not fit, and of pairs of controls that cover each other. */
function badlyPlaced(): string[] {
  const said = 'button, [role=tab], [role=menuitem], label, h2, h3, th, dt, kbd, .card-head h2, .port > span, .unit';
  const fromFiles = '.tab-bar *, .rows *, .recent *, .card-title *, .driven-by, .model-field *, [role=option]';
  const isSeen = (element: Element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const nameOf = (element: Element) =>
    `${element.tagName.toLowerCase()}.${element.className}: ${(element.textContent || element.ariaLabel || '').slice(0, 60)}`;
  const all = [...document.querySelectorAll<HTMLElement>(said)].filter((one) => isSeen(one) && !one.matches(fromFiles));
  const cut = all.filter((element) => {
    const style = getComputedStyle(element);
    const isClipped = style.overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1;
    if (style.display !== 'inline' && (isClipped || element.scrollWidth > element.clientWidth + 1)) return true;
    const text = document.createRange();
    text.selectNodeContents(element);
    const { left, right, width } = text.getBoundingClientRect();
    const box = element.parentElement!.getBoundingClientRect();
    const hides = getComputedStyle(element.parentElement!).overflowX === 'hidden';
    return width > 0 && hides && (left < box.left - 1 || right > box.right + 1);
  });
  const controls = [
    ...document.querySelectorAll<HTMLElement>('button, [role=tab], [role=menuitem], select, input'),
  ].filter(
    (one) => isSeen(one) && !one.matches('.react-flow *, .image-grid *') && one.getBoundingClientRect().width > 0,
  );
  const layer = (element: Element) => element.closest('[role=dialog], [role=menu], .notices, .queue-panel, .app');
  const covers = controls.flatMap((one, i) =>
    controls.slice(i + 1).flatMap((other) => {
      if (one.contains(other) || other.contains(one) || layer(one) !== layer(other)) return [];
      if (one.parentElement !== other.parentElement && one.offsetParent !== other.offsetParent) return [];
      const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      return width > 1 && height > 1 ? [`${nameOf(one)} covers ${nameOf(other)}`] : [];
    }),
  );
  const outside = controls
    .filter((one) => one.closest('.top-bar, .rail, .pages') && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => `${nameOf(one)} is outside`);
  return [...cut.map(nameOf), ...covers, ...outside];
}

/** Goes through the main screens of a graph that ran, and calls `look` on each. */
async function visitScreens(page: Page, look: (screen: string) => Promise<void>): Promise<void> {
  const rail = page.locator('.rail button');
  for (const [i, panel] of ['nodes', 'templates', 'models', 'files'].entries()) {
    await rail.nth(i).click();
    await look(panel);
    await rail.nth(i).click();
  }
  await page.locator('[data-id="sample"] .card-head').click();
  await page.keyboard.press('i');
  await page.locator('.inspector').waitFor();
  await look('inspector');
  await page.keyboard.press('i');
  await page.locator('[data-id="sample"] .card-head').click({ button: 'right' });
  await page.getByRole('menu').waitFor();
  await look('menu of a node');
  await page.keyboard.press('Escape');
  for (let i = 0; i < 6; i++) {
    await page.locator('.menu-trigger').nth(i).click();
    await page.getByRole('menu').waitFor();
    await look(`menu ${i + 1}`);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('menu').count()).toBe(0);
  }
  await page.locator('.react-flow__pane').click({ position: { x: 8, y: 8 } });
  for (const [screen, keys] of [
    ['settings', 'Control+,'],
    ['shortcuts', '?'],
    ['commands', 'Control+k'],
    ['find', 'Control+f'],
    ['add a node', 'Tab'],
  ] as const) {
    await page.keyboard.press(keys);
    await page.getByRole('dialog').waitFor();
    await look(screen);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  }
  await page.keyboard.press('p');
  await page.locator('.problems').waitFor();
  await look('problems');
  await page.keyboard.press('p');
  await page.keyboard.press('Alt+3');
  await page.locator('.form-page').waitFor();
  await look('form');
  await page.keyboard.press('Alt+2');
  await page.locator('.gallery li button').first().click(); // all images
  await look('runs');
  await page.locator('.gallery-grid li').getByRole('checkbox').first().click();
  await look('chosen images');
  await page.locator('.gallery-images').first().click();
  await page.locator('.one-run').waitFor();
  const tabs = page.locator('.one-run').getByRole('tab');
  expect(await tabs.count()).toBe(5);
  for (let i = 0; i < (await tabs.count()); i++) {
    await tabs.nth(i).click();
    await look(`run, tab ${i + 1}`);
  }
  await page.keyboard.press('Alt+1');
  await page.locator('[data-id="sample"]').waitFor();
}

describeInWindows('languages', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it.runIf(kind === 'chromium')(
    'are chosen in Settings, at once and for the next start, and cut no text',
    async () => {
      opened = await startEditor(open, { preferences: { device: 'wasm' } });
      let { page } = opened;
      page.setDefaultTimeout(patience);
      await page.locator('[id="noise.count"]').fill('1');
      await page.locator('[id="sample.steps"]').fill('1');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="grid"] .chip.good').waitFor();
      const bad: string[] = [];
      for (const [tag, { file, sample }] of Object.entries(languages)) {
        await page.keyboard.press('Control+,');
        await page.locator('#language').selectOption(tag);
        await page.locator(`html[lang="${tag}"]`).waitFor({ state: 'attached' });
        await page.keyboard.press('Escape');
        await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
        expect(await page.locator('.menu-trigger').first().textContent()).toBe(file);
        expect(await page.locator('[data-id="sample"] .card-head').textContent()).toContain(sample);
        expect(await page.locator('h1').first().textContent()).toContain('First image'); // as the file says
        await visitScreens(page, async (screen) => {
          bad.push(...(await page.evaluate(badlyPlaced)).map((what) => `${tag}, ${screen}: ${what}`));
        });
      }
      expect(bad).toEqual([]);

      await opened.close();
      opened = await startEditor(open, { home: opened.home });
      ({ page } = opened);
      expect(await page.locator('html').getAttribute('lang')).toBe('es');
      expect(await page.locator('.menu-trigger').first().textContent()).toBe(languages.es.file);
      expect(await page.locator('[data-id="sample"] .card-head').textContent()).toContain(languages.es.sample);
    },
    4 * patience,
  );
});
