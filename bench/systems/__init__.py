"""Systems other than the shop of ``simulate.py``: each logs in its own formats, words and identifiers. Run by ``elsewhere.py``."""
