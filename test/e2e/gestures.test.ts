import { afterAll, afterEach, expect, it } from 'vitest';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { drag, middleOf, patience, socket, startEditor, wiresShown } from './editorStories.ts';

/*
 * What a hand expects of a node editor: the menu of the right button, Escape, numbers that are dragged, nodes that are
 * dragged from a list, and the same without a pointer.
 */

describeInWindows('gestures', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'the right button shows what can be done with a node, a wire and the ground, and leaves fields alone',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const items = () => page.getByRole('menuitem').locator('span').allInnerTexts();
      await page.locator('[data-id="sample"] .card-title').click({ button: 'right' });
      await page.getByRole('menuitem', { name: /^Duplicate/ }).click();
      await page.locator('[data-id="sample-2"]').waitFor();
      await page.keyboard.press('Control+z');

      const ends = [socket('generator', 'source', 'generator'), socket('sample', 'target', 'generator')];
      const [left, right] = await Promise.all(ends.map((end) => middleOf(page, end)));
      if (!left || !right) throw new Error('the wire is not on the screen');
      await page.mouse.click((left[0] + right[0]) / 2, left[1], { button: 'right' });
      await page.getByRole('menuitem').first().waitFor();
      expect((await items()).slice(-2)).toEqual(['Add a reroute to the wire', 'Delete']);
      await page.getByRole('menuitem', { name: /^Delete/ }).click();
      await expect.poll(() => wiresShown(page)).toBe(5);
      await page.keyboard.press('Control+z');

      const { x = 0, y = 0 } = (await page.locator('.react-flow__pane').boundingBox()) ?? {};
      await page.mouse.click(x + 320, y + 620, { button: 'right' });
      await page.getByRole('menuitem', { name: /^Add a note/ }).click();
      await page.keyboard.type('Here.');
      await page.keyboard.press('Escape');
      const note = await page.locator('.react-flow__node-note').last().boundingBox();
      expect(note?.x).toBeCloseTo(x + 320, -1);
      expect(note?.y).toBeCloseTo(y + 620, -1);

      await page.locator('[data-id="prompts"] textarea').click({ button: 'right' });
      await page.waitForTimeout(300);
      expect(await items()).not.toContain('Duplicate');
    },
    patience,
  );

  it(
    'Escape lets go of a wire, numbers and nodes are dragged, and titles are written where they stand',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const over = socket('sample', 'target', 'negativePrompt');
      await drag(page, socket('prompts', 'source', 'prompts'), over, async () => {
        await page.locator('.react-flow__connection.valid').waitFor({ state: 'attached' });
        await page.keyboard.press('Escape');
        expect(await page.locator('.react-flow__connection').count()).toBe(0);
      });
      const [x, y] = await middleOf(page, socket('save', 'target', 'images'));
      await page.mouse.move(x - 8, y);
      await page.mouse.down();
      await page.mouse.move(x - 60, y + 200, { steps: 6 });
      await page.keyboard.press('Escape');
      await page.mouse.up();
      expect(await wiresShown(page)).toBe(6);
      expect(await page.getByRole('dialog').count()).toBe(0);
      expect(await page.locator('.unsaved').count()).toBe(0);

      const count = page.locator('[id="noise.count"]');
      const [left, middle] = await middleOf(page, '[id="noise.count"]');
      await page.mouse.move(left, middle);
      await page.mouse.down();
      for (const by of [8, 16, 24]) await page.mouse.move(left + by, middle);
      await page.mouse.up();
      expect(await count.inputValue()).toBe('8'); // four pixels a step, from 2
      await page.keyboard.press('Control+z');
      expect(await count.inputValue()).toBe('2');
      await count.click();
      await page.keyboard.type('3');
      expect(await count.inputValue()).toBe('3');
      const steps = page.locator('[id="sample.steps"]');
      await steps.fill('model'); // for 0: said in words, with what it stands for
      await page.keyboard.press('Enter');
      await expect.poll(() => steps.inputValue()).toBe('as the model says: 20 steps');
      await steps.click();
      await page.keyboard.type('12');
      await page.keyboard.press('Enter');
      await steps.fill('model');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      expect(await steps.inputValue()).toBe('1');

      await page.getByRole('button', { name: 'Nodes' }).click();
      const ground = page.locator('.react-flow__pane');
      const listed = page.getByRole('option', { name: /^Score table/ });
      await listed.dragTo(ground, { targetPosition: { x: 300, y: 640 } });
      await page.locator('[data-id="score-table"].selected').waitFor();
      for (const id of ['top', 'top-2']) {
        await page.getByRole('option', { name: /^Top/ }).click();
        await page.locator(`[data-id="${id}"].selected`).waitFor();
      }
      const [top, other] = await Promise.all(
        ['top', 'top-2'].map((id) => page.locator(`[data-id="${id}"]`).boundingBox()),
      );
      if (!top || !other) throw new Error('the nodes are not on the screen');
      const isApart =
        Math.abs(top.x - other.x) >= top.width || Math.abs(top.y - other.y) >= Math.min(top.height, other.height);
      expect(isApart).toBe(true);
      await page.locator('h1.graph-title').dblclick();
      await page.keyboard.type('Circles');
      await page.keyboard.press('Enter');
      expect(await page.locator('h1.graph-title').textContent()).toContain('Circles');
    },
    patience,
  );

  it(
    'a loose node goes into the wire that it is dropped on, and deleting it joins the wire again',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.locator('.react-flow__pane').click({ position: { x: 500, y: 640 } });
      await page.keyboard.press('Tab');
      await page.keyboard.type('name images');
      await page.keyboard.press('Enter');
      await page.locator('[data-id="name-images"]').waitFor();
      const [left, right] = [
        await middleOf(page, socket('sample', 'source', 'images')),
        await middleOf(page, socket('save', 'target', 'images')),
      ];
      const wire = [(left[0] + right[0]) / 2, left[1]] as const;
      await drag(page, '[data-id="name-images"] .card-title', wire, async () => {
        await page.locator('.react-flow__edge.receiving').waitFor({ state: 'attached' });
      });
      await expect.poll(() => wiresShown(page)).toBe(7);
      await page.keyboard.press('Delete');
      await expect.poll(() => wiresShown(page)).toBe(6);
      await page.keyboard.press('Control+z');
      await page.keyboard.press('Control+z');
      await expect.poll(() => wiresShown(page)).toBe(6);
      await page.locator('[data-id="name-images"]').waitFor();
    },
    patience,
  );

  it(
    'nodes are found, connected and run with other seeds by keys alone',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      await page.keyboard.press('Control+f');
      await page.keyboard.type('prompt list');
      await page.keyboard.press('Enter');
      await page.locator('[data-id="prompts"].selected').waitFor();
      await page.keyboard.press('w');
      await page.keyboard.type('negative');
      await page.keyboard.press('Enter');
      await expect.poll(() => wiresShown(page)).toBe(7);
      await page.locator('[data-id="sample"] .driven-by').waitFor();
      await page.keyboard.press('Control+z');
      await page.locator('[id="noise.count"]').fill('1');
      await page.locator('[id="sample.steps"]').fill('1');
      await page.locator('[data-id="noise"] .card-title').click();
      await page.keyboard.press('Control+Shift+Enter');
      await page.locator('[data-id="noise"] .chip.good').waitFor({ timeout: patience });
      expect(await page.locator('.chip').count()).toBe(2); // of the generator, too
      await page.keyboard.press('Control+Alt+Enter');
      await page.locator('[data-id="save"] .chip.good').waitFor({ timeout: patience });
      expect(await page.locator('[id="noise.seed"]').inputValue()).not.toBe('1');
    },
    patience,
  );
});
