import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../graphs/document/check.ts';
import { readGraph } from '../../../graphs/document/read.ts';
import { writeGraph } from '../../../graphs/document/write.ts';
import { removeNodes } from '../../../graphs/edit/edit.ts';
import { exposeParam, hideParam, moveField, renameField, showResults } from '../../../graphs/edit/form.ts';
import { applyOverrides } from '../../../graphs/edit/overrides.ts';
import { makeSubgraph, unmakeSubgraph } from '../../../graphs/edit/subgraphs.ts';
import { graph, library, node } from '../example.ts';

const start = graph({
  n: node('number', { value: 2 }),
  m: node('number', { value: 3 }),
  a: node('sum', {}, { a: 'n.number', b: 'm.number' }),
});
const exposed = showResults(exposeParam(exposeParam(exposeParam(start, 'n.value'), 'm.value'), 'a.scale'), 'a', true);
const namesOf = (document: typeof start) => document.form?.fields.map(({ name, param }) => `${name} ${param}`);

describe('the form of a graph', () => {
  it('names its fields after their params, each once', () => {
    expect(namesOf(exposed)).toEqual(['value n.value', 'value2 m.value', 'scale a.scale']);
    expect(exposeParam(exposed, 'n.value')).toBe(exposed);
    expect(checkGraph(exposed, library)).toEqual([]);
  });

  it('renames, moves and hides fields; a form of nothing is gone', () => {
    const renamed = moveField(renameField(exposed, 'm.value', 'second'), 'a.scale', 0);
    expect(namesOf(renamed)).toEqual(['scale a.scale', 'value n.value', 'second m.value']);
    expect(() => renameField(exposed, 'm.value', 'value')).toThrow('another field has this name');
    expect(() => renameField(exposed, 'm.value', 'a.b')).toThrow('A field of the form cannot be called "a.b"');
    const hidden = ['n.value', 'm.value', 'a.scale'].reduce(hideParam, exposed);
    expect(hidden.form).toEqual({ fields: [], results: ['a'] });
    expect(showResults(hidden, 'a', false)).toEqual(start);
  });

  it('is set by the names of its fields', () => {
    const set = applyOverrides(exposed, { value2: '7', 'n.value': 5 }, library);
    expect([set.nodes.n?.params.value, set.nodes.m?.params.value]).toEqual([5, 7]);
    expect(() => applyOverrides(exposed, { vale2: '7' }, library)).toThrow(
      '"vale2" names no param. Did you mean "value2"? Write node.param, e.g. sample.steps or a field of the graph\'s form: value, value2, scale.',
    );
    expect(() => applyOverrides(exposed, { scale: '-1' }, library)).toThrow('the param scale cannot be "-1"');
  });

  it('is written in its order and read again', () => {
    const { document, problems } = readGraph(writeGraph(exposed), library);
    expect([document, problems]).toEqual([exposed, []]);
  });

  it('loses what leads to a removed node, and follows nodes into a subgraph and out of it', () => {
    expect(removeNodes(exposed, ['a', 'm']).form).toEqual({
      fields: [{ name: 'value', param: 'n.value' }],
      results: [],
    });
    const inside = makeSubgraph(exposed, library, ['n', 'm'], 'both');
    expect(namesOf(inside.document)).toEqual([
      `value ${inside.id}/n.value`,
      `value2 ${inside.id}/m.value`,
      'scale a.scale',
    ]);
    expect(checkGraph(inside.document, library)).toEqual([]);
    const set = applyOverrides(inside.document, { value2: 9 }, library);
    expect(Object.values(set.subgraphs ?? {})[0]?.nodes.m?.params.value).toBe(9);
    const outside = unmakeSubgraph(inside.document, inside.id);
    expect(checkGraph(outside.document, library)).toEqual([]);
    expect(outside.document.form?.fields.map(({ name }) => name)).toEqual(['value', 'value2', 'scale']);
  });

  it('that a stranger wrote wrongly becomes problems', () => {
    const form = {
      fields: [
        { name: 'x', param: 'n.value' },
        { name: 'x', param: 'n.valu' },
        { name: 'a b', param: 'm.value' },
        { name: 'y', param: 'constructor' },
      ],
      results: ['gone'],
    };
    const text = (given: unknown) => JSON.stringify({ ...start, form: given });
    expect(readGraph(text(form), library).problems.map(({ code, message }) => [code, message])).toEqual([
      ['BAD_FIELD', 'The form has two fields called "x".'],
      ['UNKNOWN_FIELD', 'The field "x" of the form leads to "n.valu", which the graph does not have.'],
      ['BAD_FIELD', 'The form has a field called "a b".'],
      ['UNKNOWN_FIELD', 'The field "y" of the form leads to "constructor", which the graph does not have.'],
      ['UNKNOWN_FIELD', 'The form shows the results of node "gone", which the graph does not have.'],
    ]);
    for (const bad of [5, [], { fields: [{}], results: [] }, { fields: [] }, null]) {
      const { document, problems } = readGraph(text(bad), library);
      expect(problems.map(({ code }) => code)).toEqual(['BAD_SHAPE']);
      expect(document).not.toHaveProperty('form');
    }
  });
});
