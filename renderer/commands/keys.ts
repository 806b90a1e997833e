import type { Command } from './command.ts';

export type KeyPress = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

/** Whether keys like `Mod+Shift+Z` are pressed. */
export function isPressed(keys: string, event: KeyPress, isMac: boolean): boolean {
  const parts = keys.split('+').filter((part) => part !== '');
  const key = keys.endsWith('+') ? '+' : parts.pop()!;
  const [mod, shift, alt] = ['Mod', 'Shift', 'Alt'].map((name) => parts.includes(name));
  const other = isMac ? event.ctrlKey : event.metaKey;
  const isModRight = (isMac ? event.metaKey : event.ctrlKey) === mod && !other && event.altKey === alt;
  if (!isModRight || event.key.toLowerCase() !== key.toLowerCase()) return false;
  return event.shiftKey === shift || (key.length === 1 && !/[a-z0-9.,]/i.test(key)); // Shift is part of writing a sign
}

/** Keys as people read them: `Ctrl+Shift+Z`, on a Mac `⇧⌘Z`. */
export function formatKeys(keys: string, isMac: boolean): string {
  if (!isMac) return keys.replace('Mod', 'Ctrl');
  return keys
    .split('+')
    .map((part) => ({ Mod: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↩' })[part] ?? part)
    .join('');
}

/** The shortcut of a command as it is shown, or undefined where it has none. */
export function formatShortcut({ keys }: Command, isMac: boolean): string | undefined {
  return keys?.[0] === undefined ? undefined : formatKeys(keys[0], isMac);
}
