"""Train the reader that ships with the library on drawings alone, and write its file: `make reader`."""

from bench_generator import FONTS, draw_left_out

from captcha_lib.family import COURSE
from captcha_lib.generator import sample_style
from captcha_lib.reader import SHIPPED, Reader, read_batch
from captcha_lib.recipe import train_recipe
from captcha_lib.score import exact_match
from captcha_lib.synthetic import BATCH_SIZE, STEPS_PER_EPOCH, stream_captchas

EPOCHS = 60


def train(epochs, seed=0):
    """Return a reader trained on drawings in random styles, and its exact match in the fonts left out, in %."""
    batches = stream_captchas(lambda text, rng: sample_style(text, rng, FONTS), seed)
    model, _ = train_recipe(batches, epochs=epochs, seed=seed)
    images, texts = draw_left_out()
    drawn = epochs * STEPS_PER_EPOCH * BATCH_SIZE
    made = f"trained on {drawn:,} drawings in random styles of {len(FONTS)} fonts, on no image of the real set"
    reader = Reader.from_model(model, COURSE, made, half=True)
    return reader, round(100 * exact_match(read_batch(reader, images)[0], texts), 1)


def main():
    reader, score = train(EPOCHS)
    reader.save(SHIPPED)
    print(f"{SHIPPED.stat().st_size / 1000:.0f} kB; reads {score} % in the fonts left out")


if __name__ == "__main__":
    main()
