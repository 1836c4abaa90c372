"""Small pictures are of the images that the project has now."""

from dataclasses import replace

import numpy as np
from gui_stand_in import make_project
from PySide6.QtGui import QPixmap

from core.io.digest import digest_record
from core.io.tiff import write_tiff
from leigh_gui.services.thumbnails import Thumbnails, read_image
from leigh_gui.state import AppState, Opened
from leigh_gui.widgets.image.channel_display import displays
from leigh_gui.widgets.image.gallery import Gallery, GalleryItem


def opened(tmp_path):
    """The state of a project whose records have checksums, and one of these records."""
    made = make_project(tmp_path, with_model=False, wells=1, fields=1, size=32)
    project, state = with_digests(made), AppState()
    state.open(Opened(project))
    channels = project.dataset.channels
    zeros = (0.0,) * len(channels)
    state.set_display(displays(channels, zeros, (1000.0,) * len(channels)))
    return project, state, project.dataset.records[0]


def with_digests(project):
    dataset = project.dataset
    records = tuple(replace(r, digest=digest_record(dataset.root, r)) for r in dataset.records)
    return replace(project, dataset=replace(dataset, records=records))


def rewrite(project, record):
    """Another program draws something else into the file."""
    channels = [c.name for c in project.dataset.channels]
    image = np.full((len(channels), 32, 32), 900, np.uint16)
    image[:, :16] = 100
    write_tiff(project.dataset.root / record.files[0], image, channel_names=channels)


def pictures_of(state, qtbot):
    """Thumbnails, and a function that asks for one and waits; None where none comes."""
    thumbnails, came = Thumbnails(state), {}
    thumbnails.ready.connect(lambda record_id, pixmap: came.update({record_id: pixmap.toImage()}))

    def ask(record_id):
        came.clear()
        thumbnails.request([record_id])
        thumbnails._background.wait()
        qtbot.wait(50)
        return came.get(record_id)

    return ask


def test_a_file_that_changed_on_disk_is_not_shown(tmp_path, qtbot):
    project, state, record = opened(tmp_path)
    rewrite(project, record)
    ask = pictures_of(state, qtbot)
    assert ask(record.id) is None
    raised = ""
    try:
        read_image(project.dataset, record)
    except Exception as error:
        raised = str(error)
    assert "changed on disk" in raised and record.id in raised


def test_images_that_were_scanned_again_get_new_pictures(tmp_path, qtbot):
    project, state, record = opened(tmp_path)
    ask = pictures_of(state, qtbot)
    before = ask(record.id)
    state.open(Opened(project))
    assert before is not None and ask(record.id) == before
    rewrite(project, record)
    state.open(Opened(with_digests(project)))  # the same folder and names
    after = ask(record.id)
    assert after is not None and after != before


def test_a_picture_that_could_not_be_read_is_asked_for_again(tmp_path, qtbot):
    project, state, record = opened(tmp_path)
    path = project.dataset.root / record.files[0]
    path.rename(path.with_suffix(".away"))  # a share that is gone
    ask = pictures_of(state, qtbot)
    assert ask(record.id) is None
    path.with_suffix(".away").rename(path)
    assert ask(record.id) is not None


def test_the_gallery_forgets_the_picture_of_another_image(qtbot):
    gallery = Gallery()
    qtbot.addWidget(gallery)
    items = [GalleryItem(name, name, "#000000", f"digest of {name}") for name in "ab"]
    gallery.set_items(items)
    for name in "ab":
        gallery.set_thumbnail(name, QPixmap(4, 4))
    gallery.set_items([items[0], replace(items[1], digest="another")])
    assert set(gallery._thumbnails) == {"a"}
