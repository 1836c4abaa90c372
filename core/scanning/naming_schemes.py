"""How the makers of microscopes name their files: one whole pattern for each program.

A scheme with `/` is compared with the whole path, all others with the name without its suffix. The
groups are those of `file_names.GROUPS`, and `row`, `col`, `drop` (goes with the channel).
"""

WELL = r"[A-Za-z]\d{1,2}|[Aa][A-Fa-f]\d{1,2}"  # rows Q to AF: plates of 1536 wells
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
SCHEMES: dict[str, str] = {
    "imagexpress": (
        rf"^(?:(?P<plate>.+?)_)??(?P<well>(?![q-z]|[P-Z]\d(?!\d)){WELL})(?:_s(?P<site>\d+))?_w(?P<channel>\d)"
        rf"(?:{_GUID})?$"
    ),
    "imagexpress-one-wavelength": (
        rf"^(?:(?P<plate>.+?)_)??(?P<well>{WELL})_s(?P<site>\d+?){_GUID}$"
    ),
    "phenix": (
        r"^r(?P<row>\d{2})c(?P<col>\d{2})f(?P<site>\d+)p(?P<z>\d+)(?:rc\d+)?"
        r"-ch(?P<channel>\d+)sk(?P<t>\d+)(?:fk\d+)?(?:fl\d+)?$"
    ),
    "columbus": (
        r"^(?P<row>\d{3})(?P<col>\d{3})-(?P<site>\d+)-(?P<z>\d{3})(?P<t>\d{3})(?P<channel>\d{3})$"
    ),
    "yokogawa": (
        rf"^(?P<plate>.*?)_(?:(?P<well>{WELL})_)?T(?P<t>\d+)F(?P<site>\d+)L\d+(?P<drop>A\d+)"
        r"Z(?P<z>\d+)C(?P<channel>\d+)$"
    ),
    "cv1000": r"^(?P<group>W\d+)F(?P<site>\d+)T(?P<t>\d+)Z(?P<z>\d+)C(?P<channel>\d+)$",
    "arrayscan": rf"^(?P<plate>.+)_(?P<well>{WELL})f(?P<site>\d+)d(?P<channel>\d)$",
    "cytation-stitched": (
        rf"^(?P<well>{WELL})_-?\d+(?P<drop>_\d+)_(?P<site>\d+)_[A-Za-z]+"
        r"\[(?P<channel>[^\]]+)\]_(?P<t>\d+)$"
    ),
    "cytation": (
        rf"^(?P<well>{WELL})_\d+(?P<drop>_\d+)_(?P<site>\d+)"
        r"_(?P<channel>[A-Za-z][A-Za-z0-9 ,]*)_(?P<t>\d+)$"
    ),
    "incell": (
        r"^(?P<row>[A-P])_(?P<col>\d\d)_f(?P<site>\d+)_c(?P<channel>\d+)"
        r"(?P<drop>_x[^_]+_m[^_]+)_z(?P<z>\d+)_t(?P<t>\d+)$"
    ),
    "incell-old": (
        r"^(?P<row>[A-P]) ?- ?(?P<col>\d+)\(fld (?P<site>\d+) wv (?P<channel>[^)]+?)"
        r"(?: z (?P<z>\d+))?(?: time (?P<t>\d+)[^)]*)?\)$"
    ),
    "scanr": (
        rf"^(?P<well>{WELL})--W\d+--P(?P<site>\d+)--Z(?P<z>\d+)--T(?P<t>\d+)--(?P<channel>.+)$"
    ),
    "nis-elements": (
        rf"^(?:(?P<plate>.+)_)?Well(?P<well>{WELL})_Point\w+?_(?P<site>\d+)"
        r"_Channel(?P<channel>.+?)_Seq\d+$"
    ),
    "micro-manager": r"^img_(?P<t>\d{9})_(?P<channel>.+)_(?P<z>\d{3})$",
    "incucyte": (
        rf"^(?P<plate>.+?)_(?P<well>{WELL})_(?P<site>\d+)"
        r"_(?P<t>\d{4}y\d\dm\d\dd_\d\dh\d\dm|\d\dd\d\dh\d\dm)$"
    ),
    "incucyte-raw": (
        rf"(?:^|/)(?P<t>\d{{4}}/\d\d(?:/\d{{4}})?)/(?:\d+/)?(?P<well>{WELL})[-_](?P<site>\d+)"
        r"[-_](?P<channel>[A-Z][A-Za-z]?\d?)$"
    ),
}
