import { afterAll, afterEach, expect, it } from 'vitest';
import { methods } from '../../electron/host/ipc.ts';
import { describeInWindows, type OpenedWindow, removeHomes } from '../support/windows.ts';

/*
 * The smallest story: the application opens, its engine is there, dies and comes back. What the window makes of it is
 * told in the other stories; this one asks through the window's own connection.
 */

describeInWindows('the first window', (open, kind) => {
  let opened: OpenedWindow;
  afterEach(() => opened.close());
  afterAll(removeHomes);

  /** What the shell says of the engine, asked from the page as the window does. */
  const engineState = () =>
    opened.page.evaluate(async () => {
      const bridge = (globalThis as unknown as { noiseloom?: { engineState(): Promise<{ value: { state: string } }> } })
        .noiseloom;
      if (bridge) return (await bridge.engineState()).value.state;
      const headers = { 'content-type': 'application/json' };
      const body = '{"value":[]}';
      const response = await fetch('/api/desktop/engineState', { method: 'POST', headers, body });
      return ((await response.json()) as { value: { value: { state: string } } }).value.value.state;
    });

  it('opens, starts its engine, and starts it again when it is killed', async () => {
    opened = await open({ preferences: { device: 'cpu' } });
    const errors: Error[] = [];
    opened.page.on('pageerror', (error) => errors.push(error));
    expect(await opened.page.title()).toContain('Noiseloom');
    await expect.poll(engineState, { timeout: 60_000 }).toBe('ready');
    const pid = await opened.enginePid();
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => opened.enginePid(), { timeout: 60_000 }).not.toBe(pid);
    await expect.poll(engineState, { timeout: 60_000 }).toBe('ready');
    expect(errors).toEqual([]);
  });

  it('gives its page nothing but the contract, and lets it go nowhere', async () => {
    opened = await open({ preferences: { device: 'cpu' } });
    const { page } = opened;
    const seen = await page.evaluate(() => {
      const all = globalThis as unknown as Record<string, unknown>;
      return {
        bridge: Object.keys((all.noiseloom as object) ?? {}).sort(),
        node: ['process', 'require', 'module', 'Buffer', 'ipcRenderer'].filter((name) => name in all),
        secure: all.isSecureContext,
      };
    });
    expect(seen.node).toEqual([]);
    expect(seen.secure).toBe(true);
    expect(seen.bridge).toEqual(
      kind === 'electron' ? [...Object.keys(methods), 'connectEngine', 'listen', 'takeFile'].sort() : [],
    );
    const tried = await page.evaluate(async () => {
      const failed = (what: Promise<unknown>) => what.then(() => false).catch(() => true);
      const script = document.createElement('script');
      script.textContent = 'globalThis.inlineRan = true';
      document.body.append(script);
      // in a task of its own: the debugger, through which this runs, may do more than the page
      const evaluated = await new Promise<boolean>((resolve) => {
        setTimeout(() => {
          try {
            resolve((globalThis as unknown as { eval(code: string): boolean }).eval('true'));
          } catch {
            resolve(false);
          }
        });
      });
      return {
        evaluated,
        inline: 'inlineRan' in globalThis,
        outside: await failed(fetch('https://example.org/')),
        file: await failed(fetch('file:///etc/hostname')),
        camera: await failed(navigator.mediaDevices.getUserMedia({ video: true })),
        opened: location.protocol === 'app:' && window.open('https://example.org/') !== null,
      };
    });
    expect(tried).toEqual({ evaluated: false, inline: false, outside: true, file: true, camera: true, opened: false });
    if (kind === 'electron') {
      const before = page.url();
      await page.evaluate(() => {
        location.href = 'https://example.org/';
      });
      await page.evaluate(() => {
        location.href = 'app://engine/index.html';
      });
      expect(page.url()).toBe(before);
    }
  });
});
