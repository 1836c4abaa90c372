"""`leigh bench drag` with the real window, in a process of its own, and the demo's model."""

from benchmarks import drag


def test_mouse_events_become_painted_pictures(monkeypatch):
    monkeypatch.setattr(drag, "WELLS", 3)
    found = drag.bench_drag(120)
    assert found.keys() >= {"events", "p50_ms", "p99_ms", "max_gap_ms", "answers_shown", "late_dropped"}
    assert found["events"] == 120
    assert 1 <= found["answers_shown"] <= 120
    assert 0 < found["p50_ms"] <= found["p99_ms"] < 5000
