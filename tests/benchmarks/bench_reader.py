"""Score the reader that ships, and measure how its trainings differ: `CAPTCHA_DATA=<the real images> make bench`.

Each figure is kept in build/bench as soon as it is measured: an interrupted run goes on where it stopped.
"""

import time

from digests import PROJECT
from execute import locate_real_set, stamps
from measured import digest_measured, write_table
from measuring import choose_workers, measure_once
from shipped_reader import score, score_shipped, train

CODE = digest_measured("drawings_alone")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart


def main():
    folder = locate_real_set()
    score_shipped(folder)

    def measure(seed):
        started = time.perf_counter()
        reader = train(seed)
        seconds = round(time.perf_counter() - started)
        return {f"{images} (%)": share for images, share in score(reader, folder).items()} | {"training (s)": seconds}

    table = measure_once(
        BENCH / "drawings_alone.csv", [{"seed": seed} for seed in range(5)], measure, **choose_workers()
    )
    table = table.astype({"seed": str})
    table.loc[len(table)] = {"seed": "median"} | table.drop(columns="seed").median().round(1).to_dict()
    table = table.astype({"training (s)": int})
    print(f"\n{table.to_string(index=False)}")
    write_table("drawings_alone", table, CODE)
    stamps()


if __name__ == "__main__":
    main()
