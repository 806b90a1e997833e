/** For people, in brackets behind the width of text features: the family that has it; '' for any other. */
export function familyOfWidth(width: number | undefined): string {
  const name = { 768: 'Stable Diffusion 1', 1024: 'Stable Diffusion 2', 2048: 'Stable Diffusion XL' }[width ?? 0];
  return name === undefined ? '' : ` (${name})`;
}
