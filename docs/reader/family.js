// What a reader file says of itself: the family of images that it reads, and when it was made.

const FORMAT = 1;

/** An error whose message is written for the visitor. */
export class Refusal extends Error {}

/** Say whether a text, as a list of characters, has a length that the family's texts have. */
export function fits(text, { shortest, longest }) {
  return shortest <= text.length && text.length <= longest;
}

/**
 * Return the family and the note of a reader file as {characters, shortest, longest, width, height, resized, made}.
 * Throws a Refusal for bytes that are no reader of a known format.
 */
export function readFamily(bytes, name) {
  const expected = "expected a file that the course's library has saved";
  let properties;
  try {
    properties = readProperties(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refusal(`${name} is cut short, or no ONNX file: ${expected}`);
  }
  if (Number(properties.get("format")) > FORMAT) {
    throw new Refusal(`${name} is of format ${properties.get("format")}, newer than this page: expected ${FORMAT}`);
  }
  if (!properties.has("family")) throw new Refusal(`${name} holds no reader: ${expected}`);
  const family = checkFamily(properties.get("family"));
  if (!family || Number(properties.get("format")) !== FORMAT) {
    throw new Refusal(`${name} says nothing useful of its images: ${expected}`);
  }
  return { ...family, made: properties.get("made") ?? "" };
}

function checkFamily(text) {
  let family;
  try {
    family = JSON.parse(text);
  } catch {
    return null;
  }
  const { alphabet, shortest, longest, width, height, resized = false } = family ?? {};
  if (typeof alphabet !== "string" || typeof resized !== "boolean") return null;
  if (![shortest, longest, width, height].every((number) => Number.isInteger(number) && number > 0)) return null;
  // A character may be two units of a JavaScript string.
  const characters = Array.from(alphabet);
  if (characters.length < 2 || new Set(characters).size < characters.length || shortest > longest) return null;
  return { characters, shortest, longest, width, height, resized };
}

// ONNX Runtime does not hand out a file's own properties. They are field 14 of the protocol buffer that the file is,
// and each holds a key, field 1, and a value, field 2.
function readProperties(bytes) {
  const properties = new Map();
  for (const [field, content] of listFields(bytes)) {
    if (field === 14 && content) {
      const texts = new Map();
      for (const [part, text] of listFields(content)) texts.set(part, new TextDecoder().decode(text));
      properties.set(texts.get(1), texts.get(2));
    }
  }
  return properties;
}

function* listFields(bytes) {
  let place = 0;
  function readNumber() {
    for (let value = 0, scale = 1; ; scale *= 128) {
      if (place >= bytes.length || scale > 2 ** 63) throw new RangeError("no number");
      const byte = bytes[place++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  while (place < bytes.length) {
    const tag = readNumber();
    const kind = tag % 8;
    let content = null;
    if (kind === 0) readNumber();
    else if (kind === 1) place += 8;
    else if (kind === 5) place += 4;
    else if (kind === 2) {
      const length = readNumber();
      content = bytes.subarray(place, place + length);
      place += length;
    } else throw new RangeError("no field");
    if (place > bytes.length) throw new RangeError("cut short");
    yield [Math.floor(tag / 8), content];
  }
}

/** Return in words how many characters a family's texts have. */
export function describeLengths({ shortest, longest }) {
  return shortest === longest ? `${longest}` : `${shortest} to ${longest}`;
}

/** Return in words what a family's images are. */
export function describeFamily(family) {
  const { characters, width, height, resized } = family;
  const size = resized ? `any size, made to fit ${width} x ${height} pixels` : `${width} x ${height} pixels`;
  const shown = characters.slice(0, 100).join("") + (characters.length > 100 ? " …" : "");
  return `${size}, with ${describeLengths(family)} out of ${characters.length} characters: ${shown}`;
}
