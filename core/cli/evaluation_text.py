"""Print the evaluation of networks as text."""

from core.cli.arguments import Result
from core.domain import headline
from core.domain.accuracy import cannot_draw, card_record_words


def evaluation_text(s: Result) -> str:
    """The summary of an evaluation, see core.workflows.evaluate, as lines of text."""
    where = (
        f"{s['test_records']} images in {s['test_groups']} held-out groups (of {s['groups_total']})"
    )
    if s["accuracy"] is None:
        lines = [f"Accuracy: not claimed, on {where}. {s['reason']}"]
    else:
        lines = [f"{_headline_text(s)} on {where}; {s['interval']}"]
        if headline(s) != headline({**s, "headline": "accuracy"}):
            lines.append(f"Accuracy {s['accuracy']:.3f}: large conditions count more in it")
        lines += [
            f"Calibration error {s['calibration_error']:.3f}; by groups {s['group_accuracy']:.3f}"
        ]
        for n, v in s["conditions"].items():
            scores = f"precision {v['precision']:.2f} recall {v['recall']:.2f} F1 {v['f1']:.2f}"
            lines.append(f"  {n}: {scores} ({v['support']:.0f} images)")
        z = s["z_prime"].get("logits")
        if z and z["z_prime"] is not None:
            values = f"{z['z_prime']:.2f}, robust {z['robust_z_prime']:.2f}"
            lines.append(f"Z' on logits of held-out well medians {values}, wells {z['wells']}")
    lines += s.get("few", [])
    if s["other_images"]:
        lines.append(
            "Images, conditions or groups have changed since the training; wells with the same name"
            " count as the same."
        )
    for name, value in s.get("judges", {}).items():
        if value is not None:
            lines.append(f"Independent classifier, {name}: {value:.3f} on the same wells")
    if record := card_record_words(s.get("card_record", {})):
        lines.append(record)
    generative = s["generative"]
    if generative["accuracy"] is not None:
        lines.append(
            f"Generative classifier: {generative['accuracy']:.3f} on {generative['records']} images"
        )
    if doubt := cannot_draw(s):
        lines.append(doubt)
    if generative["unlike"]:
        lines.append(f"Unlike any condition: {', '.join(generative['unlike'][:5])}")
    baseline = s["baseline"]
    if baseline["accuracy"] is not None:
        lines.append(f"For comparison: {baseline['what']} {baseline['accuracy']:.3f}")
    failed = ""
    if s["roundtrip_failed"]:
        failed = f", {len(s['roundtrip_failed'])} above a quarter grey level"
    lines.append(
        f"Round trip of {s['roundtrip_records']} images: at most {s['roundtrip_error']:.1e} of the"
        f" range{failed}"
    )
    return "\n".join(lines)


def _headline_text(s: Result) -> str:
    """`Accuracy 0.953 [0.912-0.991]`, or the balanced accuracy of unequal conditions."""
    main = headline(s)
    assert main is not None
    interval = f" [{main.low:.3f}-{main.high:.3f}]" if main.low is not None else ""
    return f"{main.name.capitalize()} {main.value:.3f}{interval}"


def networks_text(rows: list[Result], failed: dict[str, Result]) -> str:
    """A small table of networks, and a line for each network that could not be read."""
    lines = [
        f"{'network':<24}{'accuracy':<22}{'calibration':<13}{'Z-prime':<9}{'robust':<9}held-out"
    ]
    for r in rows:
        interval = _figure(r["accuracy"])
        if r["accuracy_low"] is not None:
            interval += f" [{_figure(r['accuracy_low'])}-{_figure(r['accuracy_high'])}]"
        numbers = f"{_figure(r['calibration_error']):<13}{_figure(r['z_prime']):<9}"
        numbers += f"{_figure(r['robust_z_prime']):<9}"
        lines.append(
            f"{r['name']:<24}{interval:<22}{numbers}{r['test_records']} images, {r['test_groups']}"
            " groups"
        )
        if r["reconstruction"] is not None:
            lines.append(
                f"  draws held-out images with an error of {r['reconstruction']:.1%} of the range"
                " (typical)"
            )
    lines += [f"{name}: left out. {fault['reason']}" for name, fault in failed.items()]
    if len({tuple(r["held_out"]) for r in rows}) > 1:
        lines.append("These networks hold out different wells: train them again to compare them.")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
