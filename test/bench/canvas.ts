import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CDPSession, chromium, type Page } from 'playwright-core';
import { packageFolder } from '../../electron/files/folders.ts';
import { emptyDocument, type GraphNode } from '../../graphs/document/document.ts';
import { writeGraph } from '../../graphs/document/write.ts';
import { loadImages } from '../../nodes/input/loadImages.ts';
import { encodePng } from '../../nodes/ml/image/encodePng.ts';

/*
 * What the canvas costs in Chromium with a software renderer: milliseconds a frame while panning, zooming and dragging a
 * node, and the time from choosing a graph to seeing it. Prints a table and whether the goals are met; exits 1 where one
 * is not. Beside the time between frames, which is longer where the machine does something else as well, stands what the
 * page's own thread computed for each move of the pointer or the wheel. The graph is of real nodes in rows, numbers wired
 * to the one before and images that were loaded by a run and are shown on their nodes, looked at as a whole as far as the
 * zoom goes, and once more from near.
 */

const sizes = [200, 1000, 3000];
/** Median milliseconds a frame, until the window can be used, and until a graph of 200 nodes is seen. */
const goals: Readonly<Record<string, number>> = {
  'usable window': 800,
  'open 200': 200,
  'pan 1000': 10,
  'pan 3000': 16,
};
const MOVES = 90;
/** Every second one is loaded by a node. */
const IMAGES = 16;

function graphText(size: number): string {
  const nodes: Record<string, GraphNode> = {};
  const columns = 2 * Math.ceil(Math.sqrt(size) / 2);
  for (let i = 0; i < size; i++) {
    const position = [(i % columns) * 320, Math.floor(i / columns) * 320] as const;
    if (i % 2 === 1) {
      const { type, version } = loadImages;
      nodes[`n${i}`] = { type, version, params: { path: `${i % IMAGES}.png` }, inputs: {}, position };
      continue;
    }
    const inputs: GraphNode['inputs'] = i % columns < 2 ? {} : { value: [[`n${i - 2}`, 'number']] };
    nodes[`n${i}`] = { type: 'input/number', version: 1, params: { value: i }, inputs, position };
  }
  return writeGraph({ ...emptyDocument(`${size} nodes`), nodes });
}

const home = await mkdtemp(join(tmpdir(), 'noiseloom-bench-'));
for (let i = 1; i < IMAGES; i += 2) {
  const rgb = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * i * 7) % 256);
  await writeFile(join(home, `${i}.png`), encodePng({ width: 64, height: 64, rgb }));
}
for (const size of sizes) await writeFile(join(home, `bench-${size}.json`), graphText(size));
const server = spawn(
  process.execPath,
  [join(packageFolder, 'build', 'noiseloom.mjs'), 'serve', home, '--port', '0', '--device', 'cpu', '--json'],
  { cwd: home, env: { ...process.env, NOISELOOM_DATA: join(home, 'data') }, stdio: ['ignore', 'pipe', 'ignore'] },
);
const { url } = JSON.parse(
  await new Promise<string>((done) => server.stdout.once('data', (line) => done(String(line)))),
);
const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));
/** Frames come as fast as they can be drawn, so that their time is their cost. */
const args = ['--no-sandbox', '--disable-frame-rate-limit', '--disable-gpu-vsync'];
const browser = await chromium.launch({ args, ...(executablePath ? { executablePath } : {}) });
let missed = 0;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const began = performance.now();
  await page.goto(url);
  await page.locator('.card').first().waitFor({ timeout: 120_000 });
  report('usable window', { times: [performance.now() - began] });
  await page.getByRole('button', { name: 'Files' }).click();
  for (const size of sizes) {
    const before = await computed(session);
    const chosen = performance.now();
    await page.getByText(`bench-${size}`, { exact: true }).click();
    await page.locator('.graph-title', { hasText: `${size} nodes` }).waitFor();
    await page.locator(`[data-id="n${size / 2}"] .card`).waitFor({ timeout: 120_000 });
    report(`open ${size}`, { times: [performance.now() - chosen], computed: (await computed(session)) - before });
    await page.keyboard.press('Control+Enter');
    await page.locator(`[data-id="n${size / 2 - 1}"] .card:is(.run-done, .run-cached)`).waitFor({ timeout: 240_000 });
    await page.getByRole('button', { name: /^(Stop|stopping)/ }).waitFor({ state: 'detached', timeout: 240_000 });
    await page.waitForTimeout(500); // the first look at a graph is over
    report(`pan ${size}`, await panFrames(page, session));
    report(`zoom ${size}`, await framesWhile(page, session, (i) => page.mouse.wheel(0, i % 2 ? 60 : -60)));
    const box = await page.locator('.react-flow__node .card').first().boundingBox();
    const { x = 0, y = 0, width = 0, height = 0 } = box ?? {};
    report(`drag ${size}`, await dragFrames(page, session, [x + width / 2, y + Math.min(height / 2, 8)]));
    await page.keyboard.press('2'); // zooms to the node that was dragged
    await page.locator('.card:not(.far)').first().waitFor();
    report(`pan near ${size}`, await panFrames(page, session));
    for (let i = 0; i < 4; i++) await page.keyboard.press('Control+z'); // what is unsaved would be asked for
  }
} finally {
  await browser.close();
  server.kill();
  await rm(home, { recursive: true, force: true });
}
process.exitCode = missed > 0 ? 1 : 0;

interface Frames {
  readonly times: readonly number[];
  /** Milliseconds that the page's thread computed for each move, or to open the graph. */
  readonly computed?: number;
}

/** Milliseconds that the thread of the page computed since it began. */
async function computed(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
}

async function panFrames(page: Page, session: CDPSession): Promise<Frames> {
  await page.evaluate('document.activeElement.blur()'); // to a button the space bar would mean itself
  await page.keyboard.down('Space'); // pans wherever the pointer is
  await page.waitForTimeout(300); // until the canvas knows: sooner it would drag the node under the pointer
  const frames = await dragFrames(page, session, [500, 400]);
  await page.keyboard.up('Space');
  return frames;
}

/** Moves the pointer, pressed, over the canvas and gives the milliseconds between the frames that were drawn. */
async function dragFrames(page: Page, session: CDPSession, [x, y]: readonly [number, number]): Promise<Frames> {
  await page.mouse.move(x, y);
  await page.mouse.down();
  const frames = await framesWhile(page, session, (i) => page.mouse.move(x + 2 * i, y + 40 * Math.sin(i / 8)));
  await page.mouse.up();
  return frames;
}

async function framesWhile(page: Page, session: CDPSession, act: (i: number) => Promise<unknown>): Promise<Frames> {
  const before = await computed(session);
  await page.evaluate(`
    globalThis.frames = [];
    globalThis.counting = true;
    let last = performance.now();
    const frame = () => {
      const now = performance.now();
      frames.push(now - last);
      last = now;
      if (counting) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  `);
  for (let i = 0; i < MOVES; i++) await act(i);
  const times: number[] = await page.evaluate('globalThis.counting = false, frames.slice(1)');
  return { times, computed: ((await computed(session)) - before) / MOVES };
}

function report(name: string, { times, computed }: Frames): void {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
  const goal = goals[name];
  const isMet = goal === undefined || at(0.5) <= goal;
  if (!isMet) missed++;
  const p95 = times.length > 1 ? `  p95 ${at(0.95).toFixed(1)}` : '';
  const own = computed === undefined ? '' : `  computed ${computed.toFixed(1)}`;
  const wanted = goal === undefined ? '' : `  goal ${goal}${isMet ? '' : ' MISSED'}`;
  console.log(`${name.padEnd(16)} ${at(0.5).toFixed(1)} ms${p95}${own}${wanted}`);
}
