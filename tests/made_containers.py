"""Small files of makers, built from the published structure of their formats.

Every builder takes pixels (S, T, Z, C, Y, X) of uint16.
"""

import json
import struct
import uuid
from pathlib import Path

import numpy as np


def pixels(s: int = 1, t: int = 1, z: int = 1, c: int = 1, y: int = 24, x: int = 32) -> np.ndarray:
    """Noise (S, T, Z, C, Y, X), another in every plane."""
    return np.random.default_rng(5).integers(10, 4000, (s, t, z, c, y, x)).astype(np.uint16)


def _segment(kind: bytes, body: bytes) -> bytes:
    size = -(-len(body) // 32) * 32
    return struct.pack("<16sqq", kind, size, len(body)) + body.ljust(size, b"\0")


def _czi_entry(position: int, at: dict[str, tuple[int, int]], kind: int = 1) -> bytes:
    dimensions = b"".join(
        struct.pack("<4siifi", axis.encode(), start, size, 0.0, size)
        for axis, (start, size) in at.items()
    )
    head = struct.pack("<2siqiiBB4si", b"DV", kind, position, 0, 0, 0, 0, b"", len(at))
    return head + dimensions


def write_czi(
    path: Path,
    image: np.ndarray,
    names: tuple[str, ...] = (),
    size_um: float = 0.65,
    wells: tuple[str, ...] = (),
    leave_out: tuple[int, ...] = (),
) -> Path:
    """A CZI file with one block for each plane; `leave_out` are numbers of blocks.

    An image (S, T, Z, C, Y, X, 3) is written in colour.
    """
    channels = "".join(f'<Channel Id="Channel:{n}" Name="{s}"/>' for n, s in enumerate(names))
    scenes = "".join(
        f'<Scene Index="{n}" Name="{w}"><ArrayName>{w}</ArrayName></Scene>'
        for n, w in enumerate(wells)
    )
    distances = "".join(
        f'<Distance Id="{axis}"><Value>{size_um * 1e-6}</Value></Distance>' for axis in "XY"
    )
    xml = (
        "<ImageDocument><Metadata><Information><Image><Dimensions>"
        f"<Channels>{channels}</Channels><S><Scenes>{scenes}</Scenes></S>"
        "</Dimensions></Image></Information>"
        f"<Scaling><Items>{distances}</Items></Scaling></Metadata></ImageDocument>"
    ).encode()
    metadata = _segment(b"ZISRAWMETADATA", struct.pack("<ii", len(xml), 0) + bytes(248) + xml)
    place, blocks, entries = 32 + 512, b"", []
    height, width = image.shape[4:6]
    for number, (s, t, z, c) in enumerate(np.ndindex(image.shape[:4])):
        if number in leave_out:
            continue
        at = {"X": (0, width), "Y": (0, height), "C": (c, 1), "Z": (z, 1), "T": (t, 1), "S": (s, 1)}
        entry = _czi_entry(place + len(blocks), at, 4 if image.ndim == 7 else 1)
        data = image[s, t, z, c].astype("<u2").tobytes()
        body = struct.pack("<iiq", 0, 0, len(data)) + entry
        body = body.ljust(256, b"\0") + data
        blocks += _segment(b"ZISRAWSUBBLOCK", body)
        entries.append(entry)
    directory = struct.pack("<i124x", len(entries)) + b"".join(entries)
    places = (place + len(blocks) + len(metadata), place + len(blocks))
    guid = uuid.UUID(int=7).bytes
    head = struct.pack("<iiii16s16siqqiq", 1, 0, 0, 0, guid, guid, 0, *places, 0, 0)
    start = _segment(b"ZISRAWFILE", head.ljust(512, b"\0"))
    path.write_bytes(start + blocks + metadata + _segment(b"ZISRAWDIRECTORY", directory))
    return path


def write_lif(
    path: Path, image: np.ndarray, names: tuple[str, ...], dyes: tuple[str, ...], cut: int = 0
) -> Path:
    """A LIF file with an image for each name; `cut` leaves out the last bytes.

    An image (S, T, Z, 1, Y, X, 3) is written in colour.
    """
    elements = ""
    _, t, z, c, y, x = image.shape[:6]
    steps = {"X": 2, "Y": 2 * x, "C": 2 * x * y, "Z": 2 * x * y * c, "T": 2 * x * y * c * z}
    if image.ndim == 7:
        steps = {axis: 3 * step for axis, step in steps.items()} | {"C": 2}
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="{n + 1 if image.ndim == 7 else 0}"'
        ' Resolution="16" NameOfMeasuredQuantity=""'
        f' Min="0" Max="65535" Unit="" LUTName="{dye}" IsLUTInverted="0"'
        f' BytesInc="{steps["C"] * n}" BitInc="0"/>'
        for n, dye in enumerate(dyes)
    )
    counts = (("1", "X", x), ("2", "Y", y), ("3", "Z", z), ("4", "T", t))
    dimensions = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{count}" Origin="0"'
        f' Length="{(count - 1) * 0.5e-6}" Unit="m" BitInc="0" BytesInc="{steps[axis]}"/>'
        for number, axis, count in counts
    )
    for n, name in enumerate(names):
        elements += (
            f'<Element Name="{name}" UniqueID="u{n}"><Data><Image><ImageDescription>'
            f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"
            f"</ImageDescription></Image></Data>"
            f'<Memory Size="{image[n].nbytes}" MemoryBlockID="MemBlock_{n}"/></Element>'
        )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="exp" UniqueID="root">'
        f"<Data/><Memory Size='0' MemoryBlockID='MemBlock_x'/><Children>{elements}</Children>"
        "</Element></LMSDataContainerHeader>"
    )
    text = xml.encode("utf-16-le")
    data = struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(xml)) + text
    for n in range(len(names)):
        block = f"MemBlock_{n}".encode("utf-16-le")
        head = struct.pack("<IIB", 0x70, len(block) + 14, 0x2A)
        data += head + struct.pack("<QBI", image[n].nbytes, 0x2A, len(block) // 2) + block
        data += image[n].astype("<u2").tobytes()
    path.write_bytes(data[: len(data) - cut])
    return path


def write_zarr_image(
    folder: Path,
    image_tczyx: np.ndarray,
    names: tuple[str, ...] = (),
    size_um: float = 0.5,
    version: str = "0.4",
    shards: tuple[int, ...] | None = None,
) -> Path:
    """An image of OME-Zarr 0.4 or 0.5 with one chunk for each half plane."""
    import zarr

    new = version == "0.5"
    _, _, _, y, x = image_tczyx.shape
    array = zarr.create_array(
        folder / "0",
        shape=image_tczyx.shape,
        chunks=(1, 1, 1, y // 2, x),
        shards=shards,
        dtype=image_tczyx.dtype,
        zarr_format=3 if new else 2,
        chunk_key_encoding=None if new else {"name": "v2", "separator": "/"},
        config={"write_empty_chunks": True},
    )
    array[:] = image_tczyx
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}]
    axes += [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    scale = [{"type": "scale", "scale": [1, 1, 1, size_um, size_um]}]
    levels = [{"path": "0", "coordinateTransformations": scale}]
    said: dict[str, object] = {
        "multiscales": [{"version": version, "axes": axes, "datasets": levels}]
    }
    if names:
        said["omero"] = {"channels": [{"label": name} for name in names]}
    return write_group(folder, said, version)


def write_group(folder: Path, said: dict[str, object], version: str = "0.4") -> Path:
    """The metadata of a group of OME-Zarr."""
    folder.mkdir(parents=True, exist_ok=True)
    if version == "0.5":
        node = {"zarr_format": 3, "node_type": "group"}
        node["attributes"] = {"ome": {"version": "0.5", **said}}
        (folder / "zarr.json").write_text(json.dumps(node))
    else:
        (folder / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
        (folder / ".zattrs").write_text(json.dumps(said))
    return folder


def write_zarr_plate(
    folder: Path, wells: dict[str, np.ndarray], names: tuple[str, ...], version: str = "0.4"
) -> Path:
    """A plate with the fields of each well (path such as B/3 -> F T C Z Y X)."""
    for well, fields in wells.items():
        for n, image in enumerate(fields):
            write_zarr_image(folder / well / str(n), image, names, version=version)
        images = [{"path": str(n)} for n in range(len(fields))]
        write_group(folder / well, {"well": {"images": images}}, version)
    listed = [{"path": well} for well in wells]
    return write_group(folder, {"plate": {"name": "P7", "wells": listed}}, version)


def _lite(items: dict[str, object]) -> bytes:
    """Values in the lite variant of NIS-Elements."""
    return b"".join(_lite_item(name, value) for name, value in items.items())


def _lite_item(name: str, value: object) -> bytes:
    label = (name + "\0").encode("utf-16-le")
    code = {bool: 1, int: 3, float: 6, str: 8, dict: 11}[type(value)]
    head = struct.pack("<BB", code, len(label) // 2) + label
    if isinstance(value, dict):
        inside = _lite(value)
        length = len(head) + 12 + len(inside)
        return head + struct.pack("<IQ", len(value), length) + inside + bytes(8 * len(value))
    if isinstance(value, str):
        return head + (value + "\0").encode("utf-16-le")
    return head + struct.pack({1: "<B", 3: "<I", 6: "<d"}[code], value)


def write_nd2(
    path: Path,
    image: np.ndarray,
    names: tuple[str, ...],
    size_um: float = 0.325,
    leave_out: tuple[int, ...] = (),
) -> Path:
    """An ND2 file with the loops positions, times and planes; `leave_out` are numbers of frames.

    An image (S, T, Z, 1, Y, X, 3) is written in colour.
    """
    colour = image.ndim == 7
    image = np.moveaxis(image[..., 0, :, :, :], -1, 3) if colour else image
    s, t, z, c, y, x = image.shape
    about = {"uiWidth": x, "uiWidthBytes": 2 * x * c, "uiHeight": y, "uiComp": c}
    about |= {"uiBpcInMemory": 16, "uiBpcSignificant": 12, "uiSequenceCount": s * t * z}
    dye = {"m_sName": "dye"}
    planes = {
        f"a{n}": {"sDescription": name, "uiCompCount": 3 if colour else 1, "pFluorescentProbe": dye}
        for n, name in enumerate(names)
    }
    said = {"bCalibrated": True, "dCalibration": size_um}
    said["sPicturePlanes"] = {"uiCount": len(planes), "sPlaneNew": planes}
    at = {"dPosX": 0.0, "dPosY": 0.0, "dPosZ": 0.0}
    loops: list[tuple[int, dict[str, object]]] = [
        (2, {"uiCount": s, "Points": {f"i{n:010}": at for n in range(s)}}),
        (1, {"uiCount": t, "dStart": 0.0, "dPeriod": 1.0, "dDuration": 1.0}),
        (4, {"uiCount": z, "dZStep": 1.0, "dZLow": 0.0, "dZHigh": float(z)}),
    ]
    experiment: dict[str, object] = {}
    for kind, settings in reversed([loop for loop in loops if loop[1]["uiCount"] != 1]):
        inner = {"ppNextLevelEx": {"i0000000000": experiment}} if experiment else {}
        experiment = {"eType": kind, "uLoopPars": settings, **inner}
    chunks = {
        "ImageAttributesLV!": _lite({"SLxImageAttributes": about}),
        "ImageMetadataSeqLV|0!": _lite({"SLxPictureMetadata": said}),
    }
    if experiment:
        chunks["ImageMetadataLV!"] = _lite({"SLxExperiment": experiment})
    for number, index in enumerate(np.ndindex(s, t, z)):
        if number not in leave_out:
            frame = np.moveaxis(image[index], 0, -1).astype("<u2").tobytes()
            chunks[f"ImageDataSeq|{number}!"] = bytes(8) + frame
    signature = b"ND2 FILE SIGNATURE CHUNK NAME01!"
    data = struct.pack("<IIQ", 0x0ABECEDA, 32, 64) + signature + b"Ver3.0".ljust(64, b"\0")
    places = b""
    for name, body in chunks.items():
        places += name.encode() + struct.pack("<QQ", len(data), len(body))
        data += struct.pack("<IIQ", 0x0ABECEDA, 4072, len(body)) + name.encode().ljust(4072, b"\0")
        data += body
    ending = b"ND2 CHUNK MAP SIGNATURE 0000001!"
    table = places + ending + struct.pack("<Q", len(data))
    title = b"ND2 FILEMAP SIGNATURE NAME 0001!"
    end = struct.pack("<IIQ", 0x0ABECEDA, 32, len(table)) + title + table
    path.write_bytes(data + end)
    return path


def write_oif(path: Path, image: np.ndarray, dyes: tuple[str, ...], size_um: float = 0.2) -> Path:
    """An OIF file with its folder of planes."""
    import tifffile

    _, t, z, c, y, x = image.shape
    counts = {"X": x, "Y": y, "C": c, "Z": z, "T": t}
    codes = [*counts, "L", "P", "A"]
    lines = ["[ProfileSaveInfo]", f'Name="{path.name}"', 'Version="1.0"']
    lines += ["[Axis Parameter Common]", 'AxisOrder="XYCZT"']
    for n, axis in enumerate(codes):
        lines += [f"[Axis {n} Parameters Common]", f'AxisCode="{axis}"']
        lines += [f"MaxSize={counts.get(axis, 0)}"]
        lines += [f"StartPosition=0.0\nEndPosition={counts.get(axis, 0) * size_um}"]
        lines += ['PixUnit="um"', 'UnitName="um"']
    for n, dye in enumerate(dyes, start=1):
        lines += [f"[Channel {n} Parameters]", f'DyeName="{dye}"']
    lines += ["[Reference Image Parameter]", "ValidBitCounts=12"]
    path.write_bytes(b"\xff\xfe" + "\r\n".join(lines).encode("utf-16-le"))
    folder = path.with_name(path.name + ".files")
    folder.mkdir()
    for _, time, plane, channel in np.ndindex(image.shape[:4]):
        name = f"s_C{channel + 1:03}Z{plane + 1:03}T{time + 1:03}.tif"
        tifffile.imwrite(folder / name, image[0, time, plane, channel])
    return path
