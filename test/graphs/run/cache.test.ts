import { describe, expect, it } from 'vitest';
import { type StepResult, ValueCache } from '../../../graphs/run/cache.ts';
import type { Resource } from '../../../nodes/values.ts';

/** A loaded model that counts how often it is disposed of. */
function modelOf(bytes: number) {
  const model = { name: 'model', bytes, disposals: 0, dispose: () => void model.disposals++ };
  return model;
}

function resultOf(...resources: Resource[]): StepResult {
  return { outputs: {}, artifacts: [], remarks: [], copies: [], resources };
}

/** What a run does with a new result: holds it, keeps it, lets it go. */
function keep(cache: ValueCache, key: string, result: StepResult): void {
  cache.retain(result.resources);
  cache.put(key, result);
  cache.release(result.resources);
}

describe('ValueCache', () => {
  it('keeps results until its budget is used up, and lets go of the least recently used', () => {
    const cache = new ValueCache(52_000);
    const models = ['a', 'b', 'c', 'd', 'e'].map((key) => [key, modelOf(9_000)] as const);
    for (const [key, model] of models) keep(cache, key, resultOf(model));
    expect(cache.size).toBe(5);
    expect(cache.get('a')).toBeDefined();
    keep(cache, 'f', resultOf(modelOf(9_000)));
    expect(models.map(([, model]) => model.disposals)).toEqual([0, 1, 0, 0, 0]);
    expect(cache.get('b')).toBeUndefined();
    expect(cache.bytes).toBeLessThanOrEqual(52_000);
    expect(cache.freed).toBe(9_000 + 512);
    cache.clear();
    expect(models.map(([, model]) => model.disposals)).toEqual([1, 1, 1, 1, 1]);
    expect([cache.bytes, cache.size]).toEqual([0, 0]);
  });

  it('does not keep what alone exceeds the budget, nor lose the rest for it', () => {
    const cache = new ValueCache(10_000);
    const [small, large] = [modelOf(1_000), modelOf(10_000)];
    keep(cache, 'small', resultOf(small));
    keep(cache, 'large', resultOf(large));
    expect([small.disposals, large.disposals]).toEqual([0, 1]);
    expect(cache.freed).toBe(10_000 + 512);
    expect(cache.get('small')).toBeDefined();
    expect(cache.get('large')).toBeUndefined();
  });

  it('disposes of what a run still holds only when the run lets go', () => {
    const cache = new ValueCache(10_000);
    const model = modelOf(5_000);
    const result = resultOf(model);
    keep(cache, 'a', result);
    cache.retain(result.resources);
    keep(cache, 'b', resultOf(modelOf(8_000)));
    expect(cache.get('a')).toBeUndefined();
    expect(model.disposals).toBe(0);
    cache.release(result.resources);
    expect(model.disposals).toBe(1);
  });

  it('counts a shared resource once, and frees it once, with its last result', () => {
    const cache = new ValueCache(100_000);
    const model = modelOf(50_000);
    for (const key of ['a', 'b', 'c']) keep(cache, key, resultOf(model, model));
    expect(cache.size).toBe(3);
    expect(cache.bytes).toBeLessThan(60_000);
    keep(cache, 'd', resultOf(modelOf(60_000)));
    expect([cache.size, model.disposals]).toEqual([1, 1]);
  });

  it('counts files and texts', () => {
    const cache = new ValueCache(100_000);
    keep(cache, 'a', { outputs: { text: 'x'.repeat(10_000) }, artifacts: [], remarks: [], copies: [], resources: [] });
    expect(cache.bytes).toBeGreaterThan(20_000);
    keep(cache, 'b', {
      outputs: { texts: ['x'.repeat(10_000), 'y'] },
      artifacts: [],
      remarks: [],
      copies: [],
      resources: [],
    });
    expect(cache.bytes).toBeGreaterThan(40_000);
    const bytes = new Uint8Array(70_000);
    keep(cache, 'c', {
      outputs: {},
      artifacts: [{ name: 'a.png', mime: 'image/png', bytes }],
      remarks: [],
      copies: [{ name: 'b.png', mime: 'image/png', bytes: new Uint8Array(10), output: 'o', count: 1 }],
      resources: [],
    });
    expect(cache.get('a')).toBeUndefined();
  });

  it('does not give back a result whose tensor somebody disposed of', () => {
    const cache = new ValueCache(100_000);
    const tensor = { dataId: {}, size: 4, isDisposed: false, dispose: () => undefined };
    keep(cache, 'a', resultOf(tensor as unknown as Resource));
    expect(cache.get('a')).toBeDefined();
    tensor.isDisposed = true;
    expect(cache.get('a')).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  it('keeps the first of two results under one key', () => {
    const cache = new ValueCache(100_000);
    const [first, second] = [modelOf(1), modelOf(1)];
    keep(cache, 'a', resultOf(first));
    keep(cache, 'a', resultOf(second));
    expect([first.disposals, second.disposals]).toEqual([0, 1]);
  });
});
