"""Sentences for the codes of servers: errors of clients, steps of the connection test, reasons of a pause."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

TEXTS: Mapping[str, StrOrPromise] = {
    "server_unreachable": _("The server could not be reached."),
    "server_no_name": _("The name of the server cannot be resolved."),
    "server_timeout": _("No answer within %(seconds)s s."),
    "server_tls": _("The TLS certificate could not be verified: give the CA file, or switch the check off."),
    "server_address": _("The address or the token cannot be used."),
    "server_denied": _("The server refuses the token (%(status)s)."),
    "server_token_malformed": _("The token has characters that no token has: enter it again."),
    "secret_unreadable": _("The stored token cannot be read with the present key: enter it again."),
    "server_busy": _("The server cannot answer now (%(status)s)."),
    "server_refused": _("The server answered %(status)s: %(answer)s"),
    "server_redirects": _("The server redirects elsewhere: enter the address it redirects to."),
    "server_too_much": _("The answer is too large."),
    "server_not_json": _("The answer is not JSON: is this the right address?"),
    "server_shape": _("The answer is not what this kind of server says: is the kind right?"),
    "server_wrong_kind": _("This is %(product)s: choose that kind."),
    "server_library_key": _("No library of this kind of server is called “%(key)s”."),
    "server_paused_by_hand": _("Paused by hand."),
    "server_step_name": _("%(host)s is %(address)s."),
    "server_step_no_name": _("The name %(host)s cannot be resolved."),
    "server_step_tls": _("The TLS certificate is right."),
    "server_step_tls_unchecked": _("TLS is used, but the certificate is not checked."),
    "server_step_token": _("The token is accepted."),
    "server_step_version": _("%(name)s, version %(version)s."),
    "server_step_resumed": _("The server is no longer paused."),
    "server_step_libraries": _("Libraries that can be seen: %(number)d."),
    "listener_refused": _("It offers no websocket here (%(status)s): it is asked once a minute instead."),
    "listener_silent": _("It said nothing for a minute and a half, not even that it is there."),
    "listener_cut": _("The connection was cut."),
    "listener_waits": _("It cannot be asked just now."),
    "listener_failed": _("The listener failed: %(error)s"),
    "listener_off": _("Switched off here."),
    "listener_server_off": _("Its server is paused or switched off."),
    "listener_nobody": _("“manage.py watch” is not running."),
}
