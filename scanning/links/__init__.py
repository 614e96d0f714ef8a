"""Links, ``.strm`` files and copies that stand for the files of a root.

::

    names     what a link is called, what a .strm says       (plain, no models)
    rules     a LinkRule as plain values                      RuleSpec
    wanted    snapshot of a folder → links it should have     (plain)
    disk      look, make, replace, remove                     (plain)
    tree      is this folder of the target there, and real?   (plain)
    trash     the trash folder of a target                    (plain)
    store     rows in and out, set-based
    places    which folders a set of changes concerns
    settle    one folder: wanted + rows + disk → what is done
    reconcile a batch of folders: intend, act, record
    moves     a folder that moved takes what lies in it along
    examine   ``link --check``
    selectors which links stand for which change

The layout below the target is that of the root, so a folder is known by one path in both.
"""
