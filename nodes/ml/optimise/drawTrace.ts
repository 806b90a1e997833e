import type { Trace, TraceColumn } from '../../ports.ts';
import { titleColumn } from './trace.ts';

/** Sizes in pixels: the image, its margins, a panel and the space above it for its name. */
const [width, left, right] = [720, 72, 24];
const [panel, gap, line] = [120, 34, 18];
const colours: Readonly<Record<TraceColumn['role'], string>> = {
  total: '#1b1b1b',
  reward: '#1f5fa8',
  watched: '#c05a00',
  measure: '#777777',
};

/**
 * A trace as an SVG image: one panel for each column on its own scale, since rewards have no common one; evaluations from left
 * to right, a thin line an image, the mean as a thick one, dots where each image's result was kept, remarks below.
 */
export function drawTrace(trace: Trace, title: string): string {
  const { columns, values, remarks } = trace;
  const notes = remarks.flatMap((remark) => wrapped(remark, 105));
  const foot = gap + columns.length * (panel + gap) + line;
  const height = foot + (notes.length + 1) * line;
  const evaluations = Math.max(2, ...values.map((rows) => rows.length));
  const x = (evaluation: number) => left + ((width - left - right) * evaluation) / (evaluations - 1);
  const panels = columns.map((column, i) => drawPanel(trace, i, column, gap + i * (panel + gap) + gap, x));
  const ends = [0, evaluations - 1].map((k) => text(x(k), foot, String(k + 1), k === 0 ? 'start' : 'end'));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" fill="white"/>
${text(left, 22, title, 'start', 'font-size="15"')}
${panels.join('\n')}
${ends.join('\n')}
${text((left + width - right) / 2, foot, 'evaluation', 'middle')}
${notes.map((note, i) => text(left, foot + (i + 1) * line + 6, note, 'start')).join('\n')}
</svg>
`;
}

/** One column of all images, its upper edge at `top`. */
function drawPanel(
  { values, kept }: Trace,
  i: number,
  column: TraceColumn,
  top: number,
  x: (evaluation: number) => number,
): string {
  const curves = values.map((rows) => rows.map((row) => row[i]!));
  const ticks = ticksBetween(Math.min(...curves.flat()), Math.max(...curves.flat()));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const y = (value: number) => top + panel - ((value - low) / (high - low)) * panel;
  const path = (curve: readonly number[], style: string) => {
    const points = curve.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${colours[column.role]}" ${style}/>`;
  };
  const grid = ticks.map((tick) => {
    const at = y(tick).toFixed(1);
    return `<path d="M${left} ${at}H${width - right}" stroke="#dddddd"/>\n${text(left - 8, y(tick) + 4, String(tick), 'end')}`;
  });
  const dots = curves.map((curve, row) => {
    const k = kept[row]!;
    return `<circle cx="${x(k).toFixed(1)}" cy="${y(curve[k]!).toFixed(1)}" r="3" fill="${colours[column.role]}"/>`;
  });
  return [
    text(left, top - 8, titleColumn(column), 'start', `fill="${colours[column.role]}"`),
    ...grid,
    ...(curves.length > 1 ? curves.map((curve) => path(curve, 'stroke-opacity="0.3"')) : []),
    path(averageCurves(curves), 'stroke-width="2"'),
    ...(column.role === 'measure' ? [] : dots),
  ].join('\n');
}

/** The mean of curves at every point, over those that are long enough. */
function averageCurves(curves: readonly (readonly number[])[]): number[] {
  const length = Math.max(...curves.map((curve) => curve.length));
  return Array.from({ length }, (_, k) => {
    const there = curves.flatMap((curve) => curve[k] ?? []);
    return there.reduce((sum, value) => sum + value, 0) / there.length;
  });
}

/** Round numbers that span a range: multiples of 1, 2 or 5 times a power of ten, two to six of them. */
export function ticksBetween(low: number, high: number): number[] {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const size = largest < 1e-30 ? 1 : largest;
  if (high - low < 1e-4 * size) return ticksBetween(low - size / 10, high + size / 10);
  const power = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => (high - low) / each <= 4)!;
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function text(x: number, y: number, content: string, anchor: string, style = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${style}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return content.replace(/[&<>"]/g, (letter) => entities[letter]!).replace(/[\p{Cc}\p{Cs}]/gu, ' ');
}

/** A sentence in lines of at most so many letters, where words allow. */
function wrapped(sentence: string, letters: number): string[] {
  const lines = [''];
  for (const word of sentence.split(' ')) {
    const joined = `${lines.at(-1)} ${word}`.trim();
    if (joined.length <= letters) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}
