import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, it } from 'vitest';
import { isRunning } from '../../electron/files/processes.ts';
import type { Bridge, DesktopEvent } from '../../electron/host/ipc.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';
import { patience, startEditor } from './editorStories.ts';

/*
 * An engine that hangs or loses its graphics device: the window says so in a sentence, and goes on.
 */

describeInWindows('an engine under pressure', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  /** Runs the graph, and waits until its sampler is at work. */
  const startRun = async (page: Page) => {
    await page.keyboard.press('Control+Enter');
    await expect
      .poll(() => page.locator('[data-id="sample"] .chip').textContent(), { timeout: patience })
      .toMatch(/\d %/);
  };
  const status = () => opened.page.locator('[role="status"].device').first();

  it('that hangs is told, and can be started anew', async () => {
    opened = await open({ preferences: { device: 'cpu' } });
    await expect.poll(() => opened.page.locator('.device').first().textContent(), { timeout: 60_000 }).toMatch(/cpu/i);
    const pid = await opened.enginePid();
    process.kill(pid, 'SIGSTOP');
    await expect.poll(() => status().textContent(), { timeout: 60_000 }).toMatch(/No answer for \d+ s/);
    expect(await status().getAttribute('title')).toContain('busy with one long step, or stuck');
    await opened.page.getByRole('button', { name: 'Restart the engine' }).first().click();
    await expect.poll(() => opened.enginePid(), { timeout: 60_000 }).not.toBe(pid);
    await expect.poll(() => status().count(), { timeout: 60_000 }).toBe(0);
  });

  it(
    'that does not hear a stop is ended and started again, and the next run is drawn',
    async () => {
      opened = await startEditor(open, { preferences: { device: 'wasm' } });
      const { page } = opened;
      const pid = await opened.enginePid();
      await page.locator('[id="sample.steps"]').fill('1000');
      await startRun(page);
      process.kill(pid, 'SIGSTOP');
      await page.getByRole('button', { name: 'Stop', exact: true }).first().click();
      await expect.poll(() => opened.enginePid(), { timeout: 60_000 }).not.toBe(pid);
      await page.getByText('did not answer for').first().waitFor({ timeout: 60_000 });
      expect(isRunning({ pid }, Date.now())).toBe(false);
      await page.locator('[id="noise.count"]').fill('1');
      await page.locator('[id="sample.steps"]').fill('2');
      await expect.poll(() => page.locator('.device').first().textContent(), { timeout: patience }).toBe('wasm');
      await page.keyboard.press('Control+Enter');
      await page.locator('[data-id="save"] .chip.good').waitFor({ timeout: patience });
    },
    2 * patience,
  );

  it.skipIf(kind !== 'electron')(
    'whose page hangs does not hear a stop either: both are ended and started again',
    async () => {
      opened = await startEditor(open, { preferences: { device: 'webgpu' } });
      const { page, app } = opened;
      const pid = await opened.enginePid();
      await startRun(page);
      const hidden = await app?.evaluate(({ BrowserWindow }) => {
        const window = BrowserWindow.getAllWindows().find((window) => !window.isVisible());
        void window?.webContents.executeJavaScript('for (;;);').catch(() => {});
        return window?.webContents.getOSProcessId();
      });
      await page.getByRole('button', { name: 'Stop', exact: true }).first().click();
      await expect.poll(() => opened.enginePid(), { timeout: 60_000 }).not.toBe(pid);
      const processes = [pid, hidden as number];
      await expect
        .poll(() => processes.map((pid) => isRunning({ pid }, Date.now())), { timeout: 60_000 })
        .toEqual([false, false]);
      await expect.poll(() => page.locator('.device').first().textContent(), { timeout: patience }).toBe('webgpu');
    },
    2 * patience,
  );

  it.skipIf(kind !== 'electron')('that loses its graphics device is told, and started again', async () => {
    opened = await open({ preferences: { device: 'webgpu' } });
    const { page, app } = opened;
    await page.evaluate(() => {
      const all = globalThis as unknown as { noiseloom: Bridge; told: DesktopEvent[] };
      all.told = [];
      all.noiseloom.listen((event) => all.told.push(event));
    });
    const told = () =>
      page.evaluate(() =>
        (globalThis as unknown as { told: DesktopEvent[] }).told.flatMap((event) =>
          event.type === 'engine' ? [event.engine] : [],
        ),
      );
    const state = () =>
      page.evaluate(async () => {
        const outcome = await (globalThis as unknown as { noiseloom: Bridge }).noiseloom.engineState();
        return outcome.ok ? outcome.value : undefined;
      });
    await expect.poll(state, { timeout: 120_000 }).toMatchObject({ state: 'ready', device: { name: 'webgpu' } });
    // a driver that crashes takes this process along
    const gpu = await app?.evaluate(({ app }) => app.getAppMetrics().find(({ type }) => type === 'GPU')?.pid);
    process.kill(gpu as number, 'SIGKILL');
    await expect.poll(told, { timeout: 60_000 }).toContainEqual(
      expect.objectContaining({
        state: 'stopped',
        again: true,
        problem: expect.objectContaining({
          code: 'ENGINE_LOST',
          message: expect.stringContaining('graphics device was lost'),
        }),
      }),
    );
    await expect.poll(state, { timeout: 120_000 }).toMatchObject({ state: 'ready', device: { name: 'webgpu' } });
  });
});
