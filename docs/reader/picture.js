// From an image file to the grey pixels that a reader takes, by the same sums as Pillow, which the library opens
// images with.

import { Refusal } from "./family.js";

/**
 * Return the grey pixels, row by row, 0 black .. 255 white, of an image file, as large as the family's images.
 * Throws a Refusal for a file that is no image, or for an image of another size.
 */
export async function openPicture(file, name, { width, height, resized }) {
  let bitmap;
  try {
    // The bitmap is turned upright as its EXIF data say; Pillow does not look at colour profiles.
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Refusal(`${name} is no image that this browser can open: expected a PNG or JPEG file`);
  }
  if (!resized && (bitmap.width !== width || bitmap.height !== height)) {
    const found = `${bitmap.width} x ${bitmap.height}`;
    throw new Refusal(`${name} is ${found} pixels: expected ${width} x ${height}, resize it first`);
  }
  const pixels = layOnWhite(bitmap);
  return toGrey(resized ? padPicture(pixels, width, height, name) : pixels);
}

function layOnWhite(bitmap) {
  const { width, height } = bitmap;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

function toGrey({ data }) {
  const grey = new Uint8Array(data.length / 4);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
    grey[pixel] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
  }
  return grey;
}

/** Return grey pixels as a reader's input: columns first, 0 black .. 1 white; moved so far, with the edge repeated. */
export function toInput(grey, width, height, right = 0, down = 0) {
  const input = new Float32Array(grey.length);
  const within = (place, length) => Math.min(Math.max(place, 0), length - 1);
  for (let y = 0; y < height; y++) {
    const row = within(y - down, height) * width;
    for (let x = 0; x < width; x++) input[x * height + y] = grey[row + within(x - right, width)] / 255;
  }
  return input;
}

/** Do what PIL.ImageOps.pad does: proportions stay, and what is left over at two sides is white. */
function padPicture(picture, width, height, name) {
  let [inner, innerHeight] = [width, height];
  if (picture.width / picture.height > width / height) {
    innerHeight = roundToEven((picture.height / picture.width) * width);
  } else {
    inner = roundToEven((picture.width / picture.height) * height);
  }
  if (!inner || !innerHeight) {
    const found = `${picture.width} x ${picture.height}`;
    throw new Refusal(`${name} is ${found} pixels, too narrow to be made ${width} x ${height}: cut it out first`);
  }
  const fitted = resizePicture(picture, inner, innerHeight);
  const left = roundToEven((width - inner) / 2);
  const top = roundToEven((height - innerHeight) / 2);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let y = 0; y < innerHeight; y++) {
    data.set(fitted.data.subarray(4 * y * inner, 4 * (y + 1) * inner), 4 * ((top + y) * width + left));
  }
  return { width, height, data };
}

function roundToEven(number) {
  const rounded = Math.round(number);
  return number % 1 === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

// Across first, then down. Pillow 13 turns that round for a picture much taller than wide: a value may differ by 1.
function resizePicture({ width, height, data }, newWidth, newHeight) {
  const rows = newWidth === width ? data : resizeLines(data, width, newWidth, height, 4, 4 * width, 4 * newWidth);
  const line = 4 * newWidth;
  const all = newHeight === height ? rows : resizeLines(rows, height, newHeight, newWidth, line, 4, 4);
  return { width: newWidth, height: newHeight, data: all };
}

/**
 * Resize `lines` lines of pixels from `length` to `newLength`, bilinear: each new pixel is a mean of the old ones under
 * a triangle, which is as wide as two pixels of the coarser of the two sizes. Weights are whole numbers, as Pillow's.
 */
function resizeLines(data, length, newLength, lines, step, line, newLine) {
  const scale = length / newLength;
  const reach = Math.max(scale, 1);
  const resized = new Uint8ClampedArray(4 * newLength * lines);
  for (let place = 0; place < newLength; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), length);
    const shares = [];
    for (let x = first; x < end; x++) shares.push(Math.max(0, 1 - Math.abs((x - centre + 0.5) / reach)));
    const sum = shares.reduce((total, share) => total + share, 0);
    const weights = shares.map((share) => Math.round((share / sum) * 2 ** 22));
    for (let number = 0; number < lines; number++) {
      for (let channel = 0; channel < 4; channel++) {
        const start = number * line + first * step + channel;
        let mean = 2 ** 21;
        for (let x = 0; x < weights.length; x++) mean += weights[x] * data[start + x * step];
        resized[number * newLine + place * step + channel] = Math.floor(mean / 2 ** 22);
      }
    }
  }
  return resized;
}
