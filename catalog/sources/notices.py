"""What people read before they switch a source on."""

from django.utils.translation import gettext_lazy as _

METADATA_ONLY = _(
    "Reads only names of playlists and songs, from addresses that the platform does not document and may change at any "
    "time; its terms of use may forbid to ask them by a program. It is asked slowly, without an account. No music is "
    "fetched from it."
)
