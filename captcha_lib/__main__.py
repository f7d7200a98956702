"""Read images, train a reader of your own images, or mark students' notebooks (lessons 9 and 10)."""

import argparse
import glob
import json
import os
import sys
from pathlib import Path

from captcha_lib import INSTALL_COURSE
from captcha_lib.files import list_names
from captcha_lib.workspace import say

WORST = 10  # misread images that `train` shows


def main(arguments=None):
    """Do what the command line asks for; return the exit status, 1 where a file or a folder is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m captcha_lib", description=__doc__)
    commands = parser.add_subparsers(required=True)
    read = commands.add_parser("read", help="print the text of each image, and how sure the model is")
    read.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="a file, a folder of them, a pattern such as '*.png', or - for names on standard input; "
        "of 200 x 50 pixels without --reader",
    )
    read.add_argument("--reader", metavar="FILE", help="what `train` has kept, for images like those it learned from")
    read.add_argument("--jobs", type=int, metavar="N", help="let N processes read at once, for thousands of images")
    read.add_argument("--json", action="store_true", help="print a JSON object for each image")
    read.set_defaults(run=read_images)
    train = commands.add_parser("train", help="train a reader of your own images, and say how well it reads")
    train.add_argument("folder", metavar="FOLDER", help="images named by their texts, or with a labels.csv beside them")
    train.add_argument(
        "--resize", nargs=2, type=count_pixels, metavar=("WIDTH", "HEIGHT"), help="fit images of any sizes to this one"
    )
    train.add_argument("--save", default="reader.onnx", metavar="FILE", help="where to keep it (%(default)s)")
    train.set_defaults(run=train_reader)
    mark = commands.add_parser("mark", help="execute students' notebooks, and say which exercises are right")
    mark.add_argument("folder", metavar="FOLDER", help="the notebooks, directly or in a folder for each student")
    mark.add_argument("--minutes", type=float, default=20, help="stop a notebook after so many (%(default)s)")
    mark.add_argument("--gigabytes", type=float, default=8, help="stop one that needs more memory (%(default)s)")
    mark.set_defaults(run=mark_notebooks)
    arguments = parser.parse_args(arguments)
    try:
        return arguments.run(arguments)
    except ModuleNotFoundError as error:
        print(f"{error}: {INSTALL_COURSE}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def count_pixels(text):
    """Return a width or height that a command line names. Raises ArgumentTypeError for what is none."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of pixels: expected 1 or more")
    return int(text)


def find_paths(names, refuse):
    """Yield the image files that names on a command line stand for, one after the other.

    `refuse` is given an error for each name that stands for none.
    """
    for name in names:
        if name == "-":
            yield from (line.rstrip("\r\n") for line in sys.stdin if line.strip())
        elif os.path.isdir(name):
            inside = list_names(name)
            if not inside:
                refuse(FileNotFoundError(f"{name} holds no images: expected PNG or JPEG files directly in it"))
            yield from (os.path.join(name, file) for file in inside)
        elif glob.has_magic(name) and not os.path.exists(name):
            found = sorted(glob.glob(name, recursive=True))
            if not found:
                refuse(FileNotFoundError(f"{name} fits no file: expected the names of images"))
            yield from found
        else:
            yield name


def read_images(arguments):
    """Print the readings of the images that are named, one line each; name on stderr those that cannot be read."""
    from captcha_lib.reader import Reader, read_in_batches, read_in_parallel

    status = 0

    def refuse(error):
        nonlocal status
        status = 1
        print(error, file=sys.stderr)

    reader = Reader.load(arguments.reader)
    paths = find_paths(arguments.images, refuse)
    readings = (
        read_in_parallel(reader, paths, arguments.jobs, refuse)
        if arguments.jobs
        else read_in_batches(reader, paths, reader.family, refuse)
    )
    for file, text, confidence in readings:
        try:
            if arguments.json:
                print(json.dumps({"file": file, "text": text, "confidence": round(float(confidence), 4)}))
            else:
                say(f"{file}\t{text}\t{confidence:.1%}")
            sys.stdout.flush()
        except OSError as error:  # of a full disk, or of a program that has stopped listening
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            print(f"the readings cannot be written: {error}", file=sys.stderr)
            return 1
    return status


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


def mark_notebooks(arguments):
    """Execute the notebooks in a folder, and print a line for each: its exercises, right, nearly, wrong or missing."""
    from captcha_lib.marking import mark_folder

    for name, verdicts, remark in mark_folder(arguments.folder, arguments.minutes, arguments.gigabytes):
        marks = "  ".join(f"{number} {verdict:7}" for number, verdict in verdicts.items())
        say("  ".join(filter(None, [marks, name, remark])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
