// From the probabilities of each column to a text, how sure it is, and where its letters stand (lessons 5b and 8).
// `columns` is an array of rows, one for each column of the image: a probability for each character, the blank last.

import { fits } from "./family.js";

const BEAM_WIDTH = 50;
const LEAST = 1e-6; // a letter less probable is not looked at in a column

/** Return the characters' numbers: those of the best classes or, where their number does not fit, of a beam search. */
export function decode(columns, family) {
  const greedy = decodeGreedily(columns);
  return fits(greedy, family) ? greedy : (searchBeams(columns).find((text) => fits(text, family)) ?? greedy);
}

function decodeGreedily(columns) {
  const blank = columns[0].length - 1;
  const best = columns.map((row) => row.indexOf(Math.max(...row)));
  return best.filter((number, t) => number !== blank && number !== best[t - 1]);
}

/** Return the beginnings that a prefix beam search keeps to the last column, the most probable first. */
function searchBeams(columns) {
  const blank = columns[0].length - 1;
  let beams = [{ text: [], inBlank: 1, inLetter: 0 }];
  for (const row of columns) {
    const likely = [...row.keys()].filter((number) => number !== blank && row[number] > LEAST);
    const next = new Map();
    const add = (text, inBlank, inLetter) => {
      const key = text.join();
      const beam = next.get(key) ?? { text, inBlank: 0, inLetter: 0 };
      beam.inBlank += inBlank;
      beam.inLetter += inLetter;
      next.set(key, beam);
    };
    for (const { text, inBlank, inLetter } of beams) {
      const last = text.at(-1);
      add(text, (inBlank + inLetter) * row[blank], text.length ? inLetter * row[last] : 0);
      for (const number of likely) {
        // The same letter again needs a blank between the two.
        add([...text, number], 0, (number === last ? inBlank : inBlank + inLetter) * row[number]);
      }
    }
    beams = [...next.values()].sort((a, b) => b.inBlank + b.inLetter - a.inBlank - a.inLetter).slice(0, BEAM_WIDTH);
    // Products of hundreds of columns would become 0.
    const largest = beams[0].inBlank + beams[0].inLetter;
    for (const beam of beams) {
      beam.inBlank /= largest;
      beam.inLetter /= largest;
    }
  }
  return beams.map((beam) => beam.text);
}

/** Return how probable a text is over all its alignments: 0 for one whose length the family does not have. */
export function textProbability(columns, text, family) {
  if (!fits(text, family)) return 0;
  const { sums } = walkLattice(columns, text, (arriving) => arriving.reduce((sum, one) => sum + one, 0));
  return sums.at(-1) + sums.at(-2);
}

/** Return for each letter of a text the column where it is surest, along the most probable of its alignments. */
export function locateLetters(columns, text) {
  if (!text.length) return [];
  const best = (arriving) => Math.max(...arriving);
  const { states, sums, cameFrom } = walkLattice(columns, text, best);
  const places = new Array(text.length);
  let state = sums.at(-1) > sums.at(-2) ? states.length - 1 : states.length - 2;
  for (let t = columns.length - 1; t >= 0; t--) {
    const letter = (state - 1) / 2;
    if (state % 2 && !(columns[places[letter]]?.[states[state]] > columns[t][states[state]])) places[letter] = t;
    state = cameFrom[t][state];
  }
  return places;
}

// The lattice of lesson 5b: the odd states are the letters, the even ones the blanks around them.
function walkLattice(columns, text, join) {
  const blank = columns[0].length - 1;
  const states = [blank, ...text.flatMap((number) => [number, blank])];
  const cameFrom = [states.map((_, state) => state)];
  let sums = states.map((number, state) => (state < 2 ? columns[0][number] : 0));
  for (const row of columns.slice(1)) {
    const steps = [];
    sums = states.map((number, state) => {
      const arriving = [sums[state], sums[state - 1] ?? 0];
      if (state > 2 && state % 2 && number !== states[state - 2]) arriving.push(sums[state - 2]);
      steps.push(state - arriving.indexOf(Math.max(...arriving)));
      return join(arriving) * row[number];
    });
    cameFrom.push(steps);
  }
  return { states, sums, cameFrom };
}
