import { ContextMenu } from '@base-ui/react/context-menu';
import type { ReactNode } from 'react';
import { colourNode } from '../../graphs/edit/edit.ts';
import { CommandItems } from '../commands/CommandItems.tsx';
import type { CommandName } from '../commands/command.ts';
import { findCommand } from '../commands/commands.ts';
import { hasSelection, selectedNodes } from '../commands/selected.ts';
import { focusCanvas } from '../controls/focusCanvas.ts';
import { isField } from '../controls/isField.ts';
import { useEditor, useView } from '../state/editor.ts';
import { editGraph } from '../state/graph.ts';
import { messages, nodeColours } from '../state/messages.ts';

/** What can be done with what is selected, as far as it can be done now. */
const FOR_SELECTION: readonly CommandName[] = [
  'runToHere',
  'rename',
  'duplicate',
  'connect',
  'reroute',
  'mute',
  'collapse',
  'goInside',
  'unmakeSubgraph',
  'ownSubgraph',
  'makeSubgraph',
  'frame',
  'alignLeft',
  'alignTop',
  'distribute',
  'cut',
  'copy',
  'remove',
];
/** What can be done at an empty place. */
const FOR_GROUND: readonly CommandName[] = ['addNode', 'addNote', 'paste', 'selectAll', 'layout', 'fit', 'goOutside'];

/** The canvas with the menu of its right button, which reads the table of commands. */
export function CanvasMenu({ children }: { children: ReactNode }) {
  return (
    <ContextMenu.Root>
      <ContextMenu.Trigger
        className="canvas-menu-place"
        // a field has the menu of its text
        onContextMenuCapture={(event) => isField(event.target) && event.stopPropagation()}
      >
        {children}
      </ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Positioner className="menu-positioner">
          <ContextMenu.Popup className="menu context-menu" finalFocus={focusCanvas}>
            <Items />
          </ContextMenu.Popup>
        </ContextMenu.Positioner>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

/** The colours that the selected nodes can be given, as one row. */
function ColourItems({ ids }: { ids: readonly string[] }) {
  const { graph } = useEditor();
  if (ids.length === 0) return null;
  const { colours, noColour } = messages.inspector;
  return (
    <div className="menu-colours">
      {[undefined, ...nodeColours].map((name) => (
        <ContextMenu.Item
          key={name ?? 'none'}
          className={`swatch colour-${name ?? 'none'}`}
          aria-label={name ? colours[name] : noColour}
          title={name ? colours[name] : noColour}
          onClick={() => editGraph(graph, (document) => ids.reduce((next, id) => colourNode(next, id, name), document))}
        />
      ))}
    </div>
  );
}

function Items() {
  const editor = useEditor();
  useView((state) => state.selection);
  const names = hasSelection(editor) ? FOR_SELECTION : FOR_GROUND;
  const commands = names.map(findCommand);
  return (
    <>
      <ColourItems ids={selectedNodes(editor)} />
      <CommandItems commands={commands.filter((command) => command.enabled?.(editor) !== false)} />
    </>
  );
}
