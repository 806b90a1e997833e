import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGraph } from '../../graphs/document/read.ts';
import { repeatedNames } from '../../nodes/repeatedNames.ts';
import { library } from '../graphs/example.ts';

const found = (text: string) => repeatedNames(text, 10).map((path) => path.join('.'));

describe('names that occur twice in one object', () => {
  it.each([
    ['{"a": 1, "a": 2}', ['a']],
    ['{"a": 1, "\\u0061": 2}', ['a']],
    ['{"a": {"b": 1}, "c": {"b": [{"b": 1}]}}', []],
    ['{"a": [0, {"b": 1, "b": {"b": 1}, "b": 3}]}', ['a.1.b']],
    ['{"a": "b", "b": ["a", "a", "b"], "c": "\\",\\"c\\":"}', []],
    ['{"x": {"a": {}, "a": []}, "x": 1}', ['x.a', 'x']],
    ['[[{"": 1, "": 2}]]', ['0.0.']],
    ['{"__proto__": 1, "__proto__": 2}', ['__proto__']],
  ])('in %s', (text, paths) => {
    expect(found(text)).toEqual(paths);
  });

  it('are none in what JSON.stringify writes, and at most as many as asked for', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(found(JSON.stringify(value))).toEqual([]);
      }),
      { seed: 1, numRuns: 300 },
    );
    expect(repeatedNames(`[${'{"a":1,"a":2},'.repeat(50)}0]`, 10)).toHaveLength(10);
  });

  it('are problems of a graph, each at its place', () => {
    const node = (params: string) => `{"type": "test/text", "version": 1, "params": {${params}}}`;
    const text = `{"format": "noiseloom-graph", "version": 2, "title": "a", "title": "b",
      "nodes": {"a": ${node('"text": "x", "text": "y"')}, "a": ${node('')}, "b": ${node('')}},
      "subgraphs": {"S": {"title": "", "inputs": {}, "outputs": {}, "nodes": {"c": ${node('')}, "c": ${node('')}}}}}`;
    const problems = readGraph(text, library).problems.filter(({ code }) => code === 'REPEATED_NAME');
    expect(problems.map(({ at }) => at)).toEqual([
      {},
      { node: 'a', param: 'text' },
      { node: 'a' },
      { node: 'subgraph/S/c' },
    ]);
    expect(problems.map(({ message }) => message)).toEqual([
      'The graph has two entries called "title", of which only the last would count.',
      'nodes.a.params of the graph has two entries called "text", of which only the last would count.',
      'nodes of the graph has two entries called "a", of which only the last would count.',
      'subgraphs.S.nodes of the graph has two entries called "c", of which only the last would count.',
    ]);
  });
});
