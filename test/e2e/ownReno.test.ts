import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { drag, patience, socket, startEditor } from './editorStories.ts';

/*
 * The way of a new user from an empty canvas to ReNO on a prompt of their own, with every action counted: a click, a key, a
 * text that is typed, a drag.
 */

describeInWindows('ReNO on an own prompt', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'takes at most 15 actions from an empty canvas, none of which fails',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.keyboard.press('Control+Alt+n');
      await page.locator('[data-id="sample"]').waitFor({ state: 'detached' });
      const { x = 0, y = 0 } = (await page.locator('.react-flow__pane').boundingBox()) ?? {};
      let actions = 0;
      const act = async (action: Promise<unknown>) => {
        await action;
        actions++;
        expect(await page.locator('.notice.failure').count()).toBe(0);
      };
      const press = (key: string) => act(page.keyboard.press(key));
      const write = (text: string) => act(page.keyboard.type(text));
      const pull = async (input: string, at: readonly [number, number]) => {
        await act(drag(page, socket('reno', 'target', input), [x + at[0], y + at[1]]));
        await page.getByRole('dialog').waitFor();
      };

      await act(page.mouse.dblclick(x + 640, y + 60));
      await write('reno');
      await press('Enter');
      await page.locator('[data-id="reno"]').waitFor();
      await pull('generator', [240, 80]);
      await press('Enter');
      await page.locator('[data-id="load-generator"]').waitFor();
      await pull('noise', [500, 260]);
      await press('Enter');
      await page.locator('[data-id="noise"]').waitFor();
      await act(drag(page, socket('load-generator', 'source', 'generator'), socket('noise', 'target', 'generator')));
      await pull('prompt', [400, 500]);
      await press('Enter');
      await page.locator('[data-id="text"]').waitFor();
      await act(page.locator('[data-id="text"] textarea').click());
      await write('a photo of a red star');
      await pull('rewards', [560, 640]);
      await press('Enter');
      await press('Control+Enter');
      const progress = page.locator('[data-id="reno"] .chip');
      await expect.poll(() => progress.textContent(), { timeout: patience }).toMatch(/[1-9]\d? %/); // it is being optimised
      expect(await page.locator('.notice.failure').count()).toBe(0);
      expect(actions).toBeLessThanOrEqual(15);
      const stop = page.getByRole('button', { name: /^(Stop|stopping)/ });
      await stop.click();
      await stop.waitFor({ state: 'detached', timeout: patience });
    },
    patience,
  );
});
