"""Sentences for the codes of links."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "link": _("Links of %(name)s"),
    "link_repair": _("Check and repair the links of %(name)s"),
    "no_link_rule": _("%(name)s has no link rule."),
    "link_conflict": _("Something that is not ours stands where a link should be: %(path)s"),
    "link_source_unreadable": _("Its source cannot be read, so it was not copied: %(path)s"),
    "link_name_impossible": _("The target cannot hold this name: %(path)s"),
    "link_more_problems": _("… and %(count)s more like these."),
    "link_collision": _("%(count)s places for links are taken by something that is not ours."),
    "link_removals_wait": _("Removals wait, because the root is not to be believed just now: %(reason)s"),
    "link_target_missing": _("The folder of the links is gone: %(path)s. Is its disk mounted?"),
    "link_target_empty": _("The folder of the links is empty: %(path)s. Is its disk mounted?"),
    "link_target_full": _("No space left on %(path)s. Make room there, then resume."),
    "link_builder_died": _("A process that makes links has died."),
    "link_strm_newline": _("The line break in its name cannot stand in a .strm; use a url_ field: %(path)s"),
    "link_target_unwritable": _("The links cannot be written: %(error)s"),
    "link_build_incomplete": _("Some folders could not be linked; retry them, then this."),
}
