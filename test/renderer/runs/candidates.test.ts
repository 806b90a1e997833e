import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, findFront, readCandidates, writeCsv } from '../../../renderer/runs/candidates.ts';

const anyScores = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), { maxLength: 20 });
const candidate = ([a, b]: readonly [number, number], i: number): Candidate => ({
  key: String(i),
  prompt: undefined,
  seed: i,
  scores: { a, b },
  image: undefined,
});

describe('findFront', () => {
  it('is exactly what no other candidate dominates', () => {
    fc.assert(
      fc.property(anyScores, (points) => {
        const candidates = points.map(candidate);
        const undominated = candidates.filter(
          ({ scores: { a, b } }) =>
            !points.some(
              ([x, y]) => x >= (a as number) && y >= (b as number) && (x > (a as number) || y > (b as number)),
            ),
        );
        expect(new Set(findFront(candidates, 'a', 'b'))).toEqual(new Set(undominated));
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('passes over scores that are no number', () => {
    expect(findFront([candidate([Number.NaN, 1], 0), candidate([1, 1], 1)], 'a', 'b').map(({ key }) => key)).toEqual([
      '1',
    ]);
  });
});

describe('readCandidates', () => {
  it('finds the image of each row by its prompt and seed', () => {
    const labels = [{ prompt: 'p', seed: 1 }, { prompt: 'p', seed: 2 }, {}];
    const output = { node: 'n', mime: 'image/png', size: 1, sha256: '' };
    const run = {
      scores: [{ node: 'n', output: 's', names: ['a'], values: [[1], [2], [3]], labels }],
      outputs: [
        { ...output, name: '2.png', label: labels[1]! },
        { ...output, name: '1.png', label: labels[0]! },
      ],
    };
    expect(readCandidates(run, 0).map(({ image }) => image)).toEqual(['1.png', '2.png', undefined]);
    expect(readCandidates(run, 1)).toEqual([]);
    const other = { ...run, outputs: run.outputs.map((file) => ({ ...file, label: { ...file.label, prompt: 'q' } })) };
    expect(readCandidates(other, 0).map(({ image }) => image)).toEqual([undefined, undefined, undefined]);
  });

  it('finds the image whose scores they are, not another of the same prompt and seed', () => {
    const label = { prompt: 'p', seed: 1 };
    const output = { node: 'save', mime: 'image/png', size: 1, sha256: '' };
    const scores = (id: string) => ({
      node: id,
      output: 'scores',
      names: ['a'],
      values: [[1]],
      labels: [{ id, ...label }],
    });
    const run = {
      scores: [scores('reno'), scores('sample'), scores('not saved'), { ...scores('old'), labels: [label] }],
      outputs: [
        { ...output, name: 'plain.csv', mime: 'text/csv', label: { id: 'sample', ...label } },
        { ...output, name: '1.png', label: { id: 'sample', ...label } },
        { ...output, name: '2.png', label: { id: 'reno', ...label } },
        { ...output, name: 'again.png', label: { id: 'reno', ...label } },
      ],
    };
    const images = run.scores.map((_, table) => readCandidates(run, table)[0]!.image);
    expect(images).toEqual(['2.png', '1.png', undefined, '1.png']);
  });
});

describe('writeCsv', () => {
  it('quotes what must be quoted', () => {
    const rows = [{ ...candidate([1, Number.NaN], 0), prompt: 'a "big", red circle' }];
    expect(writeCsv(rows)).toBe('prompt,seed,a,b\r\n"a ""big"", red circle",0,1,\r\n');
  });
});
