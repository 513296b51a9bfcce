"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8, at once; raises OSError and leaves the file as it was where that fails.

    A link is followed, permissions are kept; what is no regular file (`/dev/stdout`, a pipe) is written to.
    """
    target = Path(os.path.realpath(path))
    data = content.encode() if isinstance(content, str) else content
    if target.exists() and not target.is_file():
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        target.write_bytes(data)
        return
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
    file = temporary.open("xb")
    try:
        with file:
            file.write(data)
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _mode(target: Path) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
