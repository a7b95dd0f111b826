/**
 * From one text to another by the edits a person would have made.
 *
 * Texts are compared word by word, and each replaced stretch is then trimmed to the characters that
 * differ. A comparison by character would keep stray letters of a rewritten sentence, and a
 * concurrent edit would merge into salad. Surrogate pairs are never split.
 */
import { diffSequences } from "./sequence-diff.ts";

/** At `index`, in UTF-16 code units of the old text, replace `removed` units by `inserted`. */
export interface TextSplice {
  readonly index: number;
  readonly removed: number;
  readonly inserted: string;
}

const WORDS = /[\p{L}\p{M}\p{N}_]+|\s+|./gsu;

/** Splices in ascending order, all positions those of the old text: apply the last one first. */
export function diffText(before: string, after: string): TextSplice[] {
  if (before === after) return [];
  const oldWords = before.match(WORDS) ?? [];
  const newWords = after.match(WORDS) ?? [];
  const splices: TextSplice[] = [];
  let word = 0;
  let index = 0;
  for (const hunk of diffSequences(oldWords, newWords)) {
    while (word < hunk.oldStart) index += (oldWords[word++] as string).length;
    const removed = oldWords.slice(hunk.oldStart, hunk.oldStart + hunk.oldCount).join("");
    const inserted = newWords.slice(hunk.newStart, hunk.newStart + hunk.newCount).join("");
    splices.push(trim(index, removed, inserted));
  }
  return splices;
}

function trim(index: number, removed: string, inserted: string): TextSplice {
  const shorter = Math.min(removed.length, inserted.length);
  let start = 0;
  while (start < shorter && removed[start] === inserted[start]) start++;
  if (isLowSurrogate(removed, start) || isLowSurrogate(inserted, start)) start--;
  let end = 0;
  while (
    end < shorter - start &&
    removed[removed.length - 1 - end] === inserted[inserted.length - 1 - end]
  ) {
    end++;
  }
  if (
    isLowSurrogate(removed, removed.length - end) ||
    isLowSurrogate(inserted, inserted.length - end)
  ) {
    end--;
  }
  return {
    index: index + start,
    removed: removed.length - start - end,
    inserted: inserted.slice(start, inserted.length - end),
  };
}

/** True when a cut before `at` would split a pair. */
function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at); // NaN beyond the end
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff;
}
