"""How a process of lurm treats memory: blocks that were freed, and garbage."""

from __future__ import annotations

import atexit
import gc
from contextlib import suppress

# Of glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Largest block that is kept: of a part's arrays, and of a training step's.
OF_A_PART, OF_A_STEP = 1 << 26, 1 << 30
# New objects between two looks at them; Python's own 700 is met a thousand times while torch is loaded.
_OBJECTS = 10_000


def keep_freed_memory(largest: int) -> None:
    """Let the arrays of the next part, or step, take the memory that those of the last have freed.

    By default a large block goes back to the system at once, which then clears every page of the next one: a tenth of
    the time of counting, and as much of that of training on long lives. Glibc can be told to keep them (mallopt(3));
    the peak of training grows by less than a tenth. Other C libraries stay as they are.

    Parameters
    ----------
    largest
        Bytes of the largest block that is kept, and of all that are at the end of the heap.
    """
    # Here and not above: `lurm --help` needs no C library.
    import ctypes

    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, largest)
        library.mallopt(_M_TRIM_THRESHOLD, largest)


def collect_seldom() -> None:
    """Look for garbage less often, and not at the end.

    Libraries make hundreds of thousands of objects that stay, which the collector goes through again and again while
    they are loaded, and once more at the end: with torch half a second of every command.
    """
    gc.set_threshold(_OBJECTS, 10, 10)
    atexit.register(gc.freeze)
