/**
 * How well a label fits what was searched, 0 for not at all: every word of the query must occur in the label or, for
 * less, in the text beside it; the start of the label counts most, then the start of a word, then anything.
 */
export function rankLabel(query: string, label: string, beside: string): number {
  const [title, text] = [label.toLowerCase(), beside.toLowerCase()];
  let rank = 0;
  for (const word of query.toLowerCase().trim().split(/\s+/)) {
    const at = title.indexOf(word);
    if (at === 0) rank += 8;
    else if (at > 0) rank += /[\s-]/.test(title[at - 1]!) ? 6 : 4;
    else if (text.includes(word)) rank += 2;
    else if (isInOrder(word, title)) rank += 1;
    else return 0;
  }
  return rank + 1 / (1 + title.length);
}

/** Whether the letters of a word occur in a text in their order: `bn` in `best of n`. */
function isInOrder(word: string, text: string): boolean {
  let from = 0;
  for (const letter of word) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
