import { useView } from '../state/editor.ts';
import { messages } from '../state/messages.ts';
import { Box } from './Box.tsx';

/** Versions of the program and what it stands on, and its folders. */
export function About() {
  const about = useView((state) => state.about);
  if (!about) return null;
  return (
    <Box title={messages.commands.about}>
      <p>{messages.app.about(about.version, about.shell)}</p>
      <dl className="shortcuts">
        {Object.entries({ ...about.versions, ...about.folders }).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Box>
  );
}
