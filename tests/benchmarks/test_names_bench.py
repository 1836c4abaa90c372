"""Reading names takes time and memory in proportion to their number."""

from benchmarks.names import KINDS, bench_names
from core.domain import Problem
from core.scanning.other_pictures import other_pictures


def test_ten_times_as_many_names_take_about_ten_times_as_long() -> None:
    few, many = bench_names(1_000), bench_names(10_000)
    for kind in KINDS:
        seconds = many[kind]["seconds"], few[kind]["seconds"]
        assert seconds[0] < 25 * max(seconds[1], 0.05), (kind, seconds)
        assert many[kind]["bytes_each"] < 6_000, kind
    assert many["with stacks"]["questions"] == ["time", "z"]


def test_masks_next_to_ten_thousand_images_are_found_at_once() -> None:
    files = [f"a/img{n}{end}.tif" for n in range(10_000) for end in ("", "_mask")]
    problems: list[Problem] = []
    assert len(other_pictures(files, (), problems)) == 10_000 and len(problems) == 1
