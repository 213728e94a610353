"""How a process of lurm treats memory: blocks that were freed, and garbage."""

from __future__ import annotations

import atexit
import gc
from contextlib import suppress

# Of glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Largest block that is kept: of a part's arrays, and of a training step's.
OF_A_PART, OF_A_STEP = 1 << 26, 1 << 30
# glibc before 2.35 takes no larger one.
_OF_OLDER_GLIBC = 1 << 25
# New objects between two looks at them: by default 700 (2,000 in later versions of Python), which is met some hundred
# times while torch is loaded.
_OBJECTS = 10_000


def keep_freed_memory(largest: int, one_heap: bool = False) -> None:
    """Let the arrays of the next part, or step, take the memory that those of the last have freed.

    By default a block that is larger than those freed before, or than 32 MiB, comes from the system and goes back to
    it, which clears every page of the next one: a tenth of the time of counting, and as much of that of training on
    lives of 60 months. Glibc can be told to keep them (mallopt(3)); the peak of that training stayed as it was. Other C
    libraries stay as they are.

    Parameters
    ----------
    largest
        Bytes of the largest block that is kept, and of all that are at the end of the heap.
    one_heap
        Whether threads that begin later share the heap of the first one: heaps of their own hold no blocks of more than
        64 MiB. To be asked for before any library starts threads.
    """
    # Here and not above: `lurm --help` needs no C library.
    import ctypes

    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        if one_heap:
            library.mallopt(_M_ARENA_MAX, 1)
        # Only together: the second alone would have every large block come from the system.
        if library.mallopt(_M_MMAP_THRESHOLD, largest) or library.mallopt(_M_MMAP_THRESHOLD, _OF_OLDER_GLIBC):
            library.mallopt(_M_TRIM_THRESHOLD, largest)


def collect_seldom() -> None:
    """Look for garbage less often, and not at the end.

    Libraries make hundreds of thousands of objects that stay, which the collector goes through again and again while
    they are loaded, and once more at the end: with torch half a second of every command.
    """
    gc.set_threshold(_OBJECTS, 10, 10)
    atexit.register(gc.freeze)
