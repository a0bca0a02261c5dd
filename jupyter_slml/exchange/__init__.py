"""Models going out to other systems and coming in from them.

Lives here: what an MLflow directory, a SageMaker archive, a KServe manifest look like, and which files are models.
May import: domain, errors. Knows no client and no daemon: it gets files and gives files.
Promises: an archive is checked before anything of it is written; whatever must be loaded to be understood is loaded in a
process of its own, with bounds and without the caller's environment; nothing is half exported.
Read first: imports.py, then exports.py.
"""
