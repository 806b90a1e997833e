/** Size of the image and its margins, in pixels. */
const [width, height, left, rest] = [720, 360, 64, 32];
/** Dots of the smooth line at most. */
const DOTS = 300;

/**
 * The losses of a training as an SVG image: their mean over windows of steps, and the range within each window as a
 * shade. The vertical axis is logarithmic where all losses are above 0.
 */
export function lossCurve(losses: readonly number[]): string {
  const windows = splitWindows(losses);
  const logarithmic = losses.every((loss) => loss > 0);
  const scaled = (loss: number) => (logarithmic ? Math.log10(loss) : loss);
  const [low, high] = [Math.min(...windows.map(({ min }) => min)), Math.max(...windows.map(({ max }) => max))];
  const span = scaled(high) - scaled(low) || 1;
  const x = (step: number) => (left + (step / Math.max(1, losses.length)) * (width - left - rest)).toFixed(1);
  const y = (loss: number) => (rest + ((scaled(high) - scaled(loss)) / span) * (height - 2 * rest)).toFixed(1);
  const line = windows.map(({ step, mean }) => `${x(step)},${y(mean)}`).join(' ');
  const shade = [
    ...windows.map(({ step, max }) => `${x(step)},${y(max)}`),
    ...windows.map(({ step, min }) => `${x(step)},${y(min)}`).reverse(),
  ].join(' ');
  const text = (at: string, content: string, anchor: string) => `<text ${at} text-anchor="${anchor}">${content}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Loss of ${losses.length} steps</title>
<rect width="${width}" height="${height}" fill="white"/>
${windows.length > 0 ? `<polygon points="${shade}" fill="#cfe0f5"/>\n<polyline points="${line}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>` : ''}
<path d="M${left} ${rest}V${height - rest}H${width - rest}" fill="none" stroke="#444"/>
${windows.length > 0 ? text(`x="${left - 6}" y="${rest + 4}"`, high.toPrecision(3), 'end') : ''}
${windows.length > 0 ? text(`x="${left - 6}" y="${height - rest + 4}"`, low.toPrecision(3), 'end') : ''}
${text(`x="${width - rest}" y="${height - rest + 18}"`, `step ${losses.length}`, 'end')}
${text(`x="${left}" y="${rest - 12}"`, logarithmic ? 'loss (logarithmic)' : 'loss', 'start')}
</svg>
`;
}

interface Window {
  /** The middle one. */
  readonly step: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** At most `dots` windows of equal length, the last perhaps shorter. */
function splitWindows(losses: readonly number[]): Window[] {
  const length = Math.max(1, Math.ceil(losses.length / DOTS));
  return Array.from({ length: Math.ceil(losses.length / length) }, (_, i) => {
    const values = losses.slice(i * length, (i + 1) * length);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { step: i * length + values.length / 2, mean, min: Math.min(...values), max: Math.max(...values) };
  });
}
