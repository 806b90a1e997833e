import { describe, expect, it } from 'vitest';
import { cardWidth, estimateCardShape, SHOWN_PARAMS, WIDTHS } from '../../../renderer/level/cardShape.ts';
import { library, node } from '../../graphs/example.ts';

const shape = (...args: Parameters<typeof node>) => estimateCardShape(node(...args), library);
const names = (side: 'source' | 'target', { sockets }: ReturnType<typeof estimateCardShape>) =>
  sockets.filter((socket) => socket.side === side).map(({ name }) => name);

describe('estimateCardShape', () => {
  it('has a socket for each input, output and param that is shown, from top to bottom, at the edges', () => {
    const sum = shape('sum');
    expect(names('target', sum)).toEqual(['a', 'b', 'scale', 'mode']);
    expect(names('source', sum)).toEqual(['number']);
    for (const { side, x } of sum.sockets) expect(x).toBe(side === 'source' ? sum.width : 0);
    const tops = sum.sockets.filter(({ side }) => side === 'target').map(({ y }) => y);
    expect(tops).toEqual([...tops].sort((a, b) => a - b));
    expect(sum.height).toBeGreaterThan(tops.at(-1)!);
  });

  it('is smaller where it is folded, with all sockets at one height', () => {
    const folded = shape('sum', {}, {}, { collapsed: true });
    expect(folded.height).toBeLessThan(shape('sum').height);
    expect(new Set(folded.sockets.map(({ y }) => y)).size).toBe(1);
    expect(names('target', folded)).toEqual(['a', 'b', 'scale', 'mode']);
  });

  it('shows a param that a wire drives beyond the first ones', () => {
    const card = { ...library.get('test/sum')!, type: 'test/long', params: {} as Record<string, never> };
    const { scale } = library.get('test/sum')!.params;
    for (let i = 0; i < SHOWN_PARAMS + 3; i++) Object.assign(card.params, { [`p${i}`]: scale });
    const cards = new Map([['test/long', card]]);
    const last = `p${SHOWN_PARAMS + 2}`;
    const free = estimateCardShape(node('long'), cards);
    const driven = estimateCardShape(node('long', {}, { [last]: 'n.number' }), cards);
    expect(names('target', free)).not.toContain(last);
    expect(names('target', driven)).toContain(last);
    expect(driven.height).toBeGreaterThan(free.height);
  });

  it('shows what the wires tell of a node whose type is not known', () => {
    expect(names('target', shape('unheard', {}, { odd: 'n.number' }))).toEqual(['odd']);
  });

  it('of a dot is small, with a socket at each side', () => {
    const dot = { ...node('number'), type: 'reroute/number' };
    expect(estimateCardShape(dot, library)).toEqual({
      width: 16,
      height: 16,
      sockets: [
        { name: 'value', side: 'target', x: 0, y: 8 },
        { name: 'value', side: 'source', x: 16, y: 8 },
      ],
    });
  });
});

describe('cardWidth', () => {
  const load = (model: string, more = {}) =>
    cardWidth(node('load-reward', { model }, {}, more), library.get('test/load-reward'));

  it('fits what was chosen, in steps, up to a limit', () => {
    expect(load('mean')).toBe(WIDTHS.usual);
    expect(load('builtin:world-one-step')).toBe(WIDTHS.usual);
    const wider = load('stable-diffusion-v1-5/stable-diffusion-v1-5');
    expect(wider).toBeGreaterThan(WIDTHS.usual);
    expect((wider - WIDTHS.usual) % 32).toBe(0);
    expect(load(`org/${'x'.repeat(200)}`)).toBeLessThanOrEqual(WIDTHS.fitting);
  });

  it('does not follow what is typed', () => {
    expect(cardWidth(node('text', { text: 'x'.repeat(200) }), library.get('test/text'))).toBe(WIDTHS.usual);
  });

  it('is what a person gave it, within limits', () => {
    expect(load('mean', { width: 320 })).toBe(320);
    expect(load('mean', { width: 5 })).toBe(WIDTHS.least);
    expect(load('mean', { width: 1e6 })).toBe(WIDTHS.most);
  });
});
