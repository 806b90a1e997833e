import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Pull } from '../../../electron/host/ipc.ts';
import { pulls } from '../../../electron/host/pulls.ts';
import { startHubServer } from '../../support/hubServer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noiseloom-pulls-'));
  vi.stubEnv('NOISELOOM_MODELS', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it('downloads one file of a model by its name in a graph, and one model after the other', async () => {
  const content = { 'a.pth': new Uint8Array(200).fill(1), 'b.pth': new Uint8Array(100).fill(2) };
  const hub = await startHubServer('owner/heads', content);
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  const told: Pull[] = [];
  const over = new Promise<void>((done) => {
    const pulling = pulls((pull) => {
      told.push(pull);
      if (pull.name.endsWith('b.pth') && pull.state === 'done') done();
    });
    void pulling.plan('owner/heads/a.pth').then(({ bytes, files }) => {
      expect(bytes).toBe(200);
      expect(files).toEqual([{ path: 'a.pth', size: 200 }]);
      pulling.start('owner/heads/a.pth');
      pulling.start('owner/heads/a.pth'); // once
      pulling.start('owner/heads/b.pth');
    });
  });
  await over;
  await hub.close();
  const states = told.filter(({ state }) => state !== 'running').map(({ name, state }) => `${name.slice(-5)} ${state}`);
  expect(states).toEqual(['a.pth waiting', 'b.pth waiting', 'a.pth done', 'b.pth done']);
  for (const [name, bytes] of Object.entries(content))
    expect(new Uint8Array(await readFile(join(folder, 'owner/heads', name)))).toEqual(bytes);
});
