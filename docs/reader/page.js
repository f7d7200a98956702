// The page: files come in by a button or are dropped, and what they show goes out.

import { Refusal, describeFamily, describeLengths } from "./family.js";
import { Reader } from "./reader.js";
import { describeSpikes, drawPicture, drawSpikes } from "./spikes.js";

const OWN_READER = "reader.onnx";
const find = (id) => document.getElementById(id);

let reader = null;
let examples = [];
let nextExample = 0;

// One thing at a time, in the order of the clicks: a reader is not to be closed while it reads.
let queue = Promise.resolve();
function enqueue(task) {
  queue = queue.then(async () => {
    document.body.setAttribute("aria-busy", "true");
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      showResult(false);
      say(error instanceof Refusal ? error.message : `Something is wrong with this page: ${error.message}`, true);
    }
    document.body.removeAttribute("aria-busy");
  });
}

function say(text, isRefusal = false) {
  find("status").textContent = text;
  find("status").classList.toggle("refusal", isRefusal);
}

function showResult(shown) {
  for (const id of ["reading", "figure"]) find(id).hidden = !shown;
}

async function download(address) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) throw new Refusal(`${address} cannot be loaded: expected it beside this page, as make site puts it`);
  return answer;
}

async function openReader(bytes, name) {
  say(`Opening ${name} …`);
  const opened = await Reader.open(bytes, name);
  reader?.close();
  reader = opened;
  showResult(false);
  find("reader-name").textContent = name;
  find("reader-family").textContent = describeFamily(reader.family);
  find("reader-made").textContent = reader.family.made && `How it was made: ${reader.family.made}`;
  say("Ready. Choose an image, drop one, or have one drawn.");
}

async function openOwnReader() {
  say("Loading the reader, 15 MB …");
  await openReader(new Uint8Array(await (await download(OWN_READER)).arrayBuffer()), OWN_READER);
  find("own-reader").hidden = true;
}

async function readImage(file, name, truth = null) {
  if (!reader) throw new Refusal("No reader is open: open a reader file first");
  const { width, height } = reader.family;
  const reading = await reader.read(file, name);
  drawPicture(find("picture"), reading.grey, width, height);
  find("picture").setAttribute("aria-label", `${name}, as the reader sees it: grey, ${width} x ${height} pixels`);
  drawSpikes(find("spikes"), reading);
  find("spikes").setAttribute("aria-label", describeSpikes(reading));
  find("text").textContent = reading.text || "no text";
  find("text").classList.toggle("nothing", !reading.text);
  find("confidence").value = reading.confidence;
  find("confidence").textContent = formatConfidence(reading.confidence);
  find("truth").textContent = describeTruth(reading.fits, truth);
  showResult(true);
  say(`${name} is read as`);
}

function describeTruth(fits, truth) {
  if (truth !== null) return `It was drawn as ${truth}.`;
  return fits ? "" : `No text of ${describeLengths(reader.family)} characters was found.`;
}

function formatConfidence(confidence) {
  if (confidence > 0.9995 && confidence < 1) return "over 99.9 %";
  return `${(100 * confidence).toFixed(1)} %`;
}

function takeImage(file) {
  enqueue(() => readImage(file, file.name));
}

function takeReader(file) {
  enqueue(async () => {
    await openReader(new Uint8Array(await file.arrayBuffer()), file.name);
    find("own-reader").hidden = false;
  });
}

for (const [id, take] of [["image-file", takeImage], ["reader-file", takeReader]]) {
  find(id).addEventListener("change", (event) => {
    if (event.target.files.length) take(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
}
find("own-reader").addEventListener("click", () => enqueue(openOwnReader));
find("draw").addEventListener("click", () => {
  enqueue(async () => {
    if (!examples.length) examples = await (await download("examples.json")).json();
    const { file, text } = examples[nextExample++ % examples.length];
    await readImage(await (await download(file)).blob(), file.split("/").at(-1), text);
  });
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    find("drop").classList.toggle("over", kind === "dragover");
    if (kind !== "drop" || !event.dataTransfer.files.length) return;
    const [file] = event.dataTransfer.files;
    (file.name.toLowerCase().endsWith(".onnx") ? takeReader : takeImage)(file);
  });
}
enqueue(openOwnReader);
