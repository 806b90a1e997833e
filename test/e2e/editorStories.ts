import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { OpenedWindow, WindowKind, WindowOptions } from '../support/windows.ts';

/*
 * What stories in the editor begin with, and the hands they use.
 */

/** Milliseconds that a story may take on a machine that does much else. */
export const patience = 240_000;

/** Opens a window and waits until the first template is there. */
export async function startEditor(
  open: (options?: WindowOptions) => Promise<OpenedWindow>,
  { preferences, ...options }: WindowOptions = {},
): Promise<OpenedWindow> {
  const initial = { device: 'auto', theme: 'light', language: 'en', view: {}, ...preferences } as const;
  const opened = await open({ ...options, ...(options.home ? {} : { preferences: initial }) }); // a home keeps its own
  await opened.page.locator('[data-id="sample"]').waitFor({ timeout: patience });
  await standsStill(opened.page);
  return opened;
}

/** Waits until the view of the canvas has been fitted to the graph: it does not move any more, for most of a second. */
export async function standsStill(page: Page): Promise<void> {
  const places: (string | undefined)[] = [];
  await expect
    .poll(
      async () => {
        places.push(JSON.stringify(await page.locator('[data-id="sample"]').boundingBox()));
        return places.length > 8 && new Set(places.slice(-8)).size;
      },
      { interval: 100, timeout: patience },
    )
    .toBe(1);
}

export function wiresShown(page: Page): Promise<number> {
  return page.locator('.react-flow__edge').count();
}

export async function middleOf(page: Page, selector: string): Promise<[x: number, y: number]> {
  const box = await page.locator(selector).first().boundingBox();
  if (!box) throw new Error(`${selector} is not on the screen`);
  return [box.x + box.width / 2, box.y + box.height / 2];
}

/** Draws a wire with the pointer; `before` is done while it is still in the hand, over the second place. */
export async function drag(
  page: Page,
  from: string,
  to: string | readonly [x: number, y: number],
  before: () => Promise<void> = async () => {},
): Promise<void> {
  const start = await middleOf(page, from);
  const end = typeof to === 'string' ? await middleOf(page, to) : to;
  await page.mouse.move(...start);
  await page.mouse.down();
  await page.mouse.move(end[0] - 24, end[1] + 24, { steps: 4 });
  await page.mouse.move(end[0], end[1], { steps: 4 });
  await before();
  await page.mouse.up();
}

export const socket = (node: string, side: 'source' | 'target', name: string) =>
  `[data-id="${node}"] .socket.${side}[data-handleid="${name}"]`;

/** Saves the graph under a name, by the system's dialog or by the page's own; gives the path of the file. */
export async function chooseSavePath(opened: OpenedWindow, kind: WindowKind, name: string): Promise<string> {
  await mkdir(opened.graphs, { recursive: true });
  const path = join(opened.graphs, `${name}.json`);
  await opened.app?.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = (async () => ({ canceled: false, filePath })) as typeof dialog.showSaveDialog;
  }, path);
  await opened.page.keyboard.press('Control+s');
  if (kind === 'chromium') {
    await opened.page.getByLabel('Name of the file').fill(name);
    await opened.page.keyboard.press('Enter');
  }
  return path;
}

/** Drops a file on the window, as from the desktop. */
export async function dropFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  await page.evaluate(
    ([name, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], name));
      for (const type of ['dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    },
    [name, Buffer.from(bytes).toString('base64')] as const,
  );
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What keeps people from using the page as it is shown, as axe sees it. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    () => (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run() as Promise<AxeResults>,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
