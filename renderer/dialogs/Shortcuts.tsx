import { menus } from '../commands/commands.ts';
import { formatKeys } from '../commands/keys.ts';
import { isMac } from '../controls/isMac.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';

/** The keys of all commands, and what the pointer does. */
export function Shortcuts() {
  return (
    <Box title={messages.shortcuts.name} wide>
      <div className="shortcut-groups">
        {menus.map((menu) => (
          <section key={menu.name}>
            <h3>{messages.menus[menu.name]}</h3>
            <dl className="shortcuts">
              {menu.commands.map(
                ({ name, keys }) =>
                  keys && (
                    <div key={name}>
                      <dt>{messages.commands[name]}</dt>
                      <dd>
                        {keys.map((key) => (
                          <kbd key={key}>{formatKeys(key, isMac)}</kbd>
                        ))}
                      </dd>
                    </div>
                  ),
              )}
            </dl>
          </section>
        ))}
        <section>
          <h3>{messages.shortcuts.pointer}</h3>
          <dl className="shortcuts">
            {Object.entries(messages.shortcuts.gestures).map(([name, { how, what }]) => (
              <div key={name}>
                <dt>{what}</dt>
                <dd>
                  <kbd>{how}</kbd>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Box>
  );
}
