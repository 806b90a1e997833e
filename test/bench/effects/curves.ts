import type { Row } from './report.ts';
import type { Method } from './trial.ts';

/** A family of methods that differ in their evaluations alone. */
export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly evaluations: number; readonly gain: Row['gain'] }[];
}

/** The curves of rows whose methods belong to one, by rising evaluations. */
export function curvesOf(rows: readonly Row[], methods: Readonly<Record<string, Pick<Method, 'curve'>>>): Curve[] {
  const curves = new Map<string, Curve['points'][number][]>();
  for (const { method, gain } of rows) {
    const curve = methods[method]?.curve;
    if (curve) curves.set(curve.name, [...(curves.get(curve.name) ?? []), { evaluations: curve.evaluations, gain }]);
  }
  return [...curves].map(([name, points]) => ({
    name,
    points: points.sort((a, b) => a.evaluations - b.evaluations),
  }));
}

const [width, height, margin, right] = [560, 300, 48, 190];
const colours = ['#1f5fa8', '#b8481f', '#2e7d32', '#6a3fa0', '#8a6d00', '#444'];

/** Gains over evaluations (logarithmic) with their 95 % intervals, an SVG image. */
export function drawCurves(curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const ends = points.flatMap(({ gain: { mean, low = mean, high = mean } }) => [low, high]);
  const [least, most] = [Math.min(0, ...ends), Math.max(0.01, ...ends)];
  const last = Math.max(2, ...points.map(({ evaluations }) => evaluations));
  const x = (evaluations: number) => margin + (Math.log(evaluations) / Math.log(last)) * (width - margin - right);
  const y = (gain: number) => height - margin - ((gain - least) / (most - least)) * (height - 2 * margin);
  const drawn = curves.map(({ name, points }, i) => {
    const colour = colours[i % colours.length]!;
    const marks = points.map(({ evaluations, gain: { mean, low = mean, high = mean } }) => {
      const at = (x(evaluations) + 2 * i).toFixed(1); // beside one another where they meet
      return `<path d="M${at} ${y(low).toFixed(1)}V${y(high).toFixed(1)}" stroke="${colour}"/><circle cx="${at}" cy="${y(mean).toFixed(1)}" r="3" fill="${colour}"/>`;
    });
    const line = points.map(
      ({ evaluations, gain }) => `${(x(evaluations) + 2 * i).toFixed(1)},${y(gain.mean).toFixed(1)}`,
    );
    const label = `<text x="${width - right + 12}" y="${margin + 18 * i}" fill="${colour}">${name}</text>`;
    return `<polyline points="${line.join(' ')}" fill="none" stroke="${colour}"/>${marks.join('')}${label}`;
  });
  const ticks = [...new Set(points.map(({ evaluations }) => evaluations))].map(
    (each) => `<text x="${x(each).toFixed(1)}" y="${height - margin + 18}" text-anchor="middle">${each}</text>`,
  );
  const axes = `<path d="M${margin} ${margin}V${height - margin}H${width - right}" fill="none" stroke="#444"/><path d="M${margin} ${y(0).toFixed(1)}H${width - right}" stroke="#aaa"/>`;
  const limits = [least, most].map(
    (gain) => `<text x="${margin - 6}" y="${(y(gain) + 4).toFixed(1)}" text-anchor="end">${gain.toFixed(2)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="8" y="20">share of correct images less that of one sample, over evaluations, 95 % intervals</text>${axes}${limits.join('')}${ticks.join('')}${drawn.join('')}</svg>\n`;
}
