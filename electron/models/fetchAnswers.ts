import { UserError } from '../../nodes/errors.ts';
import { measureJson } from '../../nodes/parseJson.ts';

/** Of all that the hub says of one model: 100,000 files are listed in about 30 MB, a thousand in an answer. */
const most = { bytes: 2 ** 26, answers: 1000, depth: 20, values: 2_000_000 } as const;

/**
 * A `fetch` for the JSON that a hub says of one model: answers are read up to a bound on the bytes of all of them, on their
 * number, and on what each unfolds to. It throws UserError `HUB_ANSWER` beyond that and where one has not the
 * form of a hub's, and SyntaxError where it is no JSON.
 */
export function fetchAnswers(): typeof fetch {
  let bytes = 0;
  let answers = 0;
  return async (input, init) => {
    const response = await fetch(input, init);
    const refuse = async (what: string) => {
      await response.body?.cancel().catch(() => {});
      return new UserError('HUB_ANSWER', `${response.url} ${what}: that is no list of a model's files.`);
    };
    if (++answers > most.answers) throw await refuse(`goes on after ${most.answers} answers`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > most.bytes) throw await refuse(`sends more than ${most.bytes} bytes`);
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    const { depth, values } = measureJson(text);
    if (depth > most.depth) throw await refuse(`nests brackets ${depth} deep`);
    if (values > most.values) throw await refuse(`sends ${values} values`);
    if (response.ok && !isAnswerTo(response.url, JSON.parse(text))) throw await refuse('sends another form than a hub');
    const { status, statusText, headers, url } = response;
    const body = [204, 205, 304].includes(status) ? null : text;
    return Object.defineProperty(new Response(body, { status, statusText, headers }), 'url', { value: url });
  };
}

/** A list of files, or what there is to say of a revision. */
function isAnswerTo(url: string, answer: unknown): boolean {
  const wantsList = /\/tree\/[\da-f]+$/.test(new URL(url).pathname);
  return typeof answer === 'object' && answer !== null && Array.isArray(answer) === wantsList;
}
