"""What sources say, from their words to one job a root.

::

    notices ─▶ intake ─▶ translating ─▶ noting (rows) ─▶ services.settle ─▶ visible, resting ─▶ dispatch or rootless
"""
