import type { RandomStream } from '../random.ts';
import { SCENE_SIZE, type Scene, type SceneObject } from './scene.ts';
import { colourNames, shapes } from './words.ts';

/** A scene that differs in one thing from another: what it shows, or how it shows it. */
type Alteration = (scene: Scene, random: RandomStream) => Scene;

/** Another colour or shape of one object, colours exchanged, mirrored, one object less: its caption may be false now. */
export const alterContent: Alteration = (scene, random) => {
  const { objects } = scene;
  const chosen = random.integer(objects.length);
  const [shapesHere, coloursHere] = [objects.map(({ shape }) => shape), objects.map(({ colour }) => colour)];
  const other = <Word>(words: readonly Word[], not: readonly Word[]) =>
    random.shuffle(words.filter((word) => !not.includes(word)))[0]!;
  const change = (fields: Partial<SceneObject>) =>
    objects.map((each, i) => (i === chosen ? { ...each, ...fields } : each));
  const ways: (() => readonly SceneObject[])[] = [
    () => change({ colour: other(colourNames, coloursHere) }),
    () => change({ shape: other(shapes, shapesHere) }),
    () => objects.map((each, i) => ({ ...each, colour: objects[(i + 1) % objects.length]!.colour })),
    () => objects.map((each) => ({ ...each, x: SCENE_SIZE - each.x, y: SCENE_SIZE - each.y })),
    () => objects.filter((_, i) => i !== chosen),
  ];
  const usable = objects.length === 1 ? ways.slice(0, 2) : ways;
  return { ...scene, objects: usable[random.integer(usable.length)]!() };
};

/** The same objects, together made smaller by up to a third and moved elsewhere in the image. */
export const alterComposition: Alteration = (scene, random) => {
  const scale = 1 - 0.35 * random.uniform();
  const small = scene.objects.map((each) => ({
    ...each,
    x: each.x * scale,
    y: each.y * scale,
    radius: each.radius * scale,
  }));
  const room = (places: readonly number[]) => {
    const first = 2 - Math.min(...places.map((place, i) => place - small[i]!.radius));
    const last = SCENE_SIZE - 2 - Math.max(...places.map((place, i) => place + small[i]!.radius));
    return first + (last - first) * random.uniform();
  };
  const [dx, dy] = [room(small.map(({ x }) => x)), room(small.map(({ y }) => y))];
  return { ...scene, objects: small.map((each) => ({ ...each, x: each.x + dx, y: each.y + dy })) };
};
