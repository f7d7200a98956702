// Where each letter was read: the spikes of lesson 5b under the image, column by column.

const COLOURS = 5;
const [WIDTH, HEIGHT, TOP, BOTTOM] = [1000, 300, 70, 290];

/** Draw grey pixels into a canvas. */
export function drawPicture(canvas, grey, width, height) {
  Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  grey.forEach((value, pixel) => pixels.data.set([value, value, value, 255], 4 * pixel));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** Draw how probable each letter that was read is in each column; the blank is left out. */
export function drawSpikes(drawing, { columns, letters }) {
  const right = (column) => (WIDTH * (column + 0.5)) / columns.length;
  const up = (probability) => BOTTOM - (BOTTOM - TOP) * probability;
  drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  drawing.replaceChildren();
  const addLine = (share) => add(drawing, "line", { class: "grid", x1: 0, x2: WIDTH, y1: up(share), y2: up(share) });
  addLine(0.5);
  addLine(1);
  const numbers = [...new Set(letters.map((letter) => letter.number))];
  for (const [order, number] of numbers.entries()) {
    const points = columns.map((row, column) => `${right(column)},${up(row[number])}`);
    const ends = [`0,${BOTTOM}`, ...points, `${WIDTH},${BOTTOM}`];
    add(drawing, "polyline", { class: `spike colour-${order % COLOURS}`, points: ends.join(" ") });
  }
  addLine(0); // over the spikes, which all lie on it between their letters
  for (const { number, character, column } of letters) {
    if (column === undefined) continue;
    const colour = `colour-${numbers.indexOf(number) % COLOURS}`;
    const y = up(columns[column][number]) - 14;
    add(drawing, "text", { class: `letter ${colour}`, x: right(column), y }).textContent = character;
  }
}

/** Return the drawing in words. */
export function describeSpikes({ columns, letters }) {
  const spikes = letters.map(({ number, character, column }) => {
    if (column === undefined) return `${character} nowhere in particular`;
    return `${character} in column ${column + 1}, ${(100 * columns[column][number]).toFixed(0)} %`;
  });
  return `Of ${columns.length} columns: ${spikes.join("; ") || "no letter"}.`;
}

function add(drawing, kind, attributes) {
  const part = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
  return drawing.appendChild(part);
}
