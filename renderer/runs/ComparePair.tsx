import { BeforeAfter } from '../controls/BeforeAfter.tsx';
import { RunImage } from '../controls/RunImage.tsx';
import { useZoom } from '../controls/useZoom.ts';
import { ZoomButtons } from '../controls/ZoomButtons.tsx';
import { messages } from '../state/messages.ts';
import { useRead } from '../state/useRead.ts';
import type { ViewedImage } from '../state/viewedImages.ts';
import { compareParams } from './graphParams.ts';

interface ComparePairProps {
  readonly before: ComparedImage;
  readonly after: ComparedImage;
}

/** An image of a run, or the run alone where it gave none. */
type ComparedImage = { readonly folder: string } & Partial<ViewedImage>;

/** Two images with a slider between, zoomed together, and the params in which their runs differ. */
export function ComparePair({ before, after }: ComparePairProps) {
  const zoom = useZoom();
  const left = useRead(before.folder, (desktop) => desktop.readRun(before.folder));
  const right = useRead(after.folder, (desktop) => desktop.readRun(after.folder));
  const [a, b] = [before, after].map(asImage);
  const differences = left && right ? compareParams(left.graph.document, right.graph.document) : [];
  return (
    <div className="compare">
      {a && b ? (
        <div className="compare-images">
          <div className="viewer-bar">
            <ZoomButtons zoom={zoom} />
          </div>
          <div {...zoom.place}>
            <BeforeAfter
              before={<RunImage image={a} alt={a.caption} />}
              after={<RunImage image={b} alt={b.caption} />}
            />
          </div>
        </div>
      ) : (
        <p className="empty">{messages.results.noImages}</p>
      )}
      <div className="table-scroll">
        {left && right && differences.length === 0 ? (
          <p className="empty">{messages.results.noDifference}</p>
        ) : (
          <table className="scores">
            <thead>
              <tr>
                <th>{messages.results.param}</th>
                <th title={before.caption}>{messages.results.left}</th>
                <th title={after.caption}>{messages.results.right}</th>
              </tr>
            </thead>
            <tbody>
              {differences.map(({ name, left, right }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{left ?? '–'}</td>
                  <td>{right ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}

function asImage({ name, caption, ...rest }: ComparedImage): ViewedImage | undefined {
  return name === undefined ? undefined : { key: name, ...rest, name, caption: caption ?? name };
}
