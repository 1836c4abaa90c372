"""Where the images of a project lie now: at its relative or absolute path, or not touched."""

from dataclasses import dataclass, replace
from pathlib import Path

from core.domain import Dataset, ImageRecord
from core.domain.project import Untouched
from core.errors import BadImage, NetworkPath
from core.io.digest import digest_record
from core.io.network import Network, may_touch, remember

NO_IMAGES = "images-elsewhere"  # stands for a folder that is not touched


@dataclass(frozen=True)
class Origin:
    """The project that names the images: its folder, its name, and when it was made."""

    project: Path
    name: str
    created: str


def at_its_root(
    dataset: Dataset, roots: list[Path], origin: Origin, network: Network
) -> tuple[Dataset, Untouched]:
    """The dataset at the root that has its images, without paths on computers nobody has allowed.

    Raises NetworkPath where this must be asked.
    """
    table = dataset.options.plate_map if dataset.options is not None else None
    if network is Network.ALLOW:
        for path in (*roots, *filter(None, [table])):
            remember(path, origin.created)
        near = roots
    else:
        near = [root for root in roots if may_touch(root, origin.project, origin.created)]
        table = None if table is None or may_touch(table, origin.project, origin.created) else table
    root = _root(near, dataset.records)
    far = next((root for root in roots if root not in near), None) if root is None else None
    if network is Network.ALLOW or (far is None and table is None):
        return replace(dataset, root=root or near[0]), Untouched()
    if network is Network.REFUSE:
        raise _stranger(origin, far, table)
    if table is not None and dataset.options is not None:
        dataset = replace(dataset, options=replace(dataset.options, plate_map=None))
    untouched = Untouched(str(far or ""), str(table or ""))
    return replace(dataset, root=origin.project / NO_IMAGES if far else root or near[0]), untouched


def _stranger(origin: Origin, images: Path | None, table: Path | None) -> NetworkPath:
    what = "image folder" if images is not None else "plate map"
    return NetworkPath(
        f"The {what} of {origin.name} is on another computer ({images or table}), which this"
        " project has not used from here.",
        "Do you know this computer? Then add --allow-network once. Else tell where the images are:"
        " leigh relink FOLDER --project DIR.",
        origin.project,
    )


def _root(folders: list[Path], records: tuple[ImageRecord, ...]) -> Path | None:
    """The first folder with the scanned images, judged by a sample; else the first with any image.

    None where no folder has any.

    A neighbouring plate may have the same file names. Images that have changed are refused later,
    when they are read.
    """
    if not records:
        return next((folder for folder in folders if folder.exists()), None)
    # A sample of three, because opening must be quick.
    sample = [records[i] for i in sorted({0, len(records) // 2, len(records) - 1})]
    present: dict[Path, list[ImageRecord]] = {}
    for folder in folders:
        present[folder] = [r for r in sample if all((folder / f).exists() for f in r.files)]
    same = [p for p, there in present.items() if any(_is_same(p, record) for record in there)]
    with_images = [p for p, there in present.items() if there]
    return next(iter([*same, *with_images]), None)


def _is_same(root: Path, record: ImageRecord) -> bool:
    try:
        return not record.digest or digest_record(root, record) == record.digest
    except (OSError, BadImage):  # reported when the image is read
        return True
