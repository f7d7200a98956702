// A trained reader, run by ONNX Runtime in WebAssembly: on one thread, so that any web server will do.

import { decode, locateLetters, textProbability } from "./decoding.js";
import { Refusal, fits, readFamily } from "./family.js";
import * as ort from "./onnxruntime-web/ort.wasm.min.mjs";
import { openPicture, toInput } from "./picture.js";

const SURE = 0.9; // a reading that is less probable is in doubt
const MOVES = [-2, 0, 2].flatMap((x) => [-2, 0, 2].map((y) => [x, y])).filter(([x, y]) => x || y);

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal"; // what goes wrong is said on the page

export class Reader {
  /** Return the reader that a file's bytes hold. Throws a Refusal where they hold none. */
  static async open(bytes, name) {
    const reader = new Reader();
    reader.name = name;
    reader.family = readFamily(bytes, name);
    const { width, height, characters } = reader.family;
    const expected = "expected a file that the course's library has saved";
    try {
      reader.session = await ort.InferenceSession.create(bytes);
      const columns = await reader.run(new Float32Array(width * height).fill(1));
      if (columns[0].length === characters.length + 1) return reader;
    } catch (error) {
      console.debug(error);
      // What ONNX Runtime says where its own files are missing, or the browser is too old for them.
      if (error.message.startsWith("no available backend")) {
        throw new Refusal("ONNX Runtime does not start: expected its files beside this page, and a browser of 2023 on");
      }
    }
    reader.close();
    throw new Refusal(`${name} holds a model that does not go with its family: ${expected}`);
  }

  close() {
    this.session?.release();
  }

  /** Return the probabilities that the model gives one image: a row for each column, the blank last. */
  async run(input) {
    const { width, height } = this.family;
    const image = new ort.Tensor("float32", input, [1, width, height, 1]);
    const { probabilities } = await this.session.run({ image });
    const [, columns, classes] = probabilities.dims;
    return Array.from({ length: columns }, (_, t) => [...probabilities.data.subarray(t * classes, (t + 1) * classes)]);
  }

  /**
   * Return what an image file shows: its `text`, how probable that is (`confidence`), whether its length
   * `fits` the family, its `letters`, each with the
   * column where it is surest, the probabilities of all `columns`, and the `grey` pixels that were read. Where the
   * model is in doubt, the columns are means over the picture as it is and moved by two pixels in eight
   * directions.
   * Throws a Refusal for a file that cannot be read.
   */
  async read(file, name) {
    const { width, height, characters } = this.family;
    const grey = await openPicture(file, name, this.family);
    let columns = await this.run(toInput(grey, width, height));
    let numbers = decode(columns, this.family);
    let confidence = textProbability(columns, numbers, this.family);
    if (confidence < SURE) {
      const views = [columns];
      for (const move of MOVES) views.push(await this.run(toInput(grey, width, height, ...move)));
      const mean = (t, number) => views.reduce((sum, view) => sum + view[t][number], 0) / views.length;
      columns = columns.map((row, t) => row.map((_, number) => mean(t, number)));
      numbers = decode(columns, this.family);
      confidence = textProbability(columns, numbers, this.family);
    }
    const places = locateLetters(columns, numbers);
    return {
      text: numbers.map((number) => characters[number]).join(""),
      fits: fits(numbers, this.family),
      confidence,
      letters: numbers.map((number, order) => ({ number, character: characters[number], column: places[order] })),
      columns,
      grey,
    };
  }
}
