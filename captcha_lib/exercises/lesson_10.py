"""The exercises of lesson 10: what tasks cost, from which confidence on to take a text, and how few bits will do."""

from captcha_lib.exercises import Exercise, Where


def exercise_1():
    """How many hours do tasks take that no two workers share?"""

    def hours(tasks, seconds, workers):
        return -(-tasks // workers) * seconds / 3600

    return Exercise(
        right=hours,
        nearly={
            "a task is not shared: the workers go in rounds, and the last round takes as long as the others": (
                lambda tasks, seconds, workers: tasks * seconds / workers / 3600
            ),
            "this is one round too many where the tasks divide evenly": (
                lambda tasks, seconds, workers: (tasks // workers + 1) * seconds / 3600
            ),
            "the last round counts, even if not all workers have a task in it": (
                lambda tasks, seconds, workers: tasks // workers * seconds / 3600
            ),
            "hours are asked for, and these are seconds": (
                lambda tasks, seconds, workers: -(-tasks // workers) * seconds
            ),
            "hours are asked for, and these are minutes": (
                lambda tasks, seconds, workers: -(-tasks // workers) * seconds / 60
            ),
            "this is the time of one worker": lambda tasks, seconds, workers: tasks * seconds / 3600,
        },
        wrong=[lambda tasks, seconds, workers: tasks * workers * seconds / 3600],
        cases=[(2000, 60, 10), (101, 60, 100), (3, 7200, 4)],
    )


def _choose(confidences, right, wanted, order=sorted, passes=float.__ge__, strictly=False):
    for least in order(confidences):
        kept = [good for sure, good in zip(confidences, right) if sure > least or (sure == least and not strictly)]
        if kept and passes(sum(kept) / len(kept), wanted):
            return least
    return None


def exercise_2():
    """From which confidence on is the share of right readings as large as is wanted? None where none will do."""

    def downwards(confidences):
        return sorted(confidences, reverse=True)

    def alone(confidences, right, wanted):
        return next((sure for sure, good in sorted(zip(confidences, right)) if good), None)

    def stop_early(confidences, right, wanted):
        least = None
        for sure in downwards(confidences):
            kept = [good for other, good in zip(confidences, right) if other >= sure]
            if sum(kept) / len(kept) < wanted:
                break
            least = sure
        return least

    def anyhow(confidences, right, wanted):
        return _choose(confidences, right, wanted) or max(confidences)

    return Exercise(
        right=_choose,
        nearly={
            "the smallest one is asked for, and this is the largest": (
                lambda confidences, right, wanted: _choose(confidences, right, wanted, downwards)
            ),
            "a share that is exactly as large as wanted will do": (
                lambda confidences, right, wanted: _choose(confidences, right, wanted, passes=float.__gt__)
            ),
            "a reading that is exactly so sure is among those kept": (
                lambda confidences, right, wanted: _choose(confidences, right, wanted, strictly=True)
            ),
            "the confidences come in any order": (
                lambda confidences, right, wanted: _choose(confidences, right, wanted, list)
            ),
            "a share may fall and rise again: look at all confidences": stop_early,
            "None where no confidence will do": anyhow,
        },
        wrong=[alone, lambda confidences, right, wanted: wanted],
        cases=[
            ([0.9, 0.5, 0.8, 0.6], [True, False, True, True], 1.0),
            ([0.2, 0.9, 0.7, 0.4], [False, True, False, True], 0.5),
            ([0.9, 0.8, 0.7, 0.6], [True, False, True, True], 0.75),
            ([0.95, 0.3, 0.6], [True, True, False], 0.8),
            ([0.9, 0.8], [False, True], 0.9),
        ],
    )


def exercise_3(count_other_texts):
    """With how few levels do at most 25 of 500 texts change? An answer is (levels, texts that change)."""

    def is_measured(answer):
        levels, changed = answer
        return levels == int(levels) and 4 <= levels <= 2**16 and changed == count_other_texts(int(levels))

    def is_power(answer):
        return is_measured(answer) and int(answer[0]).bit_count() == 1

    def will_do(answer):
        return is_power(answer) and answer[1] <= 25

    def is_smallest(answer):
        return will_do(answer) and count_other_texts(int(answer[0]) // 2) > 25

    return Exercise(  # the examples are those of a count of 1000 // levels
        right=Where(is_smallest, [(64, 15)]),
        nearly={
            "half as many levels will do as well": Where(will_do, [(128, 7), (4096, 0)]),
            "more than 25 texts change: take more levels": Where(is_power, [(4, 250), (32, 31)]),
            "the levels should be a power of two": Where(is_measured, [(100, 10)]),
        },
        wrong=[(64, 16), 64, (15, 64)],
    )
