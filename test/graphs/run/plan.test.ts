import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GraphDocument, own } from '../../../graphs/document/document.ts';
import { cacheKeys } from '../../../graphs/run/cacheKeys.ts';
import { hashText } from '../../../graphs/run/hashText.ts';
import { planRun } from '../../../graphs/run/plan.ts';
import { defineNode, libraryOf, type NodeDefinition } from '../../../nodes/defineNode.ts';
import { anyGraph, exampleNodes, graph, library, node } from '../example.ts';

const ids = (document: GraphDocument, targets?: readonly string[]) =>
  planRun(document, library, targets).steps.map(({ id }) => id);

describe('planRun', () => {
  it('puts every step after its sources, each once, and knows the last reader of each', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        const { steps, lastUse } = planRun(document, library);
        expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
        const last = steps.map((_, number) => number);
        steps.forEach(({ id, inputs }, number) => {
          for (const { name, sources } of inputs) {
            sources.forEach(({ step }, i) => {
              expect(step).toBeLessThan(number);
              last[step] = number;
              const wire = document.nodes[id]?.inputs[name]?.[i];
              const muted = wire && document.nodes[wire[0]]?.muted;
              if (!muted) expect(steps[step]?.id).toBe(wire?.[0]);
            });
          }
        });
        expect(lastUse).toEqual(last);
        const running = Object.keys(document.nodes).filter((id) => !document.nodes[id]?.muted);
        expect(steps.map(({ id }) => id).sort()).toEqual(running.sort());
        steps.forEach(({ target }, number) => {
          expect(target).toBe(lastUse[number] === number);
        });
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it('runs only what the targets need', () => {
    const document = graph({
      n: node('number'),
      a: node('sum', {}, { a: 'n.number' }),
      b: node('sum', {}, { a: 'n.number', scale: 'a.number' }, { title: 'The end' }),
      other: node('number'),
    });
    expect(ids(document)).toEqual(['n', 'a', 'b', 'other']);
    expect(ids(document, ['a'])).toEqual(['n', 'a']);
    expect(ids(document, ['The end', 'a'])).toEqual(['n', 'a', 'b']);
    expect(ids(document, [])).toEqual([]);
    expect(planRun(document, library, ['b', 'a']).steps.map(({ target }) => target)).toEqual([false, true, true]);
  });

  it('puts what params on wires need before all else, whichever target needs it', () => {
    const document = graph({
      m: node('number'),
      a: node('sum', {}, { a: 'm.number' }),
      n: node('number'),
      half: node('divide', {}, { a: 'n.number' }),
      b: node('sum', {}, { a: 'a.number', scale: 'half.whole' }),
    });
    expect(ids(document)).toEqual(['n', 'half', 'm', 'a', 'b']);
    const apart = graph({ ...document.nodes, c: node('sum', {}, { a: 'm.number' }) });
    expect(ids(apart, ['c', 'b'])).toEqual(['n', 'half', 'm', 'c', 'a', 'b']);
  });

  it('says what is wrong with targets', () => {
    const document = graph({ a: node('number'), b: node('number', {}, {}, { muted: true }), c: node('strange') });
    expect(() => ids(document, ['A'])).toThrow('The graph has no node "A"');
    expect(() => ids(document, ['b'])).toThrow('"Number" (b) is muted');
    expect(() => ids(document, ['c'])).toThrow('"test/strange" (c) is of the unknown type');
    const circle = graph({ a: node('sum', {}, { a: 'b.number' }), b: node('sum', {}, { a: 'a.number' }) });
    expect(() => ids(circle, ['a'])).toThrow('depends on its own result');
  });

  it('plans a chain of a hundred thousand without recursion, whatever the order of the document', () => {
    const size = 100_000;
    const nodes = Array.from(
      { length: size },
      (_, i) => [`n${i}`, i === 0 ? node('number') : node('sum', {}, { a: `n${i - 1}.number` })] as const,
    );
    const { steps } = planRun(graph(Object.fromEntries(nodes.reverse())), library);
    expect(steps.length).toBe(size);
    expect(steps.at(-1)?.id).toBe(`n${size - 1}`);
  });
});

const fingerprints = new Map([
  ['mean', 'f1'],
  ['other', 'f2'],
]);

function keysOf(document: GraphDocument, prints = fingerprints, nodes = library): Map<string, string | undefined> {
  const plan = planRun(document, nodes);
  const keys = cacheKeys(plan, prints);
  return new Map(plan.steps.map(({ id }, number) => [id, keys[number]]));
}

/** The nodes that need the result of one, and itself, muted nodes being looked through. */
function dependents(document: GraphDocument, id: string): string[] {
  return planRun(document, library)
    .steps.filter((step) => planRun(document, library, [step.id]).steps.some((needed) => needed.id === id))
    .map((step) => step.id)
    .sort();
}

function changes(before: Map<string, unknown>, after: Map<string, unknown>): string[] {
  return [...after].flatMap(([id, key]) => (before.get(id) === key ? [] : [id])).sort();
}

describe('cacheKeys', () => {
  it('do not change with what does not matter', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        const cosmetic = Object.entries(document.nodes).map(([id, node], i) => [
          id,
          { ...node, title: `Title ${i}`, position: [i, i] as const, collapsed: true, params: { ...node.params } },
        ]);
        const renamed: GraphDocument = {
          ...document,
          title: 'x',
          notes: [],
          nodes: Object.fromEntries(cosmetic.reverse()),
        };
        expect(changes(keysOf(document), keysOf(renamed))).toEqual([]);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('change for a node and all that need it, and for nothing else, with what matters', () => {
    fc.assert(
      fc.property(anyGraph, fc.nat(), (document, pick) => {
        const running = Object.keys(document.nodes).filter((id) => !document.nodes[id]?.muted);
        const id = running[pick % running.length] as string;
        const changed = document.nodes[id]!;
        const expected = dependents(document, id);
        const otherVersion = libraryOf(
          exampleNodes.map((definition: NodeDefinition) =>
            definition.type === changed.type ? { ...definition, version: 2 } : definition,
          ),
        );
        const sameType = Object.keys(document.nodes).filter(
          (other) => document.nodes[other]?.type === changed.type && running.includes(other),
        );
        const all = [...new Set(sameType.flatMap((other) => dependents(document, other)))].sort();
        expect(changes(keysOf(document), keysOf(document, fingerprints, otherVersion))).toEqual(all);
        for (const [name, param] of Object.entries(library.get(changed.type)?.params ?? {})) {
          const value = typeof param.initial === 'number' ? 9 : param.kind === 'model' ? 'third' : 'product';
          const next = { ...changed, params: { ...changed.params, [name]: value } };
          const prints = new Map([...fingerprints, ['third', 'f3']]);
          const driven = own(changed.inputs, name) !== undefined;
          expect(
            changes(keysOf(document), keysOf({ ...document, nodes: { ...document.nodes, [id]: next } }, prints)),
          ).toEqual(driven ? [] : expected);
        }
      }),
      { seed: 2, numRuns: 80 },
    );
  });

  it('tell wires, ports, order and files apart', () => {
    const build = (a: string, b: string, ...numbers: string[]) =>
      graph({
        n: node('number', { value: 1 }),
        m: node('number', { value: 2 }),
        sum: node('sum', {}, { a, b }),
        total: node('total', {}, { numbers }),
        reward: node('load-reward'),
      });
    const base = keysOf(build('n.number', 'm.number', 'n.number', 'm.number'));
    expect(changes(base, keysOf(build('m.number', 'n.number', 'n.number', 'm.number')))).toEqual(['sum']);
    expect(changes(base, keysOf(build('n.number', 'm.number', 'm.number', 'n.number')))).toEqual(['total']);
    expect(changes(base, keysOf(build('n.number', 'm.number', 'n.number')))).toEqual(['total']);
    expect(
      changes(base, keysOf(build('n.number', 'm.number', 'n.number', 'm.number'), new Map([['mean', 'changed']]))),
    ).toEqual(['reward']);
    const read = (output: string) =>
      keysOf(
        graph({
          n: node('number'),
          d: node('divide', {}, { a: 'n.number' }),
          sum: node('sum', {}, { a: `d.${output}` }),
        }),
      );
    expect(changes(read('whole'), read('rest'))).toEqual(['sum']);
    expect(new Set(base.values()).size).toBe(5);
  });

  it('are equal for an absent param and its initial value', () => {
    expect(keysOf(graph({ n: node('number') }))).toEqual(keysOf(graph({ n: node('number', { value: 0 }) })));
  });

  it('are not confused by texts that look like other parts of a key', () => {
    const two = defineNode({
      type: 'test/two',
      version: 1,
      title: 'Two',
      summary: '',
      inputs: {},
      params: { a: library.get('test/text')!.params.text!, b: library.get('test/text')!.params.text! },
      outputs: {},
      run: () => undefined,
    });
    const key = (a: string, b: string) =>
      keysOf(
        graph({ x: { type: 'test/two', version: 1, params: { a, b }, inputs: {}, position: [0, 0] } }),
        fingerprints,
        libraryOf([two]),
      ).get('x');
    expect(key('1"\nb:"2', '')).not.toBe(key('1', '2'));
    expect(key('', 'naïve 🎲')).not.toBe(key('', 'naïve 🎳'));
  });

  it('are unknown before the run behind a file that a wire chooses', () => {
    const document = graph({
      t: node('text', { text: 'mean' }),
      reward: node('load-reward', {}, { model: 't.text' }),
      noise: node('noise'),
      score: node('score', {}, { noise: 'noise.noise', rewards: 'reward.reward' }),
    });
    expect([...keysOf(document)].flatMap(([id, key]) => (key === undefined ? [id] : []))).toEqual(['reward', 'score']);
  });
});

describe('hashText', () => {
  it('is the start of SHA-256', () => {
    // printf 'abc' | sha256sum; printf 'ü' | sha256sum; head -c 2000 /dev/zero | tr '\0' a | sha256sum
    expect(hashText('abc')).toBe('ba7816bf8f01cfea414140de5dae2223');
    expect(hashText('ü')).toBe('607474ca475a9724d7360aba71a56d5d');
    expect(hashText('a'.repeat(2000))).toBe('c4a700f85b7e9e5cdbdc51170409ee2a');
    expect(hashText('abc')).toBe('ba7816bf8f01cfea414140de5dae2223');
  });
});
