"""Rebuild customer and business journeys from raw logs.

Importing this package loads nothing else: every heavy library is imported by the
module that needs it, so that ``--help`` and ``--version`` stay under 0.2 s.
"""

__version__ = "0.1.0"
