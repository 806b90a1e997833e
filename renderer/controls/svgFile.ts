/** The computed styles that a plot needs to look the same outside the window. */
const COPIED_PROPERTIES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'fill-opacity',
  'font-family',
  'font-size',
  'opacity',
];

/** The plot as an SVG file, with its styles inlined. */
export function writeSvg(svg: SVGSVGElement | null): string {
  if (!svg) throw new Error('The plot is not on the screen.');
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const [shown, copied] = [[...svg.querySelectorAll('*')], [...copy.querySelectorAll('*')]];
  for (const [i, element] of shown.entries()) {
    const style = getComputedStyle(element);
    for (const name of COPIED_PROPERTIES) copied[i]?.setAttribute(name, style.getPropertyValue(name));
    copied[i]?.removeAttribute('class');
  }
  const [, , width, height] = (svg.getAttribute('viewBox') ?? '0 0 640 480').split(' ');
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', width!);
  copy.setAttribute('height', height!);
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  ground.setAttribute('width', '100%');
  ground.setAttribute('height', '100%');
  ground.setAttribute('fill', getComputedStyle(document.body).backgroundColor);
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

/** The plot as a PNG at twice its size. */
export async function drawPng(svg: SVGSVGElement | null): Promise<Uint8Array> {
  const url = URL.createObjectURL(new Blob([writeSvg(svg)], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width * 2, image.height * 2];
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    if (!blob) throw new Error('The plot cannot be drawn.');
    return new Uint8Array(await blob.arrayBuffer());
  } finally {
    URL.revokeObjectURL(url);
  }
}
