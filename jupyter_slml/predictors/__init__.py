"""A stored model as a function from rows to predictions: what serving replicas and batch jobs have in common.

Lives here: `loading` (from bytes to what answers), `predictor` (the protocol, and which predictor a model gets), one file
per library, `handlers` and `vertex` (directories of code).
May import: `domain`, `errors`; a library of models inside a function only, for a model of that library.
Promises: code of the model's maker runs when a model is loaded, so never in the daemon; the digest is checked first; a
pickle is loaded by consent only.
First file to read: `predictor.py`.
"""
