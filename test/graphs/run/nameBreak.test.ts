import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openFiles } from '../../../electron/files/files.ts';
import { fileFolders, packageFolder } from '../../../electron/files/folders.ts';
import type { GraphDocument, GraphNode } from '../../../graphs/document/document.ts';
import type { Problem } from '../../../graphs/document/problems.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { createEngine } from '../../../graphs/engine/engine.ts';
import { library } from '../../../nodes/index.ts';
import type { Device } from '../../../nodes/ml/device.ts';
import { guardLeaks, openTestDevice } from '../../support/devices.ts';

const template = readFileSync(new URL('../../../graphs/templates/reno.json', import.meta.url), 'utf8');

describe('what gives no gradient', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  guardLeaks();

  it('is refused with the node in which the gradient breaks, however deep, and with what needs none', async () => {
    const { document } = readGraph(template, library);
    const { reno, clip } = document.nodes;
    const sum: GraphNode = {
      ...clip!,
      type: 'reward/combine',
      version: 1,
      params: {},
      inputs: {
        rewards: [
          ['clip', 'reward'],
          ['truth', 'reward'],
        ],
      },
    };
    const optimising: GraphNode = { ...reno!, inputs: { ...reno!.inputs, rewards: [['sum', 'reward']] } };
    const changed: GraphDocument = { ...document, nodes: { ...document.nodes, sum, reno: optimising } };
    const engine = createEngine({ library, device, files: openFiles(fileFolders(packageFolder)), cacheBudget: 1e9 });
    const problemOfRun = async () => {
      const problems: Problem[] = [];
      await engine.run(changed, {}, (event) => {
        if (event.type === 'problem') problems.push(event.problem);
      });
      return problems[0];
    };
    const problem = await problemOfRun();
    expect(problem).toMatchObject({ code: 'NOT_DIFFERENTIABLE', at: { node: 'reno', port: 'rewards' } });
    expect(problem?.message).toMatch(
      /^"ReNO" \(reno\): The reward "weighted sum of CLIP score, world truth \(oracle\)"/,
    );
    expect(problem?.message).toContain('FIND (optimise/find)');
    expect(problem?.message).toMatch(/The gradient breaks in "World truth \(oracle\)" \(truth\)\.$/);
    expect((await problemOfRun())?.message).toMatch(/The gradient breaks in "/); // what it is made of is cached now
    await engine.clearCache();
  });
});
