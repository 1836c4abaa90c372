"""Folders on other computers are touched only where this user has chosen or allowed them.

On Linux and macOS `//tmp/x` is the folder `/tmp/x`, so a path of this form is another computer for
the program and a real folder for the tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import main
from core.domain.project import Untouched
from core.errors import NetworkPath
from core.io.network import Network, may_touch, network_place, remember
from core.io.project import open_for_reading, open_project, relink, save_project
from core.io.project_copy import save_copy
from core.synthetic.plate import PlateOptions, parse_conditions, write_plate
from core.workflows.scan import scan

pytestmark = pytest.mark.skipif(os.name == "nt", reason="// is a server there")
ROOT = Path(__file__).parents[2]
SPY = """
import os, sys

def is_far(path):
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    return text.replace(chr(92), "/").startswith("//")

def tell(event, path):
    if is_far(path):
        print("touched", event, path, flush=True)

sys.addaudithook(lambda event, values: [tell(event, v) for v in values if is_far(v)])
for name in ("stat", "lstat", "access", "readlink"):
    def spied(path, *rest, _real=getattr(os, name), _name=name, **more):
        tell(_name, path)
        return _real(path, *rest, **more)
    setattr(os, name, spied)
from core.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of this user lie here."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "settings"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Images of two conditions, as a path to another computer."""
    write_plate(tmp_path / "images", parse_conditions(["WT", "DS"]), PlateOptions(2, 1, 32))
    return Path(f"/{tmp_path}/images")


@pytest.fixture
def foreign(images: Path, tmp_path: Path) -> Path:
    """A project that someone made on another computer, with its images on the network."""
    project = scan(images, tmp_path / "project").folder
    for file in (tmp_path / "settings", tmp_path / "home"):
        for known in file.rglob("network.json"):
            known.unlink()
    move_away(project)
    assert str(images) in (project / "project.json").read_text("utf-8")
    return project


def move_away(project: Path) -> None:
    """The images are not where they were, seen from the project."""
    stored = json.loads((project / "project.json").read_text("utf-8"))
    stored["images"]["relative"] = "../elsewhere"
    (project / "project.json").write_text(json.dumps(stored), encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("//Server/Share/a/b", r"\\server\share"),
        (r"\\server\share\a", r"\\server\share"),
        (r"\\server", r"\\server"),
        (r"/\server/share", r"\\server\share"),
        (r"\\?\UNC\server\share\a", r"\\server\share"),
        (r"\\.\unc\server\share\a", r"\\server\share"),
        (r"\??\UNC\server\share", r"\\server\share"),
        (r"\\.\GLOBALROOT\Device\Mup\s\x", r"\\globalroot\device"),
        (r"\\server@SSL\DavWWWRoot\x", r"\\server@ssl\davwwwroot"),
        (r"\\?\C:\images", ""),
        (r"C:\images", ""),
        ("C:/images", ""),
        ("/home/me/images", ""),
        ("images/../more", ""),
        (r"\images", ""),
    ],
)
def test_the_place_of_a_path_is_its_server_and_share(path: str, place: str) -> None:
    assert network_place(path) == place


def test_an_answer_counts_for_one_project_and_one_share() -> None:
    remember("//server/share/a", "monday")
    assert may_touch(r"\\SERVER\share\b", Path("/p"), "monday")
    assert not may_touch("//server/share/a", Path("/p"), "tuesday")
    assert not may_touch("//server/other/a", Path("/p"), "monday")
    assert may_touch("//server/other/a", Path("//server/other/project"), "tuesday")


def spied(settings: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"XDG_CONFIG_HOME": str(settings)}
    command = [sys.executable, "-c", SPY, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True)


def test_the_command_line_touches_nothing_before_it_is_allowed(
    foreign: Path, settings: Path
) -> None:
    words = ("map", "--project", foreign, "--json")
    refused = spied(settings, *words)
    assert refused.returncode == 2 and "touched" not in refused.stdout, refused
    assert "--allow-network" in json.loads(refused.stdout)["error"]["hint"]

    allowed = spied(settings, *words, "--allow-network")
    assert "touched" in allowed.stdout and "another computer" not in allowed.stdout
    again = spied(settings, *words)
    assert "touched" in again.stdout and "another computer" not in again.stdout


def test_a_relative_path_that_is_none_is_not_followed(foreign: Path, settings: Path) -> None:
    file = foreign / "project.json"
    stored = json.loads(file.read_text("utf-8"))
    stored["images"] = {"relative": stored["images"]["absolute"], "absolute": None}
    stored["dataset"]["options"]["plate_map"] = "//server/share/map.csv"
    file.write_text(json.dumps(stored), encoding="utf-8")
    refused = spied(settings, "encode", "--project", foreign)
    assert refused.returncode == 2 and "touched" not in refused.stdout, refused


def test_a_folder_that_was_typed_is_allowed(images: Path, tmp_path: Path) -> None:
    project = scan(images, tmp_path / "mine")
    move_away(project.folder)
    assert open_project(project.folder).dataset.root == images
    copy = save_copy(open_project(project.folder), tmp_path / "copy")
    move_away(copy.folder)
    assert open_project(copy.folder).dataset.root == images


def test_a_project_without_its_images_keeps_where_they_are(foreign: Path, images: Path) -> None:
    file = foreign / "project.json"
    stored = json.loads(file.read_text("utf-8"))
    stored["dataset"]["options"]["plate_map"] = "//server/share/map.csv"
    file.write_text(json.dumps(stored), encoding="utf-8")
    for opened in (open_project, open_for_reading):
        with pytest.raises(NetworkPath, match="another computer"):
            opened(foreign)
    project = open_project(foreign, Network.LEAVE)
    assert project.untouched == Untouched(str(images), "//server/share/map.csv")
    assert not project.dataset.root.exists() and project.dataset.options.plate_map is None

    save_project(project)
    after = json.loads(file.read_text("utf-8"))
    assert after["images"] == {"relative": None, "absolute": str(images)}
    assert after["dataset"]["options"]["plate_map"] == "//server/share/map.csv"
    with pytest.raises(NetworkPath):
        open_project(foreign)
    assert open_project(foreign, Network.ALLOW).dataset.root == images
    assert open_project(foreign).dataset.root == images


def test_images_that_are_here_need_no_question(foreign: Path, tmp_path: Path) -> None:
    here = relink(open_project(foreign, Network.LEAVE), tmp_path / "images")
    save_project(here)
    assert open_project(foreign).dataset.root == tmp_path / "images"


def test_a_plate_map_on_another_computer_is_asked_about_alone(
    foreign: Path, tmp_path: Path
) -> None:
    assert main(["relink", str(tmp_path / "images"), "--project", str(foreign)]) == 0
    file = foreign / "project.json"
    stored = json.loads(file.read_text("utf-8"))
    stored["dataset"]["options"]["plate_map"] = "//server/share/map.csv"
    file.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(NetworkPath, match="plate map"):
        open_project(foreign)
    project = open_project(foreign, Network.LEAVE)
    assert project.dataset.root == tmp_path / "images" and not project.untouched.images


def test_a_check_says_that_the_images_were_not_touched(
    foreign: Path, settings: Path, images: Path
) -> None:
    checked = spied(settings, "check", foreign, "--json")
    assert checked.returncode == 0 and "touched" not in checked.stdout
    findings = {f["part"]: f for f in json.loads(checked.stdout)["findings"]}
    assert findings["images"]["state"] == "warning"
    assert str(images) in findings["images"]["message"]
