import type { Editor } from '../state/editor.ts';
import type { messages } from '../state/messages.ts';

export type MenuName = keyof typeof messages.menus;
export type CommandName = keyof typeof messages.commands;

/** Something that the user can do. Menus, shortcuts, the palette of commands and the list of shortcuts read these. */
export interface Command {
  readonly name: CommandName;
  readonly menu: MenuName;
  /** E.g. `Mod+Shift+Z`; Mod is Cmd on a Mac and Ctrl elsewhere. The first is shown. */
  readonly keys?: readonly string[];
  /** Its keys arrive as clipboard events. */
  readonly byClipboard?: boolean;
  /** Keys that also work while the user writes in a field. */
  readonly inFields?: boolean;
  /** A line is drawn above it in menus. */
  readonly begins?: boolean;
  enabled?(editor: Editor): boolean;
  checked?(editor: Editor): boolean;
  perform(editor: Editor): unknown;
}
