/**
 * What the built-in world is made of. Colours are GenEval's ten; their values lie far apart in sRGB and the
 * backgrounds are near-neutral, so that truth can be read off the pixels.
 */
export const shapes = ['circle', 'square', 'triangle', 'star', 'ring', 'cross'] as const;
export type Shape = (typeof shapes)[number];

/** sRGB, 0..255. */
export const colours = {
  red: [220, 40, 40],
  orange: [245, 140, 20],
  yellow: [250, 225, 40],
  green: [40, 165, 60],
  blue: [40, 80, 220],
  purple: [130, 50, 170],
  pink: [250, 140, 190],
  brown: [120, 70, 30],
  black: [15, 15, 18],
  white: [250, 250, 250],
} as const satisfies Record<string, readonly [number, number, number]>;
export type Colour = keyof typeof colours;
export const colourNames = Object.keys(colours) as Colour[];

export const backgrounds = {
  grey: [140, 144, 148],
  light: [202, 206, 208],
  dark: [66, 70, 78],
  blueish: [150, 176, 196],
} as const satisfies Record<string, readonly [number, number, number]>;
export type Background = keyof typeof backgrounds;
export const backgroundNames = Object.keys(backgrounds) as Background[];

export const relations = ['left of', 'right of', 'above', 'below'] as const;
export type Relation = (typeof relations)[number];

export const numbers = { 2: 'two', 3: 'three', 4: 'four' } as const;
export type Count = keyof typeof numbers;

/** GenEval's six tasks. */
export const tasks = ['single', 'two', 'counting', 'colours', 'position', 'attribution'] as const;
export type Task = (typeof tasks)[number];

/** "cross" -> "crosses", "star" -> "stars". */
export const plural = (shape: Shape): string => (shape === 'cross' ? 'crosses' : `${shape}s`);

/** Every word a caption can hold, for the tokenizer's vocabulary. */
export const captionWords: readonly string[] = [
  'a',
  'an',
  'and',
  'of',
  'on',
  'photo',
  'background',
  ...shapes,
  ...shapes.map(plural),
  ...colourNames,
  ...backgroundNames,
  'left',
  'right',
  'above',
  'below',
  ...Object.values(numbers),
];
