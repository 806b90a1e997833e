import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isPng } from '../../../nodes/ml/image/pngText.ts';
import { runCli } from '../../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'noiseloom-interrupt-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('Ctrl-C in mid-climb', () => {
  it('leaves the best image so far in the run folder', async () => {
    let sent = false;
    const settings = ['reno.evaluations=10000', 'reno.steps=1', 'noise.count=1'].flatMap((each) => ['--set', each]);
    const { code, stdout, stderr } = await runCli(['run', 'template:reno', ...settings, '--out', folder], {
      cwd: folder,
      onStderr(text, kill) {
        if (sent || !/evaluation \d+ of 10000/.test(text)) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(code, stderr).toBe(130);
    const run = stdout.trim();
    expect(readdirSync(run).sort()).toEqual(['best-so-far-1.png', 'run.json']);
    expect(isPng(new Uint8Array(readFileSync(join(run, 'best-so-far-1.png'))))).toBe(true);
    expect(JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))).toMatchObject({
      state: 'interrupted',
      nodes: { reno: { state: 'interrupted' } },
    });
  }, 600_000);
});
