"""The life cycles, one table per noun. Only `control/reconcile.py` applies them."""
