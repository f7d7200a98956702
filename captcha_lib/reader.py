"""Read image files, and say how sure each reading is; keep what has been trained as one file (lessons 8 to 10)."""

import json
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from importlib import metadata
from itertools import islice
from pathlib import Path

import numpy as np

from captcha_lib.decoding import decode_fixed_length, text_probability
from captcha_lib.family import COURSE, Family
from captcha_lib.files import list_paths
from captcha_lib.images import encode_image
from captcha_lib.workspace import written_beside

SURE = 0.9  # a reading that is less probable is in doubt
BATCH_SIZE = 64  # of images that are read
PART_SIZE = 512  # of files that one process reads at a time
TRAINING_BATCH, EPOCHS = 32, 30
LEAST_STEPS, MOST_STEPS = 1_500, 6_000

SHIPPED = Path(__file__).with_name("reader.onnx")
FORMAT = 1  # of the file; to be raised when what reads it must change


def read_moved(model, image):
    """Return the mean of what a model makes of an image as it is, and moved by two pixels in eight directions.

    The image is (200, 50, 1), the mean (1, 50, 20). What comes in at an edge repeats it. Taught in lesson 8.
    """
    width, height = image.shape[:2]
    wide = np.pad(image, ((2, 2), (2, 2), (0, 0)), "edge")
    views = [wide[x : x + width, y : y + height] for x in (0, 2, 4) for y in (0, 2, 4)]
    return model.predict_on_batch(np.array(views)).mean(axis=0, keepdims=True)


def read_batch(model, images, family=COURSE):
    """Return the texts in images (n, 200, 50, 1) of 0..1, and how probable each is to the model: float64 (n,), 0..1.

    An image of which the model is less sure than 0.9 is read once more, by `read_moved`. The model is a Keras model or
    a `Reader`. Taught in lesson 8.
    """
    probabilities = model.predict_on_batch(images)
    texts = decode_fixed_length(probabilities, family)
    confidences = text_probability(probabilities, texts, family)
    for number in np.flatnonzero(confidences < SURE):
        mean = read_moved(model, images[number])
        texts[number : number + 1] = decode_fixed_length(mean, family)
        confidences[number] = text_probability(mean, texts[number : number + 1], family)[0]
    return texts, confidences


def read_captcha(model, path, family=COURSE):
    """Return the text of one image file, read by a model from `build_recipe`.

    Raises FileNotFoundError or ValueError for a file that is not a captcha image, ValueError for a model without CTC.
    Taught in lesson 8.
    """
    (text,), _ = read_batch(model, encode_image(path, family=family)[np.newaxis], family)
    return text


def read_in_batches(model, paths, family=COURSE, refuse=None):
    """Yield for each image file a tuple (path, text, confidence 0..1), in the order given, while paths still come.

    A file that is not a captcha image raises FileNotFoundError or ValueError; with `refuse`, that function is given
    the error instead, and the file is left out. Used by the command line.
    """
    paths = iter(list_paths(paths) if isinstance(paths, (str, Path)) else paths)
    while batch := list(islice(paths, BATCH_SIZE)):
        read, images = [], []
        for path in batch:
            try:
                images.append(encode_image(path, family=family))
                read.append(path)
            except (OSError, ValueError) as error:
                if not refuse:
                    raise
                refuse(error)
        if read:
            yield from zip(read, *read_batch(model, np.array(images), family))


def _read_part(reader, paths):
    """Return the readings of a few files, and the errors of those that cannot be read."""
    refused = []
    return list(read_in_batches(reader, paths, reader.family, refused.append)), refused


def read_in_parallel(reader, paths, jobs=None, refuse=None):
    """Yield what `read_in_batches` does, in the same order, while `jobs` processes read through joblib.

    `paths` are any number of files; without `jobs` there is one process. Raises, or gives to `refuse`, what
    `read_in_batches` does. Inside `with joblib.parallel_config("dask"):` the workers of a cluster do. Only a few
    hundred files for each are under way at a time, so there may be any number of them. Used in lesson 10.
    """
    from joblib import Parallel, delayed

    paths = iter(list_paths(paths) if isinstance(paths, (str, Path)) else paths)
    parts = iter(lambda: list(islice(paths, PART_SIZE)), [])
    work = (delayed(_read_part)(reader, part) for part in parts)
    for readings, errors in Parallel(jobs, return_as="generator")(work):
        for error in errors:
            if not refuse:
                raise error
            refuse(error)
        yield from readings


def read_captchas(model, paths, family=COURSE):
    """Return a table of image files: columns `file, text, confidence` (0..1), one row a path in the order given.

    Raises FileNotFoundError or ValueError for a file that is not a captcha image, ValueError for a model without CTC.
    Used in lesson 9.
    """
    import pandas as pd  # here, because it takes a third of a second, and one reading needs no table

    rows = list(read_in_batches(model, list_paths(paths), family))
    table = pd.DataFrame(rows, columns=["file", "text", "confidence"]).astype({"confidence": "float64"})
    return table.assign(file=list(map(str, table["file"])))


def count_epochs(images):
    """Return how many passes over so many images the recipe is trained for: few images are passed more often."""
    steps = -(-images // TRAINING_BATCH)
    return max(1, round(np.clip(EPOCHS * steps, LEAST_STEPS, MOST_STEPS) / steps))


class Reader:
    """A trained network and the family of images that it reads, as one ONNX file holds them.

    `family` is the images', `made` says in a sentence how the network was trained. What `train` returns has two more
    attributes: `held_out`, a table of files that it did not learn from, with true labels, readings and confidences, and
    `seconds`, which the training took. Taught in lesson 10.
    """

    held_out, seconds = None, None

    def __init__(self, content):
        """Open the bytes of a file. Raises ValueError where they hold no reader, or one of a newer version."""
        import onnxruntime  # here, because what trains can do without

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # many files are read by many processes instead
        options.log_severity_level = 4
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            about = self.session.get_modelmeta().custom_metadata_map
            version = int(about["format"])
            if version <= FORMAT:
                self.family, self.made = Family(**json.loads(about["family"])), about["made"]
        except Exception:  # ONNX Runtime has errors of its own for each way to be no network
            raise ValueError("no reader") from None
        if version > FORMAT:
            raise ValueError("a reader of a newer captcha_lib")
        sizes = [put.shape for put in (*self.session.get_inputs(), *self.session.get_outputs())]
        if [sizes[0][1:], sizes[-1][2]] != [[self.family.width, self.family.height, 1], len(self.family.alphabet) + 1]:
            raise ValueError("a network that does not fit its own family of images")
        self.content = content

    def __reduce__(self):
        return _open_once, (self.content,)  # a session cannot be sent to another process

    @classmethod
    def from_model(cls, model, family=COURSE, made="trained in a notebook", half=False, calibration=None):
        """Return a reader that reads as a trained Keras model does, with a sentence on how it was made.

        With `half` its file is about half as large. With images (n, 200, 50, 1) of 0..1 for `calibration` it is smaller
        still, and reads faster where the processor has instructions for 8 bits. Taught in lesson 10.
        """
        import onnx

        from captcha_lib.export import export_onnx, halve_weights, quantise

        network = export_onnx(model)
        if calibration is not None:
            network = quantise(network, calibration)
        elif half:
            network = halve_weights(network)
        about = {"format": str(FORMAT), "family": json.dumps(asdict(family)), "made": made}
        with suppress(metadata.PackageNotFoundError):  # a copy that was not installed, as in Colab
            about["captcha_lib"] = metadata.version("captcha_lib")
        onnx.helper.set_model_props(network, about)
        return cls(network.SerializeToString(deterministic=True))

    @classmethod
    def train(cls, folder, resize=None, seed=0):
        """Return a reader trained on nine tenths of the labelled images in a folder, a random tenth held out.

        The family is what `Family.of` finds, with images of several sizes made to fit `resize`, a width and a height.
        Files are read as they are needed, so there may be any number of them. Raises what `Family.of`, `read_samples`
        and `stream_dataset` raise. Taught in lesson 9.
        """
        import time

        from sklearn.model_selection import train_test_split

        from captcha_lib.dataset import find_files, stream_dataset
        from captcha_lib.recipe import train_recipe
        from captcha_lib.samples import read_samples

        family = Family.of(folder, resize)
        samples = read_samples(folder, family)
        learn, held_out = train_test_split(samples, test_size=0.1, random_state=seed)
        started = time.perf_counter()
        batches = stream_dataset(learn, TRAINING_BATCH, seed=seed, family=family)
        epochs = count_epochs(len(learn))
        model, _ = train_recipe(batches, epochs=epochs, seed=seed, family=family)
        seconds = time.perf_counter() - started
        reader = cls.from_model(model, family, f"trained on {len(learn):,} labelled images, {epochs} epochs")
        readings = reader.read(find_files(held_out))
        readings.insert(1, "label", list(held_out["label"]))
        reader.held_out, reader.seconds = readings, seconds
        return reader

    @classmethod
    def load(cls, file=None):
        """Return the reader that `save` wrote to a file; without a file the one that ships with the library.

        That one has learned from drawings alone. Raises FileNotFoundError, or ValueError for a file that holds no
        reader, another network, or a reader of a newer version. Taught in lesson 10.
        """
        try:
            return cls(Path(file or SHIPPED).read_bytes())
        except FileNotFoundError:
            raise FileNotFoundError(f"{file} does not exist: expected a file that `train --save` has written") from None
        except IsADirectoryError:
            raise ValueError(f"{file} is a folder: expected a file that `train --save` has written") from None
        except ValueError as error:
            raise ValueError(f"{file} holds {error}: expected a file that `train --save` has written") from None

    def predict_on_batch(self, images):
        """Return softmax outputs (n, 50, 20) for images (n, 200, 50, 1) of 0..1: float32, as a Keras model's are."""
        return self.session.run(None, {"image": images})[0]

    def read(self, paths):
        """Return a table of image files as `read_captchas` does: columns `file, text, confidence` (0..1)."""
        return read_captchas(self, paths, self.family)

    def save(self, file):
        """Write the reader to one file, its family with it. Raises what `written_beside` raises."""
        with written_beside(file) as unfinished:
            unfinished.write_bytes(self.content)


@lru_cache(1)
def _open_once(content):
    """Return the reader in the bytes of a file, the same one for the same bytes: a worker gets them with each part."""
    return Reader(content)


def list_doubtful_labels():
    """Return a table of the real set's files whose label is probably wrong: columns `file, label, shows`.

    They were found by models that had not learned from them (lesson 8), and then looked at. No label is changed by it.
    """
    import pandas as pd

    return pd.read_csv(Path(__file__).with_name("doubtful_labels.txt"))
