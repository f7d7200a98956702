"""Train the recipe for one epoch on a folder of image files: `memory_of_training.py FOLDER`; run by bench_recipe.py.

Prints the megabytes that the process holds after each fifth of the training, and the most it ever held. Linux only.
"""

import json
import sys
from pathlib import Path

import keras

from captcha_lib.dataset import stream_dataset
from captcha_lib.recipe import train_recipe
from captcha_lib.samples import read_samples


def megabytes(entry):
    """The kernel's figure for this process: VmRSS is held now, VmHWM the most so far.

    Not `getrusage`: its maximum also counts what the parent process held before this one was started.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(entry))


class WatchMemory(keras.callbacks.Callback):
    """Notes the memory held each time another fifth of all batches is done."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.held = batches, []

    def on_train_batch_end(self, batch, logs=None):
        if (batch + 1) * 5 % self.batches < 5:
            self.held.append(megabytes("VmRSS"))
            print(f"batch {batch + 1:,} of {self.batches:,}: {self.held[-1]} MB", file=sys.stderr)


batches = stream_dataset(read_samples(sys.argv[1]), 32, seed=0)
watch = WatchMemory(int(batches.cardinality()))
train_recipe(batches, epochs=1, callbacks=[watch])
held = {f"after {number} fifths": held for number, held in enumerate(watch.held, start=1)}
print(json.dumps(held | {"most": megabytes("VmHWM")}))
