import { describe, expect, it } from 'vitest';
import type { ModelList } from '../../../electron/host/ipc.ts';
import { describeNode } from '../../../nodes/card.ts';
import { explainProblem, type ProblemFacts } from '../../../renderer/state/explainProblem.ts';
import { messages } from '../../../renderer/state/messages.ts';
import { exampleNodes, graph, node } from '../../graphs/example.ts';

const library = new Map(exampleNodes.map((one) => [one.type, describeNode(one)]));
const models: ModelList = {
  models: [{ name: 'builtin:judge', from: 'built in', path: '/p', bytes: 1, kind: 'clip' }],
  known: [],
  folder: '/m',
  freeBytes: 1,
};
const facts = (model: string, more: Partial<ProblemFacts> = {}): ProblemFacts => ({
  whole: graph({ r: node('load-reward', { model }, {}, { title: 'Judge' }) }),
  library,
  models,
  dialogs: true,
  ...more,
});
const absent = {
  code: 'NOT_FOUND',
  message:
    '"Judge" (r): There is no "some/judge"; looked for "/a/b", "/c/d". Download it: noiseloom models pull some/judge',
  at: { node: 'r' },
};

describe('a problem', () => {
  it('with an absent model is one sentence, three ways out, and the paths folded away', () => {
    const { text, details, mends } = explainProblem(absent, facts('some/judge'));
    expect(text).toBe('The model "some/judge" is not on this machine.');
    expect(details).toContain('looked for "/a/b", "/c/d"');
    expect(mends.map(({ kind }) => kind)).toEqual(['download', 'useBuiltIn', 'choose']);
    expect(mends[1]).toMatchObject({ node: 'r', param: 'model', model: 'builtin:judge' });
  });

  it('offers neither a download of what is no hub name, nor a dialog where there is none, nor what failed already', () => {
    const kinds = (model: string, more?: Partial<ProblemFacts>) =>
      explainProblem(absent, facts(model, more)).mends.map(({ kind }) => kind);
    expect(kinds('/my/judge.safetensors')).toEqual(['useBuiltIn', 'choose']);
    expect(kinds('some/judge', { dialogs: false })).toEqual(['download', 'useBuiltIn']);
    expect(kinds('builtin:judge', { dialogs: false })).toEqual([]);
  });

  it('of memory frees it', () => {
    const problem = { code: 'OUT_OF_MEMORY', message: '"Judge" (r) needs more memory. Take fewer.', at: { node: 'r' } };
    const { text, details, mends } = explainProblem(problem, facts('m'));
    expect(text).toBe(messages.problems.noMemory('Judge'));
    expect(details).toContain('Take fewer.');
    expect(mends).toEqual([{ kind: 'freeMemory' }]);
  });

  it('that nobody foresaw leads to the log of its run, with its cause under details', () => {
    const problem = {
      code: 'NODE_FAILED',
      message: '"Judge" (r) failed: x is 3',
      at: { node: 'r' },
      trace: 'at file.ts:1',
    };
    const { text, details, mends } = explainProblem(problem, facts('m', { folder: 'f' }));
    expect(text).toBe(messages.problems.unforeseen('Judge'));
    expect(details).toContain('x is 3');
    expect(details).toContain('at file.ts:1');
    expect(mends).toEqual([{ kind: 'openLog', folder: 'f' }]);
    expect(explainProblem(problem, facts('m')).mends).toEqual([]);
  });

  it('with a broken file names it without its folders, and says the rest below', () => {
    const message = '"Judge" (r): "/a/b/c.safetensors" is no checkpoint: it ends early. Download it again, at /x/y.';
    const { text, details } = explainProblem({ code: 'BAD_CHECKPOINT', message, at: { node: 'r' } }, facts('m'));
    expect(text).toBe('"c.safetensors" is no checkpoint: it ends early.');
    expect(details).toContain('/a/b/c.safetensors');
  });

  it('of the graph says what to do in the same breath, with nothing to unfold', () => {
    const problem = {
      code: 'MISSING_INPUT',
      message: 'The input a is open.',
      at: { node: 'r' },
      remedy: 'Connect it.',
    };
    expect(explainProblem(problem, facts('m'))).toEqual({
      text: 'The input a is open. Connect it.',
      details: undefined,
      mends: [],
    });
  });
});
