"""Read text from images: the library that the lessons share.

Every promised name can be imported from here; it is loaded from its module when first used, so that
`import captcha_lib` stays fast and TensorFlow starts only for the parts that train.
"""

import os
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec

# Of what TensorFlow writes to stderr later on, errors alone: a refused label would come with thirty lines of warning.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class _QuietStart:
    """Imports TensorFlow without the notes it writes to stderr at its start, which differ from machine to machine."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(cls)
        spec = find_spec(name)
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: cls._start(execute, module)
        return spec

    @staticmethod
    def _start(execute, module):
        try:
            stderr = os.dup(2)
        except OSError:  # there is none, as in a program without a console
            return execute(module)
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        try:
            execute(module)
            module.config.list_physical_devices()  # it looks for a GPU, with notes of its own
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


if find_spec("tensorflow"):
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietStart)
elif "google.colab" in sys.modules:
    warnings.warn(
        "no TensorFlow here, as on Colab's TPUs: lessons 1 and 2 run without; for the others choose Runtime > "
        "Change runtime type > CPU",
        stacklevel=2,
    )

# To read images takes four packages; all else in here needs those of the course.
INSTALL_COURSE = "expected what `pip install 'captcha_lib[course]'` installs"

_MODULES = {
    "family": ("ALPHABET", "COURSE", "Family", "encode_label", "decode_label"),
    "samples": ("read_samples", "count_characters"),
    "sources": ("locate_samples", "download_samples"),
    "generator": ("render_captcha", "render_captchas", "write_samples"),
    "dataset": ("build_dataset", "stream_dataset"),
    "images": ("encode_image",),
    "cnn": ("build_cnn",),
    "ctc": ("build_cnn_lstm_ctc", "ctc_loss"),
    "decoding": ("decode_ctc",),
    "score": ("character_accuracy", "exact_match", "edit_distance", "character_error_rate", "wilson_interval"),
    "recipe": ("train_recipe",),
    "reader": ("Reader", "read_captcha", "read_captchas"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"captcha_lib has no {name!r}: expected one of {', '.join(__all__)}")
    try:
        return getattr(import_module(f"captcha_lib.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{name} needs {error.name}: {INSTALL_COURSE}", name=error.name) from None
