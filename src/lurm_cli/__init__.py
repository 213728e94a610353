"""lurm: universal user representations from behaviour logs (LURM, arXiv 2110.11337)."""

__version__ = "0.1.0"
