import { Check, CircleSlash, Clock, History, TriangleAlert } from 'lucide-react';
import { titleOf } from '../../graphs/document/problems.ts';
import type { Scores } from '../../nodes/ports.ts';
import { ProblemText } from '../commands/ProblemText.tsx';
import { PreviewImage } from '../controls/Image.tsx';
import { RewardCurve } from '../controls/RewardCurve.tsx';
import { RunImage } from '../controls/RunImage.tsx';
import { useEditor, useFailure, useIsStale, useNodeResult, useNodeRun, useRuns } from '../state/editor.ts';
import { formatDuration, formatScore } from '../state/format.ts';
import { messages } from '../state/messages.ts';
import { hasResult } from '../state/results.ts';
import { isImage, type NodeResult, type NodeRun, shownRun, timeLeft } from '../state/run.ts';
import { countImages, viewNode } from '../state/viewedImages.ts';

/** The state of a node in a word, with its time. */
export function RunChip({ id }: { id: string }) {
  const run = useNodeRun(id);
  if (!run) return null;
  switch (run.state) {
    case 'waiting':
      return (
        <span className="chip" title={messages.run.waiting}>
          <Clock size={12} aria-label={messages.run.waiting} />
        </span>
      );
    case 'running': {
      const left = timeLeft(run, performance.now());
      return (
        <span className="chip active">
          {Math.round((run.fraction ?? 0) * 100)} %
          {left === undefined ? '' : ` · ${messages.run.left(formatDuration(left))}`}
        </span>
      );
    }
    case 'cached':
      return (
        <span className="chip" title={messages.run.cachedHelp}>
          <History size={12} aria-hidden /> {messages.run.cached}
        </span>
      );
    case 'done':
      return (
        <span className="chip good">
          <Check size={12} aria-label={messages.run.done} /> {formatDuration(run.ms ?? 0)}
        </span>
      );
    case 'failed':
      return (
        <span className="chip bad">
          <TriangleAlert size={12} aria-hidden /> {messages.run.failed}
        </span>
      );
    case 'stopped':
      return (
        <span className="chip">
          <CircleSlash size={12} aria-hidden /> {messages.run.stopped}
        </span>
      );
  }
}

/** A mark in the head of a node whose rewards were exploited. */
export function HackMark({ id }: { id: string }) {
  const node = useNodeResult(id)?.node;
  if (!node?.hacks) return null;
  return (
    <span className="chip bad" title={[messages.run.hacks, ...(node.remarks ?? [])].join('\n')}>
      <TriangleAlert size={14} aria-label={messages.run.hacks} />
    </span>
  );
}

/** The most images shown in a node; the viewer shows all. */
const SHOWN_IMAGES = 8;

/**
 * What a node shows of itself: a preview and curves while it runs, else what it gave last, in whichever run, dimmed where
 * that no longer holds.
 */
export function NodeOutcome({ id }: { id: string }) {
  const run = useNodeRun(id);
  const kept = useNodeResult(id);
  const isStale = useIsStale(id, kept);
  const failure = useFailure(id);
  const folder = useRuns((state) => (failure ? shownRun(state)?.folder : undefined));
  const isLive = run?.state === 'running' && (run.preview || run.curves) !== undefined;
  const node = isLive ? run : kept?.node;
  const isOld = isStale && !isLive;
  return (
    <div className={isOld ? 'outcome stale' : 'outcome'}>
      {failure && (
        <div className="card-problem">
          <ProblemText problem={failure} folder={folder} />
        </div>
      )}
      {run?.state === 'running' && run.text && <p className="faint outcome-text">{run.text}</p>}
      {node && <Given id={id} node={node} kept={isLive ? undefined : kept} />}
      {isOld && node && hasResult(node) && <p className="faint outcome-text">{messages.run.stale}</p>}
    </div>
  );
}

/** Images, curves, best scores, remarks and names of files. `kept`: the result that images are of, unless they are work in progress. */
function Given({ id, node, kept }: { id: string; node: NodeRun; kept: NodeResult | undefined }) {
  const { curves, scores, remarks, preview } = node;
  const count = kept ? countImages(kept) : { shown: 0, all: 0 };
  const others = (node.files ?? []).filter((file) => !isImage(file));
  return (
    <>
      {kept && count.shown > 0 ? (
        <Thumbnails id={id} result={kept} count={count} />
      ) : (
        preview && <PreviewImage preview={preview} />
      )}
      {curves && <RewardCurve curves={curves} />}
      {!curves && scores && <BestScores scores={scores.at(-1)!} />}
      {remarks?.map((remark) => (
        <p key={remark} className="outcome-text remark">
          {remark}
        </p>
      ))}
      {others.length > 0 && <p className="faint outcome-text">{others.map(({ name }) => name).join(', ')}</p>}
    </>
  );
}

interface ThumbnailsProps {
  readonly id: string;
  readonly result: NodeResult;
  readonly count: ReturnType<typeof countImages>;
}

/** The first images of a node; a click shows one large, beside all others of the node. */
function Thumbnails({ id, result, count }: ThumbnailsProps) {
  const { graph, runs, view } = useEditor();
  const images = viewNode(result, []);
  const first = images.slice(0, Math.min(count.shown, SHOWN_IMAGES));
  const more = count.all - first.length;
  const open = (shown: number) => {
    const { document, cards } = graph.getState();
    const files = Object.values(runs.getState().results).flatMap(({ node }) => node.files ?? []);
    const title = titleOf(document.nodes[id]!, cards);
    view.setState({ overlay: { kind: 'viewer', title, images: viewNode(result, files), shown } });
  };
  return (
    <div className={`outcome-images nodrag ${/^[356]$/.test(`${first.length}`) ? 'some' : `n${first.length}`}`}>
      {first.map((image, i) => (
        <button key={image.key} type="button" title={image.caption} onClick={() => open(i)}>
          <RunImage image={image} alt={`${messages.results.view}: ${image.label?.prompt ?? image.caption}`} />
          {more > 0 && i === first.length - 1 && <span className="more">{messages.results.more(more)}</span>}
        </button>
      ))}
    </div>
  );
}

/** The best value of each score. */
function BestScores({ scores: { names, values } }: { scores: Scores }) {
  if (values.length === 0) return null;
  return (
    <dl className="best">
      {names.map((name, i) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{formatScore(Math.max(...values.map((row) => row[i]!)))}</dd>
        </div>
      ))}
    </dl>
  );
}
