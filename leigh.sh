#!/bin/sh
# Sets everything up and runs: `sh leigh.sh demo`, `sh leigh.sh test`, `sh leigh.sh gui [PROJECT]`, `sh leigh.sh VERB ...`
# Brings uv, the Python packages and, on Debian and Ubuntu where allowed, the libraries Qt needs.
set -eu
export PYTHONSAFEPATH=1 # Python files in the working folder are not run
here=$(cd "$(dirname "$0")" && pwd)

qt_packages="libglib2.0-0 libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4
libxcb-keysyms1 libxcb-shape0 libxcb-xinerama0 libxcb-randr0 libxcb-render-util0 libxcb-image0 libxcb-xkb1 libxcb-sync1
libxcb-xfixes0 libxcb-shm0 libx11-xcb1 fonts-dejavu-core"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

install_debian() {
    line="apt-get install -y --no-install-recommends $(echo $*)"
    if command -v apt-get >/dev/null && as_root true; then
        echo "Installing system packages: $(echo $*)" >&2
        # A list of packages that is a little old is good enough; an installation that fails is not.
        as_root apt-get update -qq || true
        as_root env DEBIAN_FRONTEND=noninteractive $line -qq >/dev/null
    else
        echo "Some system packages are missing. Please run this once, then try again:" >&2
        echo "    sudo $line" >&2
        echo "(Names are those of Debian and Ubuntu; other systems name them similarly.)" >&2
        exit 1
    fi
}

find_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -I -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11, 3.12 or 3.13 is needed. On Debian 12: sudo apt-get install python3 python3-venv" >&2
    exit 1
}

find_uv() {
    if command -v uv >/dev/null; then
        command -v uv
        return
    fi
    if [ ! -x "$here/.uv/bin/uv" ]; then
        python=$(find_python)
        "$python" -I -c 'import ensurepip' 2>/dev/null || install_debian python3-venv
        echo "Fetching uv (installs the Python packages) into .uv" >&2
        "$python" -I -m venv "$here/.uv"
        "$here/.uv/bin/pip" install --quiet --disable-pip-version-check uv >&2
    fi
    echo "$here/.uv/bin/uv"
}

missing_qt_libraries() {
    qt=$("$here/.venv/bin/python" -I -c 'import PySide6, os; print(os.path.dirname(PySide6.__file__))')
    ldd "$qt"/QtGui*.so "$qt"/QtWidgets*.so "$qt"/QtSvg*.so "$qt"/Qt/plugins/platforms/libqxcb.so \
        "$qt"/Qt/plugins/platforms/libqoffscreen.so 2>/dev/null |
        sed -n 's/^[[:space:]]*\(lib[^ ]*\) => not found.*/\1/p' | sort -u
}

need_qt_libraries() {
    [ "$(uname -s)" = Linux ] || return 0
    [ -n "$(missing_qt_libraries)" ] || return 0
    install_debian $qt_packages
    still=$(missing_qt_libraries)
    if [ -n "$still" ]; then
        echo "These system libraries are still missing: $(echo $still)" >&2
        echo "Install the packages of your system that contain them, then try again." >&2
        exit 1
    fi
}

set_up() {
    uv=$(find_uv)
    quiet=--quiet
    if [ ! -x "$here/.venv/bin/leigh" ]; then
        quiet= # the first run shows how far it is
        echo "The first run downloads about 3 GB. This takes a few minutes." >&2
    fi
    # Inexact: what else was installed (tools of the tests, anndata) stays.
    (cd "$here" && "$uv" sync --locked --inexact $quiet --extra gui --extra formats "$@")
    need_qt_libraries
}

run() {
    exec "$here/.venv/bin/$@"
}

need_screen() {
    if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ]; then
        echo "There is no screen here (DISPLAY is not set). On a server: xvfb-run -a sh leigh.sh demo" >&2
        exit 2
    fi
}

case "${1:-}" in
demo)
    set_up --no-dev
    [ $# -eq 1 ] || run leigh "$@"
    need_screen
    run leigh-gui --demo
    ;;
gui)
    set_up --no-dev
    need_screen
    shift
    run leigh-gui "$@"
    ;;
test)
    set_up --group dev --group docs
    shift
    cd "$here"
    export UV="$uv" # builds and installs the wheel in a test
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    .venv/bin/lint-imports
    .venv/bin/mkdocs build --strict --quiet --site-dir "${TMPDIR:-/tmp}/leigh-site.$$"
    rm -rf "${TMPDIR:-/tmp}/leigh-site.$$"
    # A crash ends the run: pytest-xdist hangs when it replaces a process (its issue 1323).
    QT_QPA_PLATFORM="${QT_QPA_PLATFORM:-offscreen}" run pytest --durations 25 --max-worker-restart 0 -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder "$@"
    ;;
"" | -h | --help)
    echo "sh leigh.sh demo             open the demo"
    echo "sh leigh.sh test             run all checks and tests"
    echo "sh leigh.sh gui [PROJECT]    open the window"
    echo "sh leigh.sh VERB ...         the command line: scan, train, evaluate, map, counterfactual, explain, screen, figure, ..."
    ;;
*)
    set_up --no-dev
    run leigh "$@"
    ;;
esac
