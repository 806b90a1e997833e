import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GraphDocument, VERSION } from '../../../graphs/document/document.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { anyGraph, graph, library, node } from '../example.ts';

const noMinusZero = (value: unknown): boolean =>
  !JSON.stringify(value, (_, part) => (Object.is(part, -0) ? '-0!' : part)).includes('-0!');
const json = fc.jsonValue({ maxDepth: 3 }).filter(noMinusZero);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));
const pair = fc.tuple(number, number);
const optionalOf = <Value>(arbitrary: fc.Arbitrary<Value>, key: string) =>
  fc.option(arbitrary).map((value) => (value === null ? {} : { [key]: value }));

/** Any node: known or unknown type, sensible or not, with fields nobody knows. */
const anyNode = fc
  .tuple(
    fc.record({
      type: fc.oneof(fc.constantFrom(...library.keys()), fc.string()),
      version: fc.integer({ min: 1, max: 9 }),
      params: fc.dictionary(fc.string(), json),
      inputs: fc.dictionary(fc.string(), fc.array(fc.tuple(fc.string(), fc.string()))),
      position: pair,
    }),
    optionalOf(fc.string(), 'title'),
    optionalOf(fc.boolean(), 'muted'),
    optionalOf(fc.string(), 'colour'),
    optionalOf(json, 'laterField'),
  )
  .map((parts) => Object.assign({}, ...parts));

const few = { maxKeys: 3 };
const anySubgraph = fc
  .tuple(
    fc.record({
      title: fc.string(),
      inputs: fc.dictionary(fc.string(), fc.string(), few),
      outputs: fc.dictionary(fc.string(), fc.string(), few),
      nodes: fc.dictionary(fc.string(), anyNode, few),
    }),
    optionalOf(fc.array(fc.record({ text: fc.string(), position: pair, size: pair })), 'notes'),
    optionalOf(json, 'laterField'),
  )
  .map((parts) => Object.assign({}, ...parts));

const anyDocument = fc
  .tuple(
    fc.record({
      format: fc.constant('noiseloom-graph'),
      version: fc.constant(VERSION),
      title: fc.string(),
      nodes: fc.dictionary(fc.string(), anyNode),
    }),
    optionalOf(fc.array(fc.record({ text: fc.string(), position: pair, size: pair })), 'notes'),
    optionalOf(fc.dictionary(fc.string(), anySubgraph, few), 'subgraphs'),
    optionalOf(json, 'laterField'),
  )
  .map((parts) => Object.assign({}, ...parts) as GraphDocument);

describe('writeGraph', () => {
  it('writes what readGraph reads: read(write(d)) = d', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(readGraph(writeGraph(document), library).document).toEqual(document);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('writes the same text whatever the order of keys', () => {
    fc.assert(
      fc.property(anyGraph, (document) => {
        const reversed = JSON.parse(JSON.stringify(document), (_, value) =>
          value && typeof value === 'object' && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).reverse())
            : value,
        );
        expect(writeGraph(reversed)).toBe(writeGraph(document));
        expect(readGraph(writeGraph(document), library)).toEqual({ document, problems: [] });
      }),
      { seed: 2, numRuns: 50 },
    );
  });

  it('puts one param and one input on a line', () => {
    const document = graph({
      b: node('sum', { scale: 2, mode: 'sum' }, { b: 'a.number', a: 'a.number' }),
      a: node('number'),
    });
    expect(writeGraph(document)).toBe(`{
  "format": "noiseloom-graph",
  "version": 2,
  "title": "Example",
  "nodes": {
    "a": {
      "type": "test/number",
      "version": 1,
      "position": [0, 0],
      "params": {},
      "inputs": {}
    },
    "b": {
      "type": "test/sum",
      "version": 1,
      "position": [0, 0],
      "params": {
        "mode": "sum",
        "scale": 2
      },
      "inputs": {
        "a": [["a", "number"]],
        "b": [["a", "number"]]
      }
    }
  }
}
`);
  });
});
