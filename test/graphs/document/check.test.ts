import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../graphs/document/check.ts';
import { type GraphDocument, limits } from '../../../graphs/document/document.ts';
import { didYouMean, nearestName } from '../../../graphs/document/suggest.ts';
import { anyGraph, graph, library, node } from '../example.ts';

const codes = (document: GraphDocument) => checkGraph(document, library).map(({ code }) => code);
const number = node('number');

describe('checkGraph', () => {
  it('finds nothing wrong with valid graphs', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        expect(checkGraph(document, library)).toEqual([]);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('lists all problems, each with place, value and remedy', () => {
    const document = graph({
      number: node('number', { value: 101, valeu: 1 }),
      'a.b': number,
      old: { ...number, version: 2 },
      stranger: node('summ', { anything: 1 }, { any: 'number.number' }),
      sum: node(
        'sum',
        { mode: 'some' },
        { a: ['number.number', 'old.number'], c: 'number.number' },
        { title: 'My sum' },
      ),
      noise: node('noise', { seed: -1 }),
      mix: node('mix', {}, { a: 'number.number', b: 'nosie.noise', scale: 'noise.noise' }),
      score: node('score', {}, { noise: 'noise.noize' }),
    });
    expect(
      checkGraph(document, library).map(({ code, at, message, remedy, value }) => [
        code,
        [at.node, at.param ?? at.port].filter(Boolean).join('.'),
        message,
        remedy,
        value,
      ]),
    ).toEqual([
      [
        'BAD_PARAM',
        'number.value',
        '"Number" (number): the param value is 101.',
        'Set it to a number from -100 to 100.',
        101,
      ],
      [
        'UNKNOWN_PARAM',
        'number.valeu',
        '"Number" (number) has no param "valeu". Did you mean "value"?',
        'Remove it or use one of its params: value.',
        1,
      ],
      [
        'BAD_ID',
        'a.b',
        '"a.b" cannot be the id of a node.',
        'Use letters, digits, - and _, starting with a letter or digit, at most 100.',
        'a.b',
      ],
      [
        'NODE_VERSION',
        'old',
        '"Number" (old) is version 2 of test/number; this Noiseloom has version 1.',
        'Install a newer Noiseloom, or put a new node in its place.',
        2,
      ],
      [
        'UNKNOWN_TYPE',
        'stranger',
        '"test/summ" (stranger) is of the type "test/summ", which this version does not know. Did you mean "test/sum"?',
        'Correct the type, remove the node, or install a version of Noiseloom that has it.',
        'test/summ',
      ],
      [
        'BAD_PARAM',
        'sum.mode',
        '"My sum" (sum): the param mode is "some".',
        'Set it to one of "sum", "product".',
        'some',
      ],
      [
        'TOO_MANY_WIRES',
        'sum.a',
        '"My sum" (sum): 2 wires arrive at "a", which takes one.',
        'Keep one of them.',
        [
          ['number', 'number'],
          ['old', 'number'],
        ],
      ],
      [
        'UNKNOWN_INPUT',
        'sum.c',
        '"My sum" (sum) has no input "c".',
        'Connect one of its inputs instead: a, b, scale, mode.',
        [['number', 'number']],
      ],
      [
        'BAD_PARAM',
        'noise.seed',
        '"Noise" (noise): the param seed is -1.',
        'Set it to a whole number from 0 to 9007199254740991.',
        -1,
      ],
      [
        'TYPE_MISMATCH',
        'mix.a',
        '"Mix" (mix): "a" takes noise, but "Number" (number) gives number at "number".',
        'Connect an output of type noise instead.',
        ['number', 'number'],
      ],
      [
        'UNKNOWN_NODE',
        'mix.b',
        '"Mix" (mix): the wire into "b" starts at node "nosie", which is not in the graph. Did you mean "noise"?',
        'Connect another node, or remove the wire.',
        ['nosie', 'noise'],
      ],
      [
        'TYPE_MISMATCH',
        'mix.scale',
        '"Mix" (mix): "scale" takes number, but "Noise" (noise) gives noise at "noise".',
        'Connect an output of type number instead.',
        ['noise', 'noise'],
      ],
      [
        'UNKNOWN_OUTPUT',
        'score.noise',
        '"Score" (score): the wire into "noise" starts at the output "noize", which "Noise" (noise) does not have. Did you mean "noise"?',
        'Its outputs are noise.',
        ['noise', 'noize'],
      ],
      [
        'MISSING_INPUT',
        'score.rewards',
        '"Score" (score): the input "rewards" needs a wire of type reward.',
        'Connect an output of type reward to it.',
        undefined,
      ],
    ]);
  });

  it('lets a wire drive any param, and then does not look at its value', () => {
    const sum = node('sum', { scale: -1, mode: 'none' }, { a: 'n.number', scale: 'n.number', mode: 't.text' });
    expect(codes(graph({ n: number, t: node('text'), sum }))).toEqual([]);
    expect(codes(graph({ n: number, t: node('text'), sum: { ...sum, inputs: {} } }))).toEqual([
      'BAD_PARAM',
      'BAD_PARAM',
      'MISSING_INPUT',
    ]);
  });

  it('looks through muted nodes, and does not look at their own params', () => {
    const muted = { muted: true };
    const chain = {
      noise: node('noise'),
      a: node('mix', { scale: 'much' }, { a: 'noise.noise' }, muted),
      b: node('pass', {}, { noise: 'a.noise' }, muted),
      save: node('save', {}, { noise: 'b.noise' }),
    };
    expect(codes(graph(chain))).toEqual([]);
    const { noise: _noise, ...cut } = { ...chain, a: node('mix', {}, {}, muted) };
    const [missing, ...others] = checkGraph(graph(cut), library);
    expect(others).toEqual([]);
    expect(missing).toMatchObject({ code: 'MISSING_INPUT', at: { node: 'save', port: 'noise' } });
    expect(missing?.message).toContain('The muted node before it passes nothing on');
    expect(missing?.remedy).toContain('unmute');
  });

  it('is not caught in a circle of muted nodes', () => {
    const a = node('pass', {}, { noise: 'b.noise' }, { muted: true });
    const b = node('pass', {}, { noise: 'a.noise' }, { muted: true });
    expect(codes(graph({ a, b, save: node('save', {}, { noise: 'a.noise' }) }))).toEqual(['MISSING_INPUT', 'CYCLE']);
  });

  it('reports one circle for each knot', () => {
    const sum = (a: string, b?: string) => node('sum', {}, b === undefined ? { a } : { a, b });
    const document = graph({
      n: number,
      a: sum('n.number', 'c.number'),
      b: sum('a.number'),
      c: sum('b.number'),
      after: sum('c.number'),
      self: sum('self.number', 'after.number'),
    });
    const cycles = checkGraph(document, library);
    expect(cycles.map(({ code, value }) => [code, value])).toEqual([
      ['CYCLE', ['b', 'c', 'a']],
      ['CYCLE', ['self']],
    ]);
    expect(cycles[0]?.message).toBe('"Sum" (b) depends on its own result: b -> c -> a -> b.');
  });

  it('finds a circle exactly where there is one', () => {
    const wires = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 12 });
    fc.assert(
      fc.property(wires, (drawn) => {
        const nodes = Array.from({ length: 8 }, (_, i) => {
          const from = drawn.filter(([, to]) => to === i).map(([source]) => `n${source}.number`);
          return [`n${i}`, node('total', {}, { numbers: from })] as const;
        });
        const reported = checkGraph(graph(Object.fromEntries(nodes)), library).filter(({ code }) => code === 'CYCLE');
        for (const { value } of reported) {
          const circle = value as string[];
          circle.forEach((id, i) => {
            const next = circle[(i + 1) % circle.length];
            expect(drawn.some(([from, to]) => `n${from}` === id && `n${to}` === next)).toBe(true);
          });
        }
        const reaches = Array.from({ length: 8 }, (_, i) => reachable(drawn, i));
        const knots = new Set(
          reaches.flatMap((set, i) =>
            set.has(i)
              ? [
                  [...set]
                    .filter((j) => reaches[j]?.has(i))
                    .sort()
                    .join(),
                ]
              : [],
          ),
        );
        expect(reported.length).toBe(knots.size);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('takes a graph of a hundred thousand nodes, and refuses one that is too large', () => {
    const chain = (size: number) =>
      graph(
        Object.fromEntries(
          Array.from({ length: size }, (_, i) => [
            `n${i}`,
            i === 0 ? number : node('sum', {}, { a: `n${i - 1}.number` }),
          ]),
        ),
      );
    expect(codes(chain(100_000))).toEqual([]);
    expect(codes(chain(limits.nodes + 1))).toEqual(['TOO_LARGE']);
  });
});

function reachable(wires: readonly (readonly [number, number])[], start: number): Set<number> {
  const reached = new Set(wires.filter(([from]) => from === start).map(([, to]) => to));
  for (const node of reached) for (const [from, to] of wires) if (from === node) reached.add(to);
  return reached;
}

describe('did you mean', () => {
  it.each([
    ['step', ['steps', 'seed'], 'steps'],
    ['setps', ['steps', 'seed'], 'steps'],
    ['Steps', ['steps'], 'steps'],
    ['guidance', ['guidanceScale', 'guide'], undefined],
    ['smaple', ['simple', 'sample'], 'sample'],
    ['xy', ['ab'], undefined],
    ['', ['a'], undefined],
    ['optimise/rno', ['optimise/reno', 'optimise/find'], 'optimise/reno'],
  ])('%s of %j is %s', (written, names, expected) => {
    expect(nearestName(written, names)).toBe(expected);
    expect(didYouMean(written, names)).toBe(expected === undefined ? '' : ` Did you mean "${expected}"?`);
  });
});
