"""The command line: `python -m captcha_lib read IMAGE...` (lesson 8)."""

import argparse
import os
import sys
from contextlib import redirect_stdout

from captcha_lib.dataset import encode_image
from captcha_lib.workspace import cache_folder, say


def main(arguments=None):
    """Read the image files that are named, one line each; return 1 if one of them is not a captcha image, else 0."""
    parser = argparse.ArgumentParser(prog="python -m captcha_lib", description=__doc__)
    commands = parser.add_subparsers(required=True)
    read = commands.add_parser("read", help="print the text of each image, and how sure the model is")
    read.add_argument("images", nargs="+", metavar="IMAGE", help="a file of 200 x 50 pixels")
    images = parser.parse_args(arguments).images
    readable = []
    for image in images:
        try:
            encode_image(image)
            readable.append(image)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
    if readable:
        # What is said on the way to a trained model must not mix with the readings on stdout.
        with redirect_stdout(sys.stderr):
            os.environ.setdefault("CAPTCHA_OUTPUT", str(cache_folder()))
            from captcha_lib.reader import load_reader, read_captchas

            try:
                readings = read_captchas(load_reader(), readable)
            except (OSError, ValueError) as error:  # of the images, those to train on, or the cache
                print(error)
                return 1
        try:
            for _, (file, text, confidence) in readings.iterrows():
                say(f"{file}\t{text}\t{confidence:.1%}")
            sys.stdout.flush()
        except OSError as error:  # of a full disk, or of a program that has stopped listening
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            print(f"the readings cannot be written: {error}", file=sys.stderr)
            return 1
    return int(len(readable) < len(images))


if __name__ == "__main__":
    sys.exit(main())
