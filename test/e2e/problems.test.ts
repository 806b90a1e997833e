import { afterAll, afterEach, expect, it } from 'vitest';
import { emptyDocument, type GraphDocument } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { dropFile, patience, seriousViolations, startEditor } from './editorStories.ts';

/*
 * What is wrong is said where it is wrong and in the panel that leads there, once, and no longer than it is wrong.
 */

describeInWindows('problems', (open) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  it(
    'stand at the port, at the node and in the panel, keep a run from starting, and go when they are mended',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const told = page.getByRole('button', { name: /problem/ });
      await page.locator('.react-flow__pane').click({ position: { x: 40, y: 600 } });
      await page.keyboard.press('Tab');
      await page.keyboard.type('score table');
      await page.keyboard.press('Enter');
      await page.locator('[data-id="score-table"]').waitFor();
      expect(await page.locator('.port.wrong').count()).toBe(0); // it is new
      expect(await told.count()).toBe(0);
      await page.keyboard.press('Control+Enter');
      await page.getByText('The graph has problems, so nothing ran.').waitFor({ timeout: patience });
      expect(await page.locator('.port.wrong').allTextContents()).toEqual(['scores']);
      expect(await told.allTextContents()).toEqual([' 1 problem', 'Show problems']);
      expect(await page.locator('.card-problem').count()).toBe(1);
      await page.getByRole('button', { name: 'Show problems' }).click();
      await page.keyboard.press('Escape');
      await page
        .locator('.problems')
        .getByRole('button', { name: /needs a wire of type scores/ })
        .click();
      await page.locator('[data-id="score-table"].selected').waitFor();
      await page.keyboard.press('Delete');
      await expect.poll(() => told.count()).toBe(0);
      await page.getByText('No problems: the graph can run.').waitFor();
    },
    patience,
  );

  it(
    'name node types that this version does not know, which stay in the file, and models that can be downloaded',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const node = (type: string, params: GraphDocument['nodes'][string]['params'], left: number) =>
        ({ type, version: 1, params, inputs: {}, position: [left, 0] }) as const;
      const nodes = {
        plugin: node('plugin/strange', { a: 1 }, 0),
        model: node('model/load-generator', { model: 'owner/nowhere' }, 320),
      };
      const text = writeGraph({ ...emptyDocument('Strange'), nodes });
      await dropFile(page, 'strange.json', new TextEncoder().encode(text));
      await page.getByText('does not know nodes of type plugin/strange. The node is kept').waitFor();
      await page.locator('[data-id="model"] .card-title').click();
      await page.locator('[data-id="model"] .card-problem').waitFor({ timeout: patience });
      await page.keyboard.press('Control+Shift+Enter');
      await page.locator('.notice').getByRole('button', { name: 'Download it' }).waitFor({ timeout: patience });
      expect(await page.locator('.chip').count()).toBe(0); // nothing ran
      await page.keyboard.press('p');
      const panel = page.locator('.problems');
      await panel.getByRole('button', { name: 'Download owner/nowhere' }).waitFor();
      expect(await panel.locator('li').count()).toBe(2);
      await page.getByRole('button', { name: 'Models', exact: true }).click();
      await page.locator('.side').getByText('This graph needs owner/nowhere.').waitFor();
      await page.locator('.side').getByRole('button', { name: 'Download it' }).waitFor();
      await page.keyboard.press('Control+Alt+n');
      await expect.poll(() => page.locator('.notice').count()).toBe(0); // of the graph before
    },
    patience,
  );

  it(
    'of a run are a sentence with the rest folded away, say in Runs why it failed, lead to the node, and leave when mended',
    async () => {
      opened = await startEditor(open);
      const { page } = opened;
      const images = { type: 'input/load-images', version: 1, params: { path: 'nowhere.png' }, inputs: {} } as const;
      const save = {
        type: 'output/save-images',
        version: 1,
        params: {},
        inputs: { images: [['load', 'images']] },
      } as const;
      const nodes: GraphDocument['nodes'] = {
        load: { ...images, position: [0, 0] },
        save: { ...save, position: [400, 0] },
      };
      const text = writeGraph({ ...emptyDocument('Broken'), nodes });
      await dropFile(page, 'broken.json', new TextEncoder().encode(text));
      await page.locator('[data-id="load"]').waitFor();
      await page.keyboard.press('Control+Enter');
      const problem = page.locator('[data-id="load"] .card-problem');
      await problem.getByText('There is no file or folder "nowhere.png".').waitFor({ timeout: patience });
      expect(await problem.getByText('looked for').isVisible()).toBe(false);
      await problem.getByText('Details').click();
      await problem.getByText('looked for').waitFor();
      await page.keyboard.press('Alt+2');
      await page
        .locator('.gallery')
        .getByRole('button', { name: /Broken/ })
        .click();
      const why = page.locator('.why-failed');
      await why.getByText('There is no file or folder "nowhere.png".').waitFor();
      expect(await seriousViolations(page)).toEqual([]);
      await why.getByRole('button', { name: 'Show the node' }).click();
      await page.locator('[data-id="load"].selected').waitFor();
      await page.locator('[id="load.path"]').fill('elsewhere.png');
      await expect.poll(() => problem.count()).toBe(0);
      await expect.poll(() => page.locator('.notice').count()).toBe(0);
    },
    patience,
  );
});
