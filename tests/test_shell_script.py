"""What `sh leigh.sh` says while it sets itself up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTALLER = """#!/bin/sh
echo "$@"
mkdir -p .venv/bin
printf '#!/bin/sh\necho ran "$@"' > .venv/bin/leigh
ln -sf "$PYTHON" .venv/bin/python
chmod +x .venv/bin/leigh
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sh")
def test_only_the_first_run_says_how_far_it_is(tmp_path: Path) -> None:
    shutil.copy(ROOT / "leigh.sh", tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text(INSTALLER, encoding="utf-8")
    (tools / "uv").chmod(0o755)
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHON": sys.executable}
    said = []
    for _ in range(2):
        words = ["sh", str(tmp_path / "leigh.sh"), "scan", "folder"]
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
        assert done.stdout.endswith("ran scan folder\n")
        said.append((done.stdout.splitlines()[0], "downloads about 3 GB" in done.stderr))
    assert said[0][1] and "--quiet" not in said[0][0]
    assert not said[1][1] and "--quiet" in said[1][0]
