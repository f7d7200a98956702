"""The command line: `python -m captcha_lib read IMAGE...` (lesson 8) and `train FOLDER` (lesson 9)."""

import argparse
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

from captcha_lib.dataset import encode_image
from captcha_lib.family import COURSE
from captcha_lib.workspace import cache_folder, say

WORST = 10  # misread images that `train` shows


def main(arguments=None):
    """Do what the command line asks for; return the exit status, 1 where a file or a folder is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m captcha_lib", description=__doc__)
    commands = parser.add_subparsers(required=True)
    read = commands.add_parser("read", help="print the text of each image, and how sure the model is")
    read.add_argument("images", nargs="+", metavar="IMAGE", help="a file, of 200 x 50 pixels without --reader")
    read.add_argument("--reader", metavar="FILE", help="what `train` has kept, for images like those it learned from")
    read.set_defaults(run=read_images)
    train = commands.add_parser("train", help="train a reader of your own images, and say how well it reads")
    train.add_argument("folder", metavar="FOLDER", help="images named by their texts, or with a labels.csv beside them")
    train.add_argument(
        "--resize", nargs=2, type=int, metavar=("WIDTH", "HEIGHT"), help="make images of any sizes fit this one"
    )
    train.add_argument("--save", default="reader.weights.h5", metavar="FILE", help="where to keep it (%(default)s)")
    train.set_defaults(run=train_reader)
    arguments = parser.parse_args(arguments)
    try:
        return arguments.run(arguments)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def read_images(arguments):
    """Print the readings of the images that are named, one line each; name on stderr those that cannot be read."""
    reader = None
    if arguments.reader:
        from captcha_lib.reader import Reader

        reader = Reader.load(arguments.reader)
    family = reader.family if reader else COURSE
    readable = []
    for image in arguments.images:
        try:
            encode_image(image, family=family)
            readable.append(image)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
    if readable:
        # What is said on the way to a trained model must not mix with the readings on stdout.
        with redirect_stdout(sys.stderr):
            os.environ.setdefault("CAPTCHA_OUTPUT", str(cache_folder()))
            from captcha_lib.reader import load_reader, read_captchas

            readings = reader.read(readable) if reader else read_captchas(load_reader(), readable)
        try:
            for _, (file, text, confidence) in readings.iterrows():
                say(f"{file}\t{text}\t{confidence:.1%}")
            sys.stdout.flush()
        except OSError as error:  # of a full disk, or of a program that has stopped listening
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            print(f"the readings cannot be written: {error}", file=sys.stderr)
            return 1
    return int(len(readable) < len(arguments.images))


def train_reader(arguments):
    """Train a reader on a folder, print its exact match on held-out images and the worst readings, and keep it."""
    file = Path(arguments.save)
    if file.exists():
        raise FileExistsError(f"{file} exists already: expected a new name, as by --save FILE")
    if not os.access(file.absolute().parent, os.W_OK):
        raise PermissionError(f"{file} cannot be written: expected a name in a folder that you may write to")
    from captcha_lib.reader import Reader
    from captcha_lib.score import exact_match, wilson_interval

    reader = Reader.train(arguments.folder, arguments.resize)
    held_out = reader.held_out
    share = exact_match(held_out["text"], held_out["label"])
    low, high = wilson_interval(round(share * len(held_out)), len(held_out))
    print(f"trained in {reader.seconds:.0f} s; of {len(held_out):,} images held out:")
    print(f"exact match {share:.1%}, 95 % interval {low:.1%} to {high:.1%}")
    wrong = held_out[held_out["text"] != held_out["label"]].sort_values("confidence", ascending=False)
    if len(wrong):
        print(f"{len(wrong):,} misread; the worst are those of which the model is surest:")
    for _, (path, label, text, confidence) in wrong.head(WORST).iterrows():
        say(f"{path}\tshows {label}, read {text}, {confidence:.1%}")
    reader.save(file)
    say(f"kept; to read images: python -m captcha_lib read --reader {file} IMAGE...")
    return 0


if __name__ == "__main__":
    sys.exit(main())
