import { describe, expect, it } from 'vitest';
import { lossCurve } from '../../../../nodes/ml/train/lossCurve.ts';

const line = (svg: string) =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)]
    .flatMap(([, points]) => points!.split(' '))
    .map((point) => point.split(',').map(Number) as [number, number]);

describe('lossCurve', () => {
  it('falls to the right for falling losses, on a logarithmic axis', () => {
    const points = line(lossCurve([100, 10, 1]));
    expect(points.map(([x]) => x)).toEqual([...points.map(([x]) => x)].sort((a, b) => a - b));
    const [a, b, c] = points.map(([, y]) => y) as [number, number, number];
    expect(c - b).toBeCloseTo(b - a, 1);
    expect(c).toBeGreaterThan(b); // y points down
  });

  it('draws few dots however many steps there were, and both ends of the range', () => {
    const svg = lossCurve(Array.from({ length: 10_001 }, (_, i) => 5 - i / 2500));
    expect(line(svg).length).toBeLessThanOrEqual(300);
    expect(svg).toContain('>5.00<');
    expect(svg).toContain('>1.00<');
    expect(svg).toContain('step 10001');
  });

  it.each([[[]], [[2]], [[3, 3, 3]], [[-1, 0, 2]]])('is a whole image for %j', (losses) => {
    const svg = lossCurve(losses);
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});
