import type { ImageLabel } from '../../nodes/ports.ts';
import { messages } from './messages.ts';
import { isImage, type NodeResult, type RunFile } from './run.ts';

/** An image that can be shown large, beside others of its node or run. */
export interface ViewedImage {
  /** Different from that of every other image shown with it. */
  readonly key: string;
  readonly name: string;
  readonly caption: string;
  readonly label?: ImageLabel;
  readonly bytes?: Uint8Array;
  /** The run folder that holds it, where its bytes are not at hand. */
  readonly folder?: string;
}

/** What an image is called: its seed and prompt, or a name where nothing is known of it. */
export function captionImage({ prompt, seed }: ImageLabel = {}, name: string): string {
  const seeded = seed === undefined ? '' : `${messages.results.seed} ${seed} · `; // first: prompts are cut off
  return prompt ? `${seeded}${prompt}` : name;
}

/**
 * The images that a node gave: the files that it saved, else small copies of what it gave at its outputs. `files` are all
 * files at hand: one that shows the very image of a copy takes its place.
 */
export function viewNode({ node }: NodeResult, files: readonly RunFile[]): ViewedImage[] {
  const saved = (node.files ?? []).filter(isImage);
  if (saved.length > 0)
    return saved.map(({ name, bytes, label }, i) => ({
      key: `${i} ${name}`,
      name,
      caption: captionImage(label, name),
      bytes,
      ...(label ? { label } : {}),
    }));
  const places = new Map<string, number>();
  return (node.copies ?? []).map(({ name, bytes, label, output, count }) => {
    const place = (places.get(output) ?? 0) + 1;
    places.set(output, place);
    const file = label?.id === undefined ? undefined : files.find((one) => isImage(one) && one.label?.id === label.id);
    const called = messages.results.copyOf(output, place, count);
    return {
      key: `${output} ${place}`,
      name: file?.name ?? name,
      caption: label?.prompt ? `${called} · ${captionImage(label, name)}` : called,
      bytes: file?.bytes ?? bytes,
      ...(label ? { label } : {}),
    };
  });
}

/** How many images a node shows of itself, and how many there are: the first output that gives images stands for all. */
export function countImages({ node: { files, copies } }: NodeResult): { shown: number; all: number } {
  const saved = (files ?? []).filter(isImage).length;
  if (saved > 0) return { shown: saved, all: saved };
  const [first] = copies ?? [];
  if (!first) return { shown: 0, all: 0 };
  return { shown: copies!.filter(({ output }) => output === first.output).length, all: first.count };
}
