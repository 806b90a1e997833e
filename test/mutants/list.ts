/** A line that is broken, and the nearest tests, which must notice. */
export interface Mutant {
  readonly file: string;
  /** A part of the file that occurs once. */
  readonly line: string;
  readonly broken: string;
  readonly tests: readonly string[];
}

export const mutants: readonly Mutant[] = [
  {
    file: 'graphs/document/read.ts',
    line: "text.startsWith('\\ufeff') ? text.slice(1) : text",
    broken: 'text',
    tests: ['test/graphs/document/read.test.ts'],
  },
  {
    file: 'electron/models/downloadFile.ts',
    line: 'idleTries = offset > before ? 0 : idleTries + 1;',
    broken: 'idleTries = idleTries + 1;',
    tests: ['test/electron/models/hub.test.ts'],
  },
  {
    file: 'graphs/run/runStep.ts',
    line: 'nextPreview = ended + 9 * (ended - started);',
    broken: 'nextPreview = ended;',
    tests: ['test/graphs/run/runStep.test.ts'],
  },
  {
    file: 'renderer/state/run.ts',
    line: 'points.length > MOST_POINTS ?',
    broken: 'points.length > 1e9 ?',
    tests: ['test/renderer/state/run.test.ts'],
  },
  {
    file: 'renderer/commands/add.ts',
    line: 'if (!covered) return { x, y: top };',
    broken: 'return { x, y: top };',
    tests: ['test/renderer/commands'],
  },
  {
    file: 'graphs/run/flatten.ts',
    line: 'if (seen.has(place)) continue; // a cycle of reroutes',
    broken: '',
    tests: ['test/graphs/edit/subgraphs.test.ts'],
  },
  {
    file: 'graphs/run/cache.ts',
    line: 'if (count === 0) this.#bytes += bytesOf(resource);',
    broken: 'this.#bytes += bytesOf(resource);',
    tests: ['test/graphs/run/cache.test.ts'],
  },
  {
    file: 'graphs/run/cache.ts',
    line: 'if (this.#bytes > this.#budget) this.#makeRoom();',
    broken: '',
    tests: ['test/graphs/run/cache.test.ts'],
  },
  {
    file: 'graphs/document/check.ts',
    line: "if (wires.length > 1 && arrival.input?.count !== 'many') {",
    broken: "if (wires.length > 2 && arrival.input?.count !== 'many') {",
    tests: ['test/graphs/document/check.test.ts'],
  },
  {
    file: 'graphs/document/check.ts',
    line: 'if (allows(param, value) || own(node.inputs, name)?.length) continue;',
    broken: 'if (allows(param, value)) continue;',
    tests: ['test/graphs/document'],
  },
  {
    file: 'graphs/document/suggest.ts',
    line: 'let least = Math.max(1, Math.floor(written.length / 3)) + 1;',
    broken: 'let least = Math.max(1, Math.floor(written.length / 1)) + 1;',
    tests: ['test/graphs/document', 'test/graphs/edit'],
  },
  {
    file: 'graphs/edit/edit.ts',
    line: 'if (present.some(([source, output]) => source === wire[0] && output === wire[1])) return;',
    broken: '',
    tests: ['test/graphs/edit/edit.test.ts'],
  },
  {
    file: 'graphs/edit/edit.ts',
    line: "if (title === '') delete node.title;",
    broken: '',
    tests: ['test/graphs/edit', 'test/renderer'],
  },
  {
    file: 'graphs/engine/queue.ts',
    line: "if (entry?.state !== 'paused') return false;",
    broken: '',
    tests: ['test/graphs/engine'],
  },
  {
    file: 'graphs/edit/reseed.ts',
    line: 'const seed = drawn.get(old) ?? draw();',
    broken: 'const seed = draw();',
    tests: ['test/graphs/edit/reseed.test.ts'],
  },
  {
    file: 'graphs/document/migrations.ts',
    line: 'if (list.length !== version - 1)',
    broken: 'if (list.length < version - 1)',
    tests: ['test/graphs/document'],
  },
  {
    file: 'nodes/ml/random.ts',
    line: 'if (size % 16 !== 0) {',
    broken: 'if (size % 16 === 17) {',
    tests: ['test/nodes/ml/random.test.ts'],
  },
  {
    file: 'nodes/ml/pareto.ts',
    line: 'else if (extent > 0) distances[i]! += (at(place + 1) - at(place - 1)) / extent;',
    broken: 'else distances[i]! += (at(place + 1) - at(place - 1)) / extent;',
    tests: ['test/nodes/ml/pareto.test.ts'],
  },
  {
    file: 'nodes/ml/pareto.ts',
    line: 'if (front.length < 2) return 0;',
    broken: '',
    tests: ['test/nodes/ml/pareto.test.ts'],
  },
  {
    file: 'nodes/ml/diffusion/timesteps.ts',
    line: 'Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded',
    broken: 'rounded',
    tests: ['test/nodes/ml/diffusion'],
  },
  {
    file: 'nodes/ml/diffusion/sigmas.ts',
    line: 'if (at >= last) return table[last]!;',
    broken: 'if (at >= last) return table[last - 1]!;',
    tests: ['test/nodes/ml/diffusion'],
  },
  {
    file: 'nodes/ml/weights/float16.ts',
    line: '(rest === half && whole % 2 === 1) ? 1 : 0',
    broken: '(rest === half) ? 1 : 0',
    tests: ['test/nodes/ml/weights/writeSafetensors.test.ts', 'test/nodes/ml/weights/loadWeights.test.ts'],
  },
  {
    file: 'nodes/ml/weights/safetensors.ts',
    line: 'if (begin < 0 || end - begin !== bytes) {',
    broken: 'if (begin < 0) {',
    tests: ['test/nodes/ml/weights/safetensors.test.ts'],
  },
  {
    file: 'nodes/ml/image/resize.ts',
    line: 'const at = Math.min(Math.max(j, 0), from - 1);',
    broken: 'const at = Math.min(Math.max(j, 0), from - 2);',
    tests: ['test/nodes/ml/image', 'test/nodes/ml/verify'],
  },
  {
    file: 'electron/files/disk.ts',
    line: 'if (bytesRead === 0)',
    broken: 'if (bytesRead === -1)',
    tests: ['test/electron/files/files.test.ts'],
  },
  {
    file: 'electron/files/paths.ts',
    line: "return way !== '..' && ",
    broken: 'return ',
    tests: ['test/electron/files'],
  },
  {
    file: 'electron/models/downloadFile.ts',
    line: 'if (offset !== file.size || digest !== file.hash) {',
    broken: 'if (offset !== file.size) {',
    tests: ['test/electron/models/hub.test.ts'],
  },
  {
    file: 'electron/host/engineHost.ts',
    line: 'const again = this.#deaths.length <= MAX_DEATHS;',
    broken: 'const again = true;',
    tests: ['test/electron/host/engineHost.test.ts'],
  },
  {
    file: 'electron/server/server.ts',
    line: '(refusal.isSuspicious || refusal.status === 500) && !logged.has(line)',
    broken: '(refusal.isSuspicious || refusal.status === 500)',
    tests: ['test/electron/server'],
  },
  { file: 'renderer/state/graph.ts', line: 'if (next === whole) return;', broken: '', tests: ['test/renderer'] },
  {
    file: 'renderer/state/graph.ts',
    line: 'const continues = group !== undefined && group === last;',
    broken: 'const continues = group !== undefined;',
    tests: ['test/renderer'],
  },
  {
    file: 'renderer/state/run.ts',
    line: "node.state === 'waiting' || node.state === 'running' ? [id, { ...node, state: 'stopped' }]",
    broken: "node.state === 'running' ? [id, { ...node, state: 'stopped' }]",
    tests: ['test/renderer/state'],
  },
  {
    file: 'nodes/ml/optimise/rewardHacking.ts',
    line: 'to - from < patience',
    broken: 'to - from <= patience',
    tests: ['test/nodes/ml/optimise/rewardHacking.test.ts'],
  },
  {
    file: 'nodes/ml/train/adamW.ts',
    line: 'if (step < warmUp) return (step + 1) / warmUp;',
    broken: 'if (step < warmUp) return step / warmUp;',
    tests: ['test/nodes/ml/train/adamW.test.ts', 'test/nodes/ml/train/trainStep.test.ts'],
  },
  {
    file: 'nodes/ml/train/adamW.ts',
    line: 'const clip = Math.min(1, clipNorm',
    broken: 'const clip = Math.max(1, clipNorm',
    tests: ['test/nodes/ml/train/adamW.test.ts', 'test/nodes/ml/train/trainStep.test.ts'],
  },
  {
    file: 'nodes/select/top.ts',
    line: 'row.reduce((sum, value) => sum + value, 0)',
    broken: 'row.reduce((sum, value) => Math.max(sum, value), 0)',
    tests: ['test/nodes/select/top.test.ts'],
  },
  { file: 'renderer/state/view.ts', line: '.slice(-3)', broken: '.slice(-1)', tests: ['test/renderer/state'] },
  {
    file: 'renderer/runs/candidates.ts',
    line: 'label?.seed === seed && label.prompt === prompt',
    broken: 'label?.seed === seed',
    tests: ['test/renderer/runs'],
  },
  {
    file: 'renderer/controls/rankLabel.ts',
    line: 'if (at === 0) rank += 8;',
    broken: 'if (at === 0) rank += 1;',
    tests: ['test/renderer/controls'],
  },
  {
    file: 'renderer/level/fitting.ts',
    line: 'Object.values(outputs).some((output) => output.type === type)',
    broken: 'Object.values(outputs).every((output) => output.type === type)',
    tests: ['test/renderer/level'],
  },
  {
    file: 'nodes/ml/text/chunkA1111.ts',
    line: 'const { comma, backtrack = 20 } = how;',
    broken: 'const { comma, backtrack = 10 } = how;',
    tests: ['test/nodes/ml/text/promptStyles.test.ts'],
  },
  {
    file: 'nodes/ml/models/promptMix.ts',
    line: 'index <= until',
    broken: 'index < until',
    tests: ['test/nodes/ml/models/promptMix.test.ts'],
  },
  {
    file: 'nodes/ml/models/weighA1111.ts',
    line: "if (emphasis !== 'original') return weighed;",
    broken: "if (emphasis !== 'no norm') return weighed;",
    tests: ['test/nodes/ml/verify/families.test.ts'],
  },
  {
    file: 'nodes/ml/brownianTree.ts',
    line: 'increment.map((value, i) => value - left[i]!)',
    broken: 'increment.map((value) => value)',
    tests: ['test/nodes/ml/noiseStream.test.ts'],
  },
  {
    file: 'nodes/ml/noiseStream.ts',
    line: "if (program !== 'comfyui' && ensd === 0) source(size);",
    broken: "if (program !== 'comfyui') source(size);",
    tests: ['test/nodes/ml/verify/kSamplers.test.ts'],
  },
];
