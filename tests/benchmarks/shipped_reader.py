"""Train the reader that ships with the library on drawings alone, and write its file: `make reader`."""

import pandas as pd
from bench_generator import FONTS, draw_left_out
from execute import locate_real_set, stamps
from measured import digest_measured, write_table

from captcha_lib.family import COURSE
from captcha_lib.files import digest, list_images
from captcha_lib.generator import sample_style
from captcha_lib.reader import SHIPPED, Reader, read_batch
from captcha_lib.recipe import Recipe, train_recipe
from captcha_lib.score import exact_match
from captcha_lib.synthetic import BATCH_SIZE, STEPS_PER_EPOCH, stream_captchas

# The best of four on the fonts left out: with an LSTM and without, with shifts and strokes and without, and the model
# of lesson 7.
RECIPE, EPOCHS = Recipe(recurrent=True), 60


def train(seed=0):
    """Return a reader trained on drawings in random styles."""
    batches = stream_captchas(lambda text, rng: sample_style(text, rng, FONTS), seed)
    model, _ = train_recipe(batches, RECIPE, EPOCHS, seed)
    drawn = EPOCHS * STEPS_PER_EPOCH * BATCH_SIZE
    made = f"trained on {drawn:,} drawings in random styles of {len(FONTS)} fonts, on no image of the real set"
    return Reader.from_model(model, COURSE, made, half=True)


def score(reader, folder):
    """Return the exact match in percent on drawings in fonts that no training sees, and on the real images."""
    images, texts = draw_left_out()
    shares = {f"{len(texts):,} drawn in fonts left out": exact_match(read_batch(reader, images)[0], texts)}
    for suffix in (".png", ".jpg"):
        files = [file for file in list_images(folder) if file.suffix == suffix]
        readings, truths = list(reader.read(files)["text"]), [file.stem for file in files]
        shares[f"{len(files):,} real {suffix[1:].upper()}"] = exact_match(readings, truths)
    return {images: round(100 * share, 1) for images, share in shares.items()}


def score_shipped(folder):
    """Write the table of the reader that ships, as its file is."""
    rows = score(Reader.load(), folder)
    table = pd.DataFrame(rows.items(), columns=["images", "exact match (%)"])
    print(f"{table.to_string(index=False)}\n{SHIPPED.stat().st_size / 1000:.0f} kB")
    write_table("reader", table.assign(file=digest([SHIPPED])[:16]), digest_measured("reader"))


def main():
    folder = locate_real_set()  # for the table; the training sees none of it
    train().save(SHIPPED)
    score_shipped(folder)
    stamps()


if __name__ == "__main__":
    main()
