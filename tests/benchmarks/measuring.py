"""What the benchmarks share: figures that outlive an interruption."""

import pandas as pd

from captcha_lib.workspace import written_beside


def measure_once(file, keys, function):
    """Return the table that the CSV `file` holds, with rows for each of `keys`.

    Missing ones are measured by `function(**key)`, which returns one row or a list of rows, and kept at once.
    """
    table = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=list(keys[0]))
    for key in keys:
        if not (table[list(key)] == pd.Series(key)).all(axis=1).any():
            print(f"{file.stem}: {', '.join(f'{title} {value}' for title, value in key.items())}")
            rows = function(**key)
            rows = [key | row for row in (rows if isinstance(rows, list) else [rows])]
            table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
            with written_beside(file) as unfinished:
                table.to_csv(unfinished, index=False)
    return table
